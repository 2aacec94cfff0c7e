"""SpectraNET-JAX: what is this spectrum, and at what redshift?

Importing the package imports nothing heavy; start from one of its rooms:

- `spectranet_jax.spectra`: what a spectrum is (NumPy only)
- `spectranet_jax.networks`: pure-functional Flax networks
- `spectranet_jax.inference`: a trained model, `load().predict(flux, ivar)`
"""

__version__ = "0.1.0"
