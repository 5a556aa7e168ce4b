"""Checks of the imported data, counts for charts, and alerts.

data_quality  checks of feeds and of imported rows
statistics    daily and hourly counts for charts
alerts        alert state, messages and delivery
"""
