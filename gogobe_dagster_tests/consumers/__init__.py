"""Tests of what others build on: the Python functions, the dataset, the service, the tools for models."""
