"""List of the commands that train and measure: `python -m experiments`."""

from pathlib import Path

from spectranet_jax.command_list import show

if __name__ == "__main__":
    show("experiments", Path(__file__).parent)
