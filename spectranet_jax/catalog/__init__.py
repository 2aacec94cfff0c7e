"""From spectra to the rows of a catalog."""
