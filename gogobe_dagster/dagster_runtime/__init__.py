"""Processes around Dagster: what starts runs, speeds them up, and cleans up after them.

import_runner  run the import job in a process of its own
preload        modules that the fork server imports once
orphaned_runs  mark runs as failed whose process is gone
"""
