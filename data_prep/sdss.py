"""Make a dataset from SDSS and BOSS spectra (spec, spPlate, spSpec) and a catalog or your labels.

python -m data_prep.sdss --catalog Superset_DR12Q.fits --spectra spectra/ --out data/boss

python -m data_prep.sdss --catalog labels.csv --spectra spectra/ --out data/mine
"""

from data_prep.survey_files import Config, prepare
from spectranet_jax.command_line import command
from spectranet_jax.datasets.manifest import Manifest


def work(config: Config) -> Manifest:
    """Prepare a dataset: see `survey_files.prepare`."""
    return prepare(config, "data_prep.sdss")


if __name__ == "__main__":
    command(Config, work, __doc__)
