"""The cases of `python -m experiments.benchmark`, a file for each case and for each peer."""
