"""Whether imports are complete, plausible and on time, and who is alerted when they are not.

data_quality  checks of feeds and of imported rows
statistics    daily and hourly counts for charts
alerts        alert state, messages and delivery
"""
