"""COPY in and out of PostgreSQL, in its binary format, and what its errors mean.

pg_copy            frames to tables and back; pg_binary: the binary format
table_export       tables to Parquet and CSV files
stores_in_cities   the stores of a city, for exports
db_errors          errors of PostgreSQL as ours, with a code
"""
