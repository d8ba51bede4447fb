"""What archiving costs: `python -m benchmarks.archive`."""
