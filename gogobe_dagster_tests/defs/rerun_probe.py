"""Re-execution from failure, as the button in the web UI does it: prints whether the run succeeded."""

import sys

import dagster as dg

from gogobe_dagster.dagster_runtime.import_runner import import_feed

if __name__ == "__main__":
    with dg.DagsterInstance.get() as instance:
        (parent,) = instance.get_runs(limit=1)
        options = dg.ReexecutionOptions.from_failure(parent.run_id, instance)
        with dg.execute_job(
            dg.reconstructable(import_feed),
            instance=instance,
            tags=parent.tags,
            run_config=parent.run_config,
            reexecution_options=options,
        ) as result:
            sys.stdout.write("succeeded" if result.success else "failed")
