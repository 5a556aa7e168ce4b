"""The `gogobe` command: one module per subcommand. None imports dagster at module level."""
