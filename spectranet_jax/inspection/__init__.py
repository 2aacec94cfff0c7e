"""Spectra to look at, and corrections of what a model says of them: pages for a browser."""
