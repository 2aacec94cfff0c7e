"""Formats of numbers in the sentences of the page."""

from collections.abc import Callable
from typing import Any

from experiments.reporting.estimate import Estimate


def percent(value: float) -> str:
    """Format a fraction in percent."""
    return f"{value:.1%}"


def whole(value: float) -> str:
    """Format a fraction in percent without decimals."""
    return f"{value:.0%}"


def points(value: float) -> str:
    """Format a difference of fractions in percentage points, with its sign."""
    return f"{100 * value:+.1f}".replace("-", "−")


def points_plain(value: float) -> str:
    """Format a difference of fractions in percentage points, without a plus."""
    return points(value).removeprefix("+")


def digits(value: float | None, count: int) -> str:
    """Format a number with `count` decimals; a dash where there is none."""
    return "–" if value is None else f"{value:.{count}f}"


def signed(value: float, count: int) -> str:
    """Format a number with `count` decimals and its sign."""
    return f"{value:+.{count}f}".replace("-", "−")


def velocity(value: float | None) -> str:
    """Format a velocity in km/s."""
    return "–" if value is None else f"{value:,.0f}"


def interval(estimate: Estimate) -> str:
    """Format a mean fraction with its interval."""
    return f"{estimate.mean:.1%} ({estimate.low:.1%} to {estimate.high:.1%})"


FILTERS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (percent, whole, points, points_plain, digits, signed, velocity, interval)
}
