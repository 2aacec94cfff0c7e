"""Tables beyond the report: models on the same spectra, mock and real."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from experiments.reporting.compared import Reply, Spectra, right_class
from experiments.reporting.quoted import REDROCK
from experiments.reporting.table import NONE, Cell, Row, Table, fraction_cell, heading, number, row
from spectranet_jax.evaluation.calibration import expected_calibration_error
from spectranet_jax.evaluation.fraction import fraction_if_any
from spectranet_jax.evaluation.quasar_scores import BAL_WINDOW
from spectranet_jax.evaluation.redshift_scores import RedshiftScores, scores

LEVELS = (0.68, 0.95)
"""Probabilities of the regions of p(z) whose coverage the table shows."""

OfReply = Callable[[Reply], Cell]


def models_table(spectra: Spectra, replies: Mapping[str, Reply]) -> Table:
    """Class, redshift, broad absorption and calibration of every model on the same spectra."""
    truth, quasars = spectra.truth, int(spectra.truth.measured.sum())

    def line(name: str, cell: OfReply) -> Row:
        return row(name, *(cell(reply) for reply in replies.values()))

    def accuracy(reply: Reply) -> Cell:
        known = reply.label is not None
        return fraction_cell(fraction_if_any(right_class(reply, truth))) if known else Cell(NONE)

    def class_error(reply: Reply) -> Cell:
        if reply.p_label is None:
            return Cell(NONE)
        return number(expected_calibration_error(reply.p_label, right_class(reply, truth)))

    def held(level: float) -> OfReply:
        def cell(reply: Reply) -> Cell:
            if reply.level is None:
                return Cell(NONE)
            return fraction_cell(fraction_if_any(reply.level[truth.measured] <= level))

        return cell

    low, high = BAL_WINDOW
    rows = [
        heading(f"class: {len(spectra):,} spectra"),
        line("four-class accuracy", accuracy),
        line("quasar / non-quasar accuracy", lambda reply: fraction_cell(reply.scores.accuracy)),
        line("purity", lambda reply: fraction_cell(reply.scores.purity)),
        line("completeness", lambda reply: fraction_cell(reply.scores.completeness)),
        heading(f"redshift: {quasars:,} quasars"),
        line("NMAD (km/s)", lambda reply: nmad(reply.scores.redshift)),
        line("within 1000 km/s", lambda reply: within(reply.scores.redshift, 1000)),
        line("within 3000 km/s", lambda reply: within(reply.scores.redshift, 3000)),
        line("catastrophic", lambda reply: catastrophic(reply.scores.redshift)),
        heading(f"broad absorption, z {low:g} to {high:g}"),
        line("recall", lambda reply: fraction_cell(reply.scores.bal_recall)),
        line("false alarms", lambda reply: fraction_cell(reply.scores.bal_false_alarm)),
        line("area under ROC", lambda reply: number(reply.scores.bal_auc)),
        heading("calibration"),
        line("error of class probability", class_error),
        *(line(f"{level:.0%} region of p(z) holds", held(level)) for level in LEVELS),
    ]
    return Table(
        "Table 5",
        "The report's networks, QuasarNET and LineNet on the same test spectra",
        ("", *replies),
        rows,
        "Purity and completeness count a quasar that is predicted as one with a redshift within"
        " 6000"
        " km/s; catastrophic redshifts are off by more than 3000 km/s. Ranges are 95% intervals.",
    )


def real_table(
    groups: Mapping[str, NDArray[np.bool_]],
    truth: NDArray[np.floating],
    redshifts: Mapping[str, NDArray[np.floating]],
) -> Table:
    """Return redshifts of labeled real spectra, by kind and by model.

    Args:
        groups: kind -> bool (n,).
        truth: (n,), true redshifts.
        redshifts: model -> (n,), NaN where it gives none.
    """
    rows: list[Row] = []
    for kind, of in groups.items():
        rows.append(heading(f"{of.sum():,} {kind.removeprefix('all ')}"))
        for model, z in redshifts.items():
            if not np.isfinite(z[of]).any():
                continue
            redshift_scores = scores(z[of], truth[of])
            rows.append(
                row(
                    model,
                    nmad(redshift_scores),
                    within(redshift_scores, 1000),
                    within(redshift_scores, 3000),
                )
            )
    return Table(
        "Table 6",
        "Redshifts of real spectra with labels",
        ("", "NMAD (km/s)", "within 1000", "within 3000"),
        rows,
        "No network saw a real spectrum in training. LineNet's redshifts are those of its catalog:"
        " of galaxies, and of quasars below z = 1.57, refined at native pixels. Most labels are"
        " fits of the survey's pipeline to the same pixels.",
    )


def redrock_table(name: str) -> Table:
    """Return redrock's figures, quoted."""
    return Table(
        name,
        "Quoted, not computed here: redrock 0.21 beside LineNet",
        ("", "LineNet", "redrock"),
        [row(*line) for line in REDROCK],
        "Measured by this project on other held-out spectra of SDSS and BOSS, the same for both."
        " NMAD in km/s; then the fraction within 1000 km/s.",
    )


def nmad(redshift_scores: RedshiftScores | None) -> Cell:
    """Return NMAD in km/s, with its interval."""
    return (
        Cell(NONE)
        if redshift_scores is None
        else number(redshift_scores.nmad_dv, ",.0f", redshift_scores.nmad_dv_interval)
    )


def within(redshift_scores: RedshiftScores | None, limit: int) -> Cell:
    """Return the fraction of redshifts within a limit in km/s."""
    return (
        Cell(NONE) if redshift_scores is None else fraction_cell(redshift_scores.within[str(limit)])
    )


def catastrophic(redshift_scores: RedshiftScores | None) -> Cell:
    """Return the fraction of redshifts that are off by more than 3000 km/s."""
    return Cell(NONE) if redshift_scores is None else fraction_cell(redshift_scores.catastrophic)
