"""List of the commands that write datasets: `python -m data_prep`."""

from pathlib import Path

from spectranet_jax.command_list import show

if __name__ == "__main__":
    show("data_prep", Path(__file__).parent)
