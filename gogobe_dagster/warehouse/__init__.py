"""The PostgreSQL tables, the ledger of files, and the exact load. Nothing here knows portals."""
