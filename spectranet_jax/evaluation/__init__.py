"""Arrays to numbers and pictures. No JAX here.

- `classification.scores(label, log_prob)` and `redshift.scores(z_pred, z_true)`: dicts for JSON
- `calibration`: reliability of probabilities, intervals of fractions
- `figures`: PNG files
- `report`: what the report printed, to stand beside our numbers
"""
