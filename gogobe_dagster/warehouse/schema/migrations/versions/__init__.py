"""One module per revision, in order, with its SQL beside it. A released revision never changes."""
