"""Promotions of every dialect, from a reader's raw text to offers.

reader    read a document chunk by chunk, with either reader
raw       what a reader found: rows, groups and items as text
terms     text to typed terms, each with its items
offers    merge items of equal terms into offers
pricing   what a product costs under an offer
"""
