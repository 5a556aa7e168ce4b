"""Parsed rows as Parquet files, the exact record of what was published. Nothing here parses."""
