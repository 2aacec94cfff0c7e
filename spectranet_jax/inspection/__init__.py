"""Pages for a browser to look at spectra and correct a model's answers."""
