"""The vectorized reader: NumPy passes over a document's bytes instead of a loop over elements."""
