"""Processes around Dagster: they execute runs, make steps start faster, and clean up after crashes.

environment    the variables that processes of Dagster and `psql` need, and where dagster.yaml is
instance       the Dagster instance, which sets those variables where nobody did
storage        Dagster's PostgreSQL storage with connections that are kept
import_runner  executes the import job for `gogobe import` and `gogobe demo`
preload        modules that the fork server of the steps imports once
code_server    becomes the code server of `gogobe up`
orphaned_runs  marks runs as failed whose processes are gone
report_pages   serves the daily reports beside the web UI
launchers      launch runs: into the queue of the workers, or as processes
compute_logs   keep what steps print: in files, or in the database
worker         takes runs from the queue and starts their processes
worker_checks  what makes a worker one of its head: databases, stores, version
run_process    the process of one run, which ends with its worker
step_server    the fork server of a run's steps, forked from the run's process
web_server     Dagster's web server behind web_guard, which refuses requests of foreign web pages
"""
