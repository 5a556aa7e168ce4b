"""The lxml reader: for documents that the fast reader cannot take, and the oracle in tests."""
