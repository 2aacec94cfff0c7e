"""The ingredients of the mock survey by name, so that each can be left out.

Every generator takes one `Ingredients`; an ablation leaves out one name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from data_prep.mock.empirical import Bank
from data_prep.mock.template_folder import VARIABLE, folder, templates
from spectranet_jax.spectra import InputError
from spectranet_jax.spectra.instruments import INSTRUMENTS, fractions
from spectranet_jax.spectra.observation import EFFECTS

TEMPLATES = "empirical templates"

NAMES = {
    TEMPLATES: "half of stars and galaxies and a part of quasars from observed spectra",
    "realistic noise": "noise against wavelength, brightness and plate, and masks",
    "narrow absorbers": "narrow metal lines and mini-BALs in front of quasars",
    "blueshifts": "outflow of broad lines against luminosity, and their scatter in velocity",
    "calibration errors": "tilts, steps and sky residuals",
    "instruments": "spectra of SDSS-I/II and DESI beside those of BOSS",
    "defects": "cosmic rays, hot pixels, arms out of scale, levels too low",
    "unlit fibers": "spectra without signal, from which nothing can be told",
    "second starlight": "a part of the starlight from a second model, with broad blends of lines",
    "host and iron": "starlight, Fe II and the Balmer continuum under quasars",
    "wide range": "nearest and faint galaxies, rare stars, distant and odd quasars",
    "displaced lines": "broad lines away from the narrow ones, and double-peaked ones",
}
"""Ingredient -> its effect on a spectrum."""

INSTRUMENT = {
    "realistic noise": ("noise", "masks"),
    "calibration errors": ("calibration", "sky"),
    "defects": ("glitches", "defects"),
    "unlit fibers": ("unlit",),
    "instruments": (),
}
"""Ingredient -> the effects of the instrument that it stands for; others belong to the spectra."""

ANALYTIC = (
    f"no templates: {VARIABLE} names no folder, so the mock survey is drawn from physics alone"
    " (`python -m data_prep.download --templates --out DIR` fetches templates)"
)
"""Printed if a survey could have templates, but has none."""


@dataclass(frozen=True)
class Ingredients:
    """Ingredients of a survey: all of `NAMES` except those left out.

    Attributes:
        without: names left out.
        templates: folder of templates, or None. Kinds of spectra without templates are drawn from
            physics alone.
        observed_by: names of the instruments of the survey.
    """

    without: frozenset[str] = frozenset()
    templates: Path | None = None
    observed_by: tuple[str, ...] = tuple(INSTRUMENTS)

    def __post_init__(self) -> None:
        for name in sorted(self.without):
            if name not in NAMES:
                raise InputError(
                    f"{name} is not an ingredient of the mock survey; choose among"
                    f" {', '.join(NAMES)}"
                )
        fractions(self.observed_by)  # raises InputError for an unknown name
        if "instruments" in self.without and self.observed_by != tuple(INSTRUMENTS):
            raise InputError(
                "--without instruments leaves out all but boss; give it or --instrument, not both"
            )
        if self.templates is not None and self.has(TEMPLATES):
            templates(self.templates)  # raises InputError for a wrong folder before any work

    def has(self, name: str) -> bool:
        """Whether the survey has an ingredient; KeyError where there is no such ingredient."""
        return bool(NAMES[name]) and name not in self.without

    def bank(self, kind: str) -> Bank | None:
        """Return templates of STAR, GALAXY or QSO; None where the survey is made without them."""
        if self.templates is None or not self.has(TEMPLATES):
            return None
        return templates(self.templates).banks.get(kind)

    @property
    def lacks_templates(self) -> bool:
        """Whether the survey should have templates, but no folder of them is named."""
        return self.templates is None and self.has(TEMPLATES)

    @property
    def instruments(self) -> tuple[str, ...]:
        """Return the names of the instruments in the survey."""
        return self.observed_by if self.has("instruments") else ("boss",)

    @property
    def effects(self) -> tuple[str, ...]:
        """Return the effects of the instrument in the survey."""
        held = {e for name, part in INSTRUMENT.items() if not self.has(name) for e in part}
        return tuple(effect for effect in EFFECTS if effect not in held)

    def as_text(self) -> Mapping[str, object]:
        """Return the manifest's entry: names left out, and the templates' description or None."""
        used = self.templates if self.has(TEMPLATES) else None
        account = None if used is None else templates(used).account()
        return {"without": sorted(self.without), "templates": account}


EVERYTHING = Ingredients()
"""All ingredients, without templates: they need a folder."""


def at_hand(without: frozenset[str] = frozenset(), chosen: Path | None = None) -> Ingredients:
    """Return the ingredients with the templates in `chosen`, or in the folder of RR_TEMPLATE_DIR.

    Raises:
        InputError: if the folder holds no templates, or `without` names no ingredient.
    """
    return Ingredients(without, folder(chosen))
