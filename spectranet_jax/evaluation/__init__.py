"""Arrays to numbers and pictures. No JAX here.

- `classification.scores(label, log_prob)` and `redshift.scores(z_pred, z_true)`: dicts for JSON
- `quasars.scores`: purity, completeness, redshift by range, broad absorption
- `posterior.decode(p, edges)`: redshift, error, confidence and second choice of p(z)
- `posterior_scores.scores(p, edges, z_true)`: coverage, PIT and CRPS of p(z)
- `calibration`: reliability of probabilities, risk against coverage, intervals
- `recalibration`: temperature, fitted on held-out spectra
- `figures`, `calibration_figures`, `velocity_figure`, `spectrum_figure`: PNG files
- `report`: what the report printed, to stand beside our numbers
"""
