"""Promotions of every dialect, from a reader's raw text to offers."""
