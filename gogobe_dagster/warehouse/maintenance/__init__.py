"""Retention, clean-up and rebuilding."""
