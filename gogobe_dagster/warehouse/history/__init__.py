"""Valid-time history (SCD type 2) as pure functions: which periods begin and end."""
