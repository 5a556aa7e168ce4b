"""The `gogobe` command: one module a subcommand. Nothing here imports dagster at module level."""
