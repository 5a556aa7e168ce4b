"""COPY in and out of PostgreSQL, in its binary format, and what its errors mean."""
