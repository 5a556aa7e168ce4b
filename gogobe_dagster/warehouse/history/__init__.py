"""Valid-time history (SCD type 2) as pure functions: which periods begin and end.

periods               files applied to the current state
diff                  the usual case: one file per store
retention_watermark   how far back history can still be changed
"""
