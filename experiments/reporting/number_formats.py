"""How numbers stand in the sentences of the page."""

from collections.abc import Callable
from typing import Any

from experiments.reporting.estimate import Estimate


def percent(value: float) -> str:
    """A fraction in percent."""
    return f"{value:.1%}"


def whole(value: float) -> str:
    """The same without digits after the point."""
    return f"{value:.0%}"


def points(value: float) -> str:
    """A difference of fractions in percentage points, with its sign."""
    return f"{100 * value:+.1f}".replace("-", "−")


def points_plain(value: float) -> str:
    """The same without a plus."""
    return points(value).removeprefix("+")


def digits(value: float | None, count: int) -> str:
    """A number with so many digits after the point; a dash where there is none."""
    return "–" if value is None else f"{value:.{count}f}"


def signed(value: float, count: int) -> str:
    """The same with its sign."""
    return f"{value:+.{count}f}".replace("-", "−")


def velocity(value: float | None) -> str:
    """A velocity in km/s."""
    return "–" if value is None else f"{value:,.0f}"


def interval(one: Estimate) -> str:
    """A mean fraction with its interval."""
    return f"{one.mean:.1%} ({one.low:.1%} to {one.high:.1%})"


FILTERS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (percent, whole, points, points_plain, digits, signed, velocity, interval)
}
