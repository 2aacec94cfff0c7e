"""Answers of one or more models for the same spectra, joined to the rows of a catalog."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

import spectranet_jax
from spectranet_jax.inference import catalog_rows
from spectranet_jax.inference.columns import COLUMNS
from spectranet_jax.spectra.column import Columns
from spectranet_jax.spectra.errors import InputError
from spectranet_jax.spectra.flags import median_sn
from spectranet_jax.spectra.grid import LogGrid
from spectranet_jax.spectra.labels import CLASSES
from spectranet_jax.spectra.zwarn import fiber_warnings, zwarn
from spectranet_jax.tasks import Task


class Answering(Protocol):
    """The attributes of a model that are used here."""

    @property
    def name(self) -> str:
        """Name of the model."""

    @property
    def config(self) -> Mapping[str, Any]:
        """Contents of its config.json."""

    @property
    def task(self) -> Task[Any]:
        """Its task."""

    @property
    def grid(self) -> LogGrid:
        """The bins of the spectra that it takes."""

    @property
    def sha256(self) -> str:
        """Identity of the weights."""


def join(
    models: Sequence[Answering],
    answers: Sequence[Columns],
    cleaned: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int32]],
    known: Columns,
) -> Table:
    """Join the answers of models for the same spectra to a catalog.

    Args:
        models: one at least; see `model.predict`.
        answers: `Model.columns` of each; columns that no catalog has are left out.
        cleaned: flux and ivar on the first model's grid, (n, bins), and quality bits, (n,).
        known: columns that no model gives: see `columns.known_columns`.

    Raises:
        InputError: if two models answer the same question.
    """
    flux, ivar, bits = cleaned
    columns = {"SN": median_sn(flux, ivar, models[0].grid), **known, **_joined(models, answers)}
    columns["ZWARN"] = _zwarn(models, columns, bits) | fiber_warnings(known, len(bits))
    extra = {name: column for model in models for name, column in model.task.columns.items()}
    return catalog_rows.build(columns, bits, provenance(models), extra)


def _joined(models: Sequence[Answering], answers: Sequence[Columns]) -> dict[str, NDArray[Any]]:
    """Return the columns of all answers; a model's are masked where it does not apply."""
    classes = next((answer["CLASS"] for answer in answers if "CLASS" in answer), None)
    columns: dict[str, NDArray[Any]] = {}
    answered: dict[str, list[Answering]] = {}
    for model, answer in zip(models, answers, strict=True):
        z_net = {"Z_NET": np.ma.getdata(answer["Z"])} if "Z" in answer else {}
        if classes is not None and "CLASS" not in answer:
            applies = np.isin(classes, [CLASSES[i] for i in model.task.applies_to])
            answer = {k: np.ma.masked_array(v, mask=~applies) for k, v in answer.items()}
        answer = {**z_net, **answer}  # this column applies to spectra of every class
        for key, values in answer.items():
            if key not in COLUMNS and key not in model.task.columns:
                continue
            rival = next((m for m in answered.get(key, []) if _overlap(m, model)), None)
            if rival is not None:
                raise InputError(
                    f"{rival.name} and {model.name} both answer {key} for the same spectra;"
                    " give one of them"
                )
            answered.setdefault(key, []).append(model)
            before = columns.get(key, np.ma.masked_all(len(values), values.dtype))
            columns[key] = np.ma.where(np.ma.getmaskarray(before), values, before)
    return columns


def _overlap(first: Answering, second: Answering) -> bool:
    return bool(set(first.task.applies_to) & set(second.task.applies_to))


def _zwarn(
    models: Sequence[Answering], columns: Columns, bits: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Return the warning bits; a model without a threshold of its own assesses nothing."""
    threshold = next(
        (m.task.zwarn_threshold for m in models if m.task.zwarn_threshold is not None), None
    )
    if threshold is None or "CLASS" not in columns:
        nothing = np.full(len(bits), np.nan)
        return zwarn(bits, nothing, nothing, 0.0)
    p_class, p_redshift = confidence(columns)
    return zwarn(bits, p_class, p_redshift, threshold)


def confidence(columns: Columns) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the probabilities that class and redshift are right, (n,) each, for ZWARN.

    That of the class is of star, galaxy or quasar, with or without broad absorption; that of the
    redshift is P_3000, and 1 for stars. NaN where a model does not tell.

    Args:
        columns: CLASS, P_STAR and the other probabilities of classes, and P_3000.
    """
    star, galaxy, qso, bal = (_number(columns, f"P_{name}") for name in CLASSES)
    kinds = np.asarray(np.ma.filled(columns["CLASS"], ""))
    p_class = np.select([kinds == "STAR", kinds == "GALAXY"], [star, galaxy], qso + bal)
    return p_class, np.where(kinds == "STAR", 1.0, _number(columns, "P_3000"))


def _number(columns: Columns, name: str) -> NDArray[np.float64]:
    values = columns.get(name, np.full(len(columns["CLASS"]), np.nan))
    return np.ma.filled(np.ma.asarray(values, np.float64), np.nan)


def provenance(models: Sequence[Answering]) -> dict[str, Any]:
    """Header keywords: version and grid; name, weights, seed, data and config of each model."""
    header: dict[str, Any] = {
        "VERSION": f"spectranet-jax {spectranet_jax.__version__}",
        "GRID": str(models[0].grid),
    }
    for number, model in enumerate(models, start=1):
        header |= {
            f"MODEL{number}": model.name,
            f"GRID{number}": str(model.grid),
            f"SHA256_{number}": model.sha256,
            f"SEED{number}": model.config["seed"],
            f"DATA{number}": model.config["data"]["fingerprint"],
            f"CONFIG{number}": json.dumps(model.config),
        }
    return header
