"""Parsed rows as Parquet files, the exact record of what was published. Nothing here parses.

parquet_lake   write, read and remove the files of the lake
"""
