"""Redrock's performance as measured elsewhere: numbers to quote, not computed here."""

from typing import NamedTuple


class Quoted(NamedTuple):
    """A line of the comparison with redrock 0.21 and its templates, on held-out spectra of SDSS and
    BOSS that are not available here; velocities in km/s, fractions within 1000 km/s.
    """

    spectra: str
    linenet: str
    redrock: str


REDROCK = (
    Quoted("62 quasars of plate 7102, faint: NMAD, within 1000 km/s", "271; 0.968", "410; 0.887"),
    Quoted("125 brighter quasars: NMAD, within 1000 km/s", "91; 0.968", "60; 0.960"),
    Quoted("56 galaxies: NMAD, within 1000 km/s", "69; 1.000", "25; 0.911"),
    Quoted("349 of all classes: three-class accuracy", "346 of 349", "335 of 349"),
    Quoted("spectra per second on one core", "500 to 1,600", "0.8"),
)
"""LineNet's numbers are those of its binned redshifts, before refinement."""
