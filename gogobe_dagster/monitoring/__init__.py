"""Checks of the imported data and of the installation, counts for charts, alerts, and probes of portals.

data_quality  checks of feeds and of imported rows
fleet         the state of all feeds: days, prices, stores, problems, what waits
daily_report  the report of a day as one HTML file
pictures      days by feed, bars and columns as SVG
failed_files  files that failed in a step, whether too many, and what to do
metrics       what Prometheus scrapes: definitions and values
exporter      serves them to Prometheus
statistics    daily and hourly counts for charts
alerts        alert state, messages and delivery
watches       products whose changed prices are alerted
doctor        what is wrong with the installation, and what to do
reachability  which portals answer this machine
"""
