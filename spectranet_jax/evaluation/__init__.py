"""Arrays to numbers and pictures. No JAX here.

- `class_scores`, `redshift_scores`, `quasar_scores`, `posterior_scores`, `combined_scores`: frozen
  dataclasses of scores, and the functions that make them of arrays
- `scores_json`: the same as evaluation.json holds them, and back
- `score_tables`, `score_markdown`: the same for the terminal, and for the card of a model
- `posterior.decode(p, edges)`: redshift, error, confidence and second choice of p(z)
- `calibration`: reliability of probabilities, risk against coverage, intervals
- `recalibration`: temperatures, fitted on held-out spectra
- `figures`, `calibration_figures`, `velocity_figure`, `spectrum_figure`: PNG files
- `ablation`: what leaving a part out does to scores
- `report`: what the report printed, to stand beside our numbers
"""
