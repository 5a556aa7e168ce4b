"""Dagster definitions: thin shells around `pipeline` and the other core modules.

Every file in this folder is loaded by `gogobe_dagster.definitions`; a new one needs no registration. Together
with `dagster_runtime` these are the only modules that import dagster.

Definitions
    assets, parsed       the import: discovered, downloaded, parsed, stores, prices, promotions
    jobs                 the job that runs them, and how its steps are executed
    sensors              one sensor per feed, which requests runs of that job
    checks, alerts       the checks of all feeds, and the sensors that send alerts
    fleet                the state of all feeds on one page, every hour
    daily_report         one HTML file about each day
    maintenance          the nightly job, and all schedules
    backups              the nightly backup
    dataset              the dataset of Parquet files, and when it is published
    retry                the job that puts failed files back
    register_drift       the weekly comparison with the official register
    locality_drift       the monthly comparison with the official list of localities
    portal_probe         the weekly question which portals answer this machine

Shared by them
    partitions, pools    feed by publication day; limits on concurrent steps
    resources, failures  what a step opens; our errors as Dagster's
    comparisons          an official list compared with ours
    step_outcomes        warnings, tags and failures of a step that lost files
    selection            which files a partial run takes
    automation           whether sensors and schedules are on
    asset_metadata, materialization_metadata, register_metadata, metadata_tables, plots
                         what the web UI shows
"""
