"""Make the basis vectors for refining redshifts, from noise-free mock spectra.

The vectors are principal components of mock galaxies, and of mock quasars like those below
z = 1.57, drawn in the rest frame at native pixels. Templates are among them if RR_TEMPLATE_DIR
names a folder. The defaults are those of the shipped vectors, which were made with templates.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spectranet_jax.commands.command import Command, command
from spectranet_jax.progress import notice_if_slow
from spectranet_jax.spectra.errors import InputError

if TYPE_CHECKING:
    from data_prep.mock.ingredients import Ingredients

REBUILD = "python -m experiments.basis"


@dataclass(frozen=True)
class Config(Command):
    """Settings of the basis vectors."""

    out: Path = Path("spectranet_jax/weights")
    """folder in which one folder per kind of spectrum is made"""
    spectra: int = 2500
    """mock spectra of each kind"""
    galaxy_vectors: int = 12
    """basis vectors of galaxies"""
    quasar_vectors: int = 4
    """basis vectors of quasars"""
    seed: int = 0
    """seed of every draw"""


def work(config: Config) -> None:
    """Make and write basis vectors as configured."""
    vectors = {"GALAXY": config.galaxy_vectors, "QSO": config.quasar_vectors}
    for flag in ("galaxy_vectors", "quasar_vectors"):
        if not 1 <= getattr(config, flag) <= config.spectra:
            raise InputError(
                f"--{flag.replace('_', '-')} {getattr(config, flag)} must be 1 to --spectra"
                f" {config.spectra}; give another number"
            )
    if config.seed < 0:
        raise InputError(f"--seed {config.seed} is negative; give 0 or more")
    from spectranet_jax.datasets.atomic import check_writable, write_text

    check_writable(config.out, folder=True)
    with notice_if_slow("basis: starting"):
        import numpy as np

        from data_prep.mock import rest_frame
        from data_prep.mock.ingredients import ANALYTIC, at_hand
        from spectranet_jax.inference import basis

    ingredients = at_hand()
    if ingredients.lacks_templates:
        print(ANALYTIC, flush=True)
    for kind, (generator, limits) in rest_frame.KINDS.items():
        with notice_if_slow(f"basis: {config.spectra:,} mock spectra of {kind}"):
            start, grid = rest_frame.rest_grid(*limits)
            rng = np.random.default_rng((config.seed, list(rest_frame.KINDS).index(kind)))
            flux = generator(rng, config.spectra, grid, ingredients)
            principal = rest_frame.principal(flux, vectors[kind])
        folder = config.out / basis.FOLDERS[kind]
        digest = basis.save(folder / basis.FILE_NAME, basis.Basis(start, principal))
        write_text(folder / "CARD.md", card(config, kind, limits, digest, ingredients))
        print(f"{folder}: {vectors[kind]} vectors, sha256 {digest}")


def card(
    config: Config,
    kind: str,
    limits: tuple[float, float],
    digest: str,
    ingredients: "Ingredients",
) -> str:
    """Return Markdown on the vectors, their sources, and their limits."""
    import numpy as np

    import spectranet_jax
    from experiments.model_card import MOCK, templates_used
    from spectranet_jax.inference.basis import FOLDERS

    settings = {name: getattr(config, name) for name in Config.__dataclass_fields__}
    defaults = {name: field.default for name, field in Config.__dataclass_fields__.items()}
    flags = [
        f"--{name.replace('_', '-')} {value}"
        for name, value in settings.items()
        if value != defaults[name] and name != "out"
    ]
    creator = {"command": MOCK, "config": ingredients.as_text()}
    vectors = config.galaxy_vectors if kind == "GALAXY" else config.quasar_vectors
    content = (
        f"`vectors`, {vectors} in float32, of unit norm, flux per unit wavelength; `start`, log10"
        " of the wavelength of the first pixel in steps of 1e-4, vacuum Angstrom"
    )
    return f"""# {FOLDERS[kind]}

Basis vectors of {kind} spectra, to refine redshifts at native pixels.

| | |
|---|---|
| rebuilt by | `{" ".join([REBUILD, *flags])}` |
| content | {content} |
| wavelengths | {limits[0]:,.0f} to {limits[1]:,.0f} Angstrom in the rest frame |
| made from | {config.spectra:,} noise-free mock spectra, drawn in the rest frame |
| templates among them | {templates_used(creator)} |
| seed | {config.seed} |
| made with | spectranet-jax {spectranet_jax.__version__}, numpy {np.__version__} |
| sha256 of the file | {digest} |

## Limits

- Made from mock spectra only, and from no survey spectrum.
- The number of vectors was chosen on labeled SDSS and BOSS spectra, so their scores are optimistic.
- Made to refine a known redshift. They do not distinguish galaxies, quasars and stars.
- Another processor or version of NumPy rounds differently, and may change the last digits.
"""


if __name__ == "__main__":
    command(Config, work, __doc__)
