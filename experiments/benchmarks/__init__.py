"""What `python -m experiments.benchmark` measures, a file for each case and for each peer."""
