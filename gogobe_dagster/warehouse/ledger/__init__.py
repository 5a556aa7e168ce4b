"""The ledger: one row per published file, its state, events and claims."""
