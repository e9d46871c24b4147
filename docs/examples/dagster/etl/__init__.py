"""What Dagster serves."""
