"""From survey files, or from nothing but physics, to a dataset folder. No JAX here."""
