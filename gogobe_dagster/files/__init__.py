"""Published files before anyone reads their rows.

names        what a file name says: kind, chain, sub-chain, store, timestamp
kinds        the five kinds of files, and the three document types in them
selection    which files of a day a partial run takes
content      open a file: unpack it, find its encoding, check that it is a document
containers   unpack gzip and ZIP; encodings: convert text to UTF-8
notes        what was unusual about a file that was read all the same
raw_store    the bytes as served, under their SHA-256; durable: files that survive a power cut
"""
