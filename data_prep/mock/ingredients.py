"""The ingredients of the mock survey by name, so that each can be left out.

Every generator takes one `Ingredients` and asks it; an ablation is one name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from data_prep.mock.empirical import SHIPPED, Bank, banks
from spectranet_jax.spectra import InputError

NAMES = {
    "empirical templates": "half of stars and galaxies and a part of quasars from observed spectra",
    "realistic noise": "noise against wavelength, brightness and plate, and masks",
    "narrow absorbers": "narrow metal lines and mini-BALs in front of quasars",
    "blueshifts": "outflow of broad lines against luminosity, and their scatter in velocity",
    "calibration errors": "tilts, steps, sky residuals and glitches",
    "host and iron": "starlight, Fe II and the Balmer continuum under quasars",
}
"""Ingredient -> what it puts into a spectrum."""

INSTRUMENT = {
    "realistic noise": ("noise", "masks"),
    "calibration errors": ("calibration", "sky", "glitches"),
}
"""Ingredient -> the effects of the instrument that it stands for; others belong to the spectra."""


@dataclass(frozen=True)
class Ingredients:
    """Those of a survey: all of `NAMES` but some.

    Attributes:
        without: names left out.
        templates: folder of templates in redrock's format; a class that it has none of is drawn
            from those that come with the code.
    """

    without: frozenset[str] = frozenset()
    templates: Path = SHIPPED

    def __post_init__(self) -> None:
        for name in sorted(self.without):
            if name not in NAMES:
                raise InputError(
                    f"{name} is no ingredient of the mock survey; choose among {', '.join(NAMES)}"
                )
        if self.templates != SHIPPED and self.has("empirical templates"):
            banks(self.templates)  # tells of a wrong folder before any work

    def has(self, name: str) -> bool:
        """Whether the survey is made with it; KeyError where there is no such ingredient."""
        return bool(NAMES[name]) and name not in self.without

    def bank(self, kind: str) -> Bank | None:
        """Templates of STAR, GALAXY or QSO; None where the survey is made without."""
        return banks(self.templates)[kind] if self.has("empirical templates") else None

    @property
    def effects(self) -> tuple[str, ...]:
        """Effects of the instrument that the survey is made with."""
        return tuple(e for name, held in INSTRUMENT.items() if self.has(name) for e in held)

    def as_text(self) -> Mapping[str, object]:
        """For a manifest: names left out, and where templates come from."""
        origin = "shipped" if self.templates == SHIPPED else str(self.templates)
        return {"without": sorted(self.without), "templates": origin}


EVERYTHING = Ingredients()
