"""Checks of the imported data, counts for charts, alerts, and probes of portals.

data_quality  checks of feeds and of imported rows
statistics    daily and hourly counts for charts
alerts        alert state, messages and delivery
reachability  which portals answer this machine
"""
