"""Parsed files become rows: prices, promotions and store lists, one transaction at a time."""
