"""The Dagster layer: thin shells around `importing`. The only package that imports dagster."""
