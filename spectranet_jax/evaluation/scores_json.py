"""Conversion of scores between frozen dataclasses and evaluation.json."""

import dataclasses
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from spectranet_jax.spectra.errors import InputError

Kind = TypeVar("Kind")


def to_json(scores: Any) -> Any:
    """Return scores in a form that JSON can hold: dataclasses by field name, tuples as lists."""
    if dataclasses.is_dataclass(scores):
        fields = dataclasses.fields(scores)
        return {field.name: to_json(getattr(scores, field.name)) for field in fields}
    if isinstance(scores, Mapping):
        return {name: to_json(value) for name, value in scores.items()}
    if isinstance(scores, list | tuple):
        return [to_json(value) for value in scores]
    return scores


def from_json(kind: type[Kind], content: Mapping[str, Any]) -> Kind:
    """Return the scores that `to_json` wrote.

    Args:
        kind: the dataclass of the scores.
        content: its fields by name; other entries are passed over, and fields that have a default
            may be absent, as in files of other versions.

    Raises:
        InputError: if a field without a default is absent.
    """
    scores: Kind = _read(kind, content)
    return scores


def _read(kind: Any, content: Any) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        (inner,) = (argument for argument in arguments if argument is not NoneType)
        return None if content is None else _read(inner, content)
    if origin is dict:
        return {name: _read(arguments[1], value) for name, value in content.items()}
    if origin is list:
        return [_read(arguments[0], value) for value in content]
    if origin is tuple:
        return tuple(content)
    return _fields(kind, content) if dataclasses.is_dataclass(kind) else content


def _fields(kind: Any, content: Mapping[str, Any]) -> Any:
    types, values = get_type_hints(kind), {}
    for field in dataclasses.fields(kind):
        if field.name in content:
            values[field.name] = _read(types[field.name], content[field.name])
        elif field.default is dataclasses.MISSING:
            raise InputError(
                f"evaluation.json lacks {field.name}, as in another version; evaluate the model"
                " anew with experiments.evaluate"
            )
    return kind(**values)
