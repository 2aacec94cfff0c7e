"""LineNet's task: class, redshift and broad absorption at once, with their uncertainties.

The network gives p(class), p(BAL | quasar) and p(z | not a star); the loss is the sum of their
cross-entropies. Priors belong to the user: probabilities are those of the class prior that is asked
for, and a quasar is called a BAL from a threshold.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import jax
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from spectranet_jax.datasets.split import Split
from spectranet_jax.evaluation import (
    class_scores,
    posterior_scores,
    quasar_scores,
    redshift_scores,
)
from spectranet_jax.evaluation.combined_scores import CombinedScores, z_err_holds
from spectranet_jax.evaluation.quasar_scores import Answers, Truth
from spectranet_jax.evaluation.score_markdown import combined_sections
from spectranet_jax.evaluation.score_tables import combined_tables
from spectranet_jax.networks.line_evidence import LINES, Output
from spectranet_jax.spectra.column import Column, Columns
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.labels import CLASSES, CONFIDENT, GALAXY, STAR, UNKNOWN
from spectranet_jax.spectra.lines import evidence_column
from spectranet_jax.spectra.normalize import moments, normalize
from spectranet_jax.spectra.zsteps import REACH, ZSteps
from spectranet_jax.tasks import linenet_calibration
from spectranet_jax.tasks.classify_task import log_prob, quasars_of_classes
from spectranet_jax.tasks.linenet_decode import class_log_prob, decode
from spectranet_jax.tasks.linenet_loss import (
    at_fractions,
    class_loss,
    either_kind,
    fraction_ratio,
    fractions,
    redshift_loss,
)
from spectranet_jax.tasks.linenet_options import PRIORS, parse_bal_threshold, parse_class_prior
from spectranet_jax.tasks.task import Draw, Option, PosteriorColumns, Task

if TYPE_CHECKING:
    from rich.table import Table

BAL_THRESHOLD = 0.75
"""P_BAL from which a quasar is called QSO_BAL, unless the user sets another: some 2% of mock
quasars without broad absorption exceed it.
"""

ZWARN_THRESHOLD = 0.95
"""Threshold of ZWARN before `calibrate` chooses it on mock spectra."""


@dataclass(frozen=True)
class LineNetTask(Task[CombinedScores]):
    """Class, redshift and broad absorption at once.

    Attributes:
        lines: names of the lines of the network's evidence.
        reach: log10(1 + z) of the first and the last edge of p(z).
        trained_prior: fraction of each of the four classes in training.
        prior: fraction of each in what is predicted, up to a factor; None for that of training.
        bal_threshold: P_BAL from which a quasar is called QSO_BAL.
        temperature: divisor of the logits of p(z), which calibrates it.
        between: likewise for how probable one redshift is against another beyond 3000 km/s;
            `temperature` is then that of the shape of p(z) near a redshift. None: `temperature` is
            that of both, as in linenet@1.
        class_temperature: likewise for the log-probabilities of the classes.
        zwarn_threshold: probability of class and of redshift below which ZWARN warns.
        tuned_prior: fraction of each class among the spectra of a fine-tuning run; the network
            keeps `trained_prior`. None without fine-tuning.

    Raises:
        InputError: if the prior allows none of the classes that were in training.
    """

    lines: tuple[str, ...] = LINES
    reach: tuple[float, float] = REACH
    trained_prior: tuple[float, ...] = PRIORS["equal"]
    prior: tuple[float, ...] | None = None
    bal_threshold: float = BAL_THRESHOLD
    temperature: float = 1.0
    class_temperature: float = 1.0
    zwarn_threshold: float | None = ZWARN_THRESHOLD
    tuned_prior: tuple[float, ...] | None = None
    between: float | None = None

    name: ClassVar[str] = "linenet"
    kind: ClassVar[str] = "LineNet"
    scored: ClassVar[type] = CombinedScores
    loss_label: ClassVar[str] = "cross-entropy (nats)"
    options: ClassVar[Mapping[str, Option]] = {
        "prior": Option("--class-prior", parse_class_prior),
        "bal_threshold": Option("--bal-threshold", parse_bal_threshold),
    }
    calibrated: ClassVar[tuple[str, ...]] = (
        "class_temperature",
        "temperature",
        "between",
        "zwarn_threshold",
    )
    noiseless_survey: ClassVar[bool | None] = True
    later: ClassVar[tuple[str, ...]] = ("reach", "tuned_prior", "between")

    def __post_init__(self) -> None:
        if not self.reweighting.sum() > 0:
            wanted = self.trained_prior if self.prior is None else self.prior
            raise InputError(
                f"the class prior {list(map(float, wanted))} allows only classes that the network"
                " was not trained on; give another prior"
            )

    @property
    def reweighting(self) -> NDArray[np.float64]:
        """Return the factors on the probabilities of the four classes, (4,)."""
        trained = np.asarray(self.trained_prior, np.float64)
        wanted = trained if self.prior is None else np.asarray(self.prior, np.float64)
        # No prior can predict a class that was not in training.
        return np.where(trained > 0, wanted / np.where(trained > 0, trained, 1), 0)

    @property
    def steps(self) -> ZSteps:
        """Steps of p(z)."""
        return ZSteps.of(self.grid, self.reach)

    @property
    def columns(self) -> dict[str, Column]:
        """Return the columns of the second redshift, and of the evidence of each line."""
        return {
            "Z2": Column("f8", "second-best redshift"),
            "P_3000_Z2": Column("f4", "probability that Z2 is right within 3000 km/s"),
            **{
                evidence_column(line): Column("f4", f"evidence: what {line} adds to ln p(z)")
                for line in self.lines
            },
        }

    @property
    def posterior(self) -> PosteriorColumns:
        """Return the columns of p(z), of the second redshift, and of the evidence of each line."""
        evidence = {line: evidence_column(line) for line in self.lines}
        return PosteriorColumns("P_OF_Z", self.steps.edges, "Z2", "P_3000_Z2", evidence)

    def select(self, truth: Columns) -> NDArray[np.bool_]:
        """Return the spectra of a known class."""
        return truth["label"] != UNKNOWN

    def trained_on(self, truth: Columns) -> "LineNetTask":
        """Return the task with the class fractions of these spectra as `tuned_prior`."""
        return dataclasses.replace(self, tuned_prior=fractions(truth["label"]))

    def targets(self, truth: Columns) -> dict[str, NDArray[Any]]:
        """Return the targets of the loss, one value per spectrum.

        label: int32. either: bool, see `linenet_loss.either_kind`. log_z: float32, log10(1 + z) in
        steps of p(z) from its first edge. has_z: float32, 1 where the redshift is used: that of a
        galaxy or a quasar, secure, and within the range of p(z).
        """
        z = np.nan_to_num(np.asarray(truth["z"], np.float64), nan=-1.0)
        place = np.log10(1 + np.maximum(z, -0.5)) / self.steps.width - self.steps.first
        inside = (place >= 0) & (place < self.steps.size)
        secure = truth["z_conf"] == CONFIDENT
        has_z = inside & secure & (truth["label"] != STAR)
        return {
            "label": truth["label"].astype(np.int32),
            "either": either_kind(truth, self.trained_prior, self.tuned_prior),
            "log_z": np.where(has_z, place, 0).astype(np.float32),
            "has_z": has_z.astype(np.float32),
        }

    def redshift_known(self, truth: Columns) -> NDArray[np.bool_]:
        """Return the spectra whose redshift counts, bool (n,): see `targets`."""
        return self.targets(truth)["has_z"] > 0

    def inputs(
        self, flux: Float[Any, "batch bins"], ivar: Float[Any, "batch bins"]
    ) -> tuple[Float[Any, "batch bins"], Float[Any, "batch bins"]]:
        """See `bounded_inputs`."""
        return bounded_inputs(flux, ivar)

    def loss(self, output: Output, batch: dict[str, Any]) -> Float[Array, " batch"]:
        """Return -log p of the class plus, where it counts, the redshift's cross-entropy, (batch,).

        Of an ensemble in training, (members, batch, ...), the mean over its members.
        """
        if output.bal_logit.ndim == 2:
            return jax.vmap(self.loss, (0, None))(output, batch).mean(axis=0)
        log_p = class_log_prob(output)
        if self.tuned_prior is not None:
            log_p = at_fractions(log_p, self.trained_prior, self.tuned_prior)
        of_z = redshift_loss(output.z_logits, batch["log_z"], self.steps.width)
        return class_loss(log_p, batch["label"], batch["either"]) + batch["has_z"] * of_z

    def decode(self, output: Output) -> dict[str, NDArray[Any]]:
        """See `linenet_decode.decode`."""
        return decode(
            output,
            edges=self.steps.edges,
            lines=self.lines,
            reweighting=self.reweighting,
            bal_threshold=self.bal_threshold,
            temperature=self.temperature,
            class_temperature=self.class_temperature,
            between=None if self.between is None else (self.between, self.steps.window),
        )

    def quasars(self, columns: Columns) -> Answers:
        """Return all answers about quasars."""
        return dataclasses.replace(
            quasars_of_classes(columns["CLASS"]),
            z=np.ma.getdata(columns["Z"]),
            p_bal=np.ma.getdata(columns["P_BAL"]),
        )

    def scores(self, columns: Columns, truth: Columns) -> CombinedScores:
        """Return the scores of the class, as `ClassifyTask` does, and of all other answers."""
        kind, z = np.asarray(columns["CLASS"]), np.ma.getdata(columns["Z"])
        called = np.array([CLASSES.index(name) for name in kind.tolist()])
        known = self.redshift_known(truth)
        galaxy = known & (truth["label"] == GALAXY)
        of_class = class_scores.scores(truth["label"], log_prob(columns), predicted=called)
        posterior = galaxies = None
        if galaxy.any():
            galaxies = redshift_scores.scores(z[galaxy], truth["z"][galaxy])
        if known.any():
            p, edges = columns["P_OF_Z"][known], self.steps.edges
            posterior = posterior_scores.scores(p, edges, truth["z"][known])
        return CombinedScores(
            **vars(of_class),
            quasars=quasar_scores.scores(
                Truth(truth["label"], truth["z"], truth["bal"]), self.quasars(columns)
            ),
            galaxies=galaxies,
            posterior=posterior,
            z_err_holds=z_err_holds(
                z[known], np.ma.getdata(columns["Z_ERR"])[known], truth["z"][known]
            ),
        )

    def tables(self, scores: CombinedScores, where: str) -> "list[Table]":
        """Return classes, redshifts of quasars and of galaxies, and the calibration of p(z)."""
        return combined_tables(scores, where)

    def figures(self, split: Split, columns: Columns) -> dict[str, Draw]:
        """Return the confusion matrix, examples, errors of the redshift, and their calibration."""
        from spectranet_jax.tasks import drawings

        truth = split.columns
        known = self.redshift_known(truth)
        drawn = drawings.of_classes(split, columns)
        if not known.any():
            return drawn
        z_true = truth["z"][known]
        z, p_3000 = (np.ma.getdata(columns[name])[known] for name in ("Z", "P_3000"))
        p_of_z = columns["P_OF_Z"][known]
        return {
            **drawn,
            "reliability": drawings.of_probabilities(truth["label"], log_prob(columns)),
            **drawings.of_redshifts(z_true, z),
            **drawings.of_posteriors(p_of_z, self.steps.edges, z_true, z, p_3000),
        }

    def calibrate(self, columns: Columns, truth: Columns) -> dict[str, Any]:
        """Temperatures of highest held-out likelihood, and the threshold of ZWARN at these.

        Args:
            columns: decoded at temperatures of 1.
            truth: their labels.
        """
        tuned = self.trained_prior if self.tuned_prior is None else self.tuned_prior
        ratio = fraction_ratio(self.trained_prior, tuned)
        return linenet_calibration.fit(
            columns, truth, self.targets(truth), self.steps.edges, ratio, self.steps.window
        )

    def card(self, scores: CombinedScores) -> list[str]:
        """Return scores by class, of redshifts and of p(z)."""
        return combined_sections(scores)


def bounded_inputs(
    flux: Float[Any, "batch bins"], ivar: Float[Any, "batch bins"]
) -> tuple[Float[Any, "batch bins"], Float[Any, "batch bins"]]:
    """Normalized flux, and 1/sigma in its unit, (batch, bins) each; 0 without measurement."""
    xp = flux.__array_namespace__()
    normalized = normalize(flux, ivar)
    _, rms = moments(flux, ivar)
    weight = xp.sqrt(xp.maximum(ivar, xp.zeros_like(ivar))) * rms
    # An asinh bounds the effect of glitches and leaves lines as they are.
    return 3 * xp.asinh(normalized / 3), weight
