"""Make a dataset from DESI spectra (coadd or spectra files) and redrock files or a quasar catalog.

python -m data_prep.desi --spectra coadd-*.fits --catalog redrock-*.fits --out data/desi
"""

from data_prep.survey_files import Config, prepare
from spectranet_jax.command_line import command
from spectranet_jax.datasets.manifest import Manifest


def work(config: Config) -> Manifest:
    """Prepare a dataset: see `survey_files.prepare`."""
    return prepare(config, "data_prep.desi")


if __name__ == "__main__":
    command(Config, work, __doc__)
