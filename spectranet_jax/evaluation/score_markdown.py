"""Scores as Markdown, for the card of a model."""

from spectranet_jax.evaluation.class_scores import ClassScores
from spectranet_jax.evaluation.combined_scores import CombinedScores
from spectranet_jax.evaluation.posterior_scores import PosteriorScores
from spectranet_jax.evaluation.quasar_scores import QuasarScores
from spectranet_jax.evaluation.redshift_scores import RedshiftScores
from spectranet_jax.evaluation.score_tables import interval, text


def combined_sections(scores: CombinedScores) -> list[str]:
    """Return the classes, the redshifts, and p(z)."""
    return [
        class_section(scores),
        redshift_section(scores.quasars, scores.galaxies),
        posterior_section(scores.posterior) if scores.posterior else "",
    ]


def class_section(scores: ClassScores) -> str:
    """Return the accuracy, and a table of scores by class."""
    low, high = scores.accuracy_interval
    rows = "\n".join(
        f"| {name} | {text(row.precision, '.3f')} | {text(row.recall, '.3f')}"
        f" | {text(row.f1, '.3f')} | {row.support:,} |"
        for name, row in scores.per_class.items()
    )
    return f"""Accuracy in four
classes {scores.accuracy:.3f} (95%: {low:.3f} to {high:.3f}), with QSO and QSO_BAL as one
{scores.accuracy_three_class:.3f}; log-loss {text(scores.log_loss, ".3f")}, calibration error
{scores.calibration_error:.3f}.

| class | precision | recall | F1 | spectra |
|---|---|---|---|---|
{rows}
"""


def redshift_section(quasars: QuasarScores, galaxies: RedshiftScores | None) -> str:
    """A table of redshifts of quasars and galaxies; purity, completeness, broad absorption."""
    ranges = quasars.redshift_by_range or {}
    named = {f"quasars, {name}": z for name, z in ranges.items()}
    named = {"quasars": quasars.redshift, **named, "galaxies": galaxies}
    rows = "\n".join(
        f"| {name} | {z.n:,} | {text(z.median_dv, ',.0f')} | {text(z.nmad_dv, ',.0f')} | "
        + " | ".join(interval(z.within[limit]) for limit in ("1000", "3000"))
        + " |"
        for name, z in named.items()
        if z
    )
    return f"""| redshifts | spectra | median dv, km/s | NMAD, km/s | within 1000 | within 3000 |
|---|---|---|---|---|---|
{rows}

Quasars: purity {interval(quasars.purity)}, completeness {interval(quasars.completeness)},
catastrophic redshifts (beyond 3000 km/s) among predicted quasars {interval(quasars.catastrophic)}.
Broad absorption: recall {interval(quasars.bal_recall)}, false alarms
{interval(quasars.bal_false_alarm)}, area under the ROC curve {text(quasars.bal_auc, ".3f")}.
"""


def posterior_section(scores: PosteriorScores) -> str:
    """Return the coverage of p(z), and its CRPS."""
    held = ", ".join(
        f"{float(level):.0%}: {within.fraction:.3f}"
        for level, within in scores.highest_density.items()
    )
    return f"""Fractions of true redshifts in highest-density intervals of p(z): {held}; mean CRPS
{scores.crps_mean:,.0f} km/s.
"""
