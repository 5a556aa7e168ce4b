"""Backups of everything that is kept: databases, raw store and lake; and their way back into an empty home.

manifest  what a backup consists of, with the hash of every file; written last
folder    a folder of backups: which are complete, and which files they share
make      make a backup
restore   verify a backup and restore it; restore_mark: homes in which that has not ended
"""
