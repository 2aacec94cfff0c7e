"""From survey files, or from physics alone, to a dataset folder. No JAX here."""
