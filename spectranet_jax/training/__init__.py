"""From a dataset folder to a trained network in a run folder."""
