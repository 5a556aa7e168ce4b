"""Checks of the imported data and of the installation, counts for charts, alerts, and probes of portals.

data_quality  checks of feeds and of imported rows
failed_files  files that failed in a step, whether too many, and what to do
statistics    daily and hourly counts for charts
alerts        alert state, messages and delivery
doctor        what is wrong with the installation, and what to do
reachability  which portals answer this machine
"""
