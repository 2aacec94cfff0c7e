"""Selection of rows by a condition such as "CLASS == 'QSO' and Z > 2", not run as code.

The condition is parsed as a Python expression, of which only what stands here is evaluated: names
of columns, numbers, texts, comparisons, `in`, and, or, not, + - * /, & (bits) and abs(). Logic has
three values: a comparison with a masked cell is neither true nor false, and chooses no row.
"""

import ast
import operator
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from spectranet_jax.inspection.cells import numbers, texts
from spectranet_jax.spectra.errors import InputError

Bools = NDArray[np.bool_]

COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
EXAMPLE = "as in --where \"CLASS == 'QSO' and Z > 2\""
LONGEST = 2000
"""Maximum length of a condition, which bounds its nesting."""


@dataclass(frozen=True)
class Truth:
    """Whether a condition holds in each row: `yes`, `no`, or neither where a cell is masked."""

    yes: Bools
    no: Bools


def where(table: Table, condition: str) -> Bools:
    """Return the rows for which the condition is true, bool (rows,).

    Args:
        table: a catalog.
        condition: the expression.

    Raises:
        InputError: if it cannot be read, or names what is not there.
    """
    try:
        if len(condition) > LONGEST:
            raise ValueError
        with warnings.catch_warnings(action="ignore"):  # from odd, but valid, Python
            tree = ast.parse(condition.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(
            f"--where {condition[:80]!r} cannot be read; write a comparison, {EXAMPLE}"
        ) from error
    with np.errstate(all="ignore"):
        return _Reader(table).truth(tree.body).yes


def _columns_like(name: str, columns: Sequence[str]) -> str:
    """Return advice: columns with a name like a wrong one, or else all of them."""
    upper = {column.upper(): column for column in columns}
    if like := get_close_matches(name.upper(), upper, cutoff=0.7):
        return f"did you mean {' or '.join(upper[match] for match in like)}?"
    return f"the columns are {', '.join(columns)}"


class _Reader:
    """Evaluates an expression's tree on the columns of a table."""

    def __init__(self, table: Table) -> None:
        self.table = table

    def truth(self, node: ast.expr) -> Truth:
        if isinstance(node, ast.BoolOp):
            parts = [self.truth(value) for value in node.values]
            all_of, any_of = (
                (np.logical_and, np.logical_or)
                if isinstance(node.op, ast.And)
                else (np.logical_or, np.logical_and)
            )
            return Truth(
                all_of.reduce([part.yes for part in parts]), any_of.reduce([p.no for p in parts])
            )
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            part = self.truth(node.operand)
            return Truth(part.no, part.yes)
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            pairs = zip(node.ops, sides, sides[1:], strict=False)
            links = [self.comparison(*link) for link in pairs]
            return Truth(
                np.logical_and.reduce([link.yes for link in links]),
                np.logical_or.reduce([link.no for link in links]),
            )
        raise self.error(node, "is not a comparison")

    def comparison(self, comparator: ast.cmpop, left: ast.expr, right: ast.expr) -> Truth:
        if isinstance(comparator, ast.In | ast.NotIn):
            if not isinstance(right, ast.Tuple | ast.List) or not right.elts:
                raise self.error(right, "is not a list of values, as in CLASS in ('QSO', 'STAR')")
            parts = [self.comparison(ast.Eq(), left, element) for element in right.elts]
            yes = np.logical_or.reduce([part.yes for part in parts])
            no = np.logical_and.reduce([part.no for part in parts])
            return Truth(no, yes) if isinstance(comparator, ast.NotIn) else Truth(yes, no)
        if type(comparator) not in COMPARISONS:
            raise self.error(left, "has an operator that is not supported")
        (a, a_known), (b, b_known) = self.values(left), self.values(right)
        if (a.dtype.kind == "U") != (b.dtype.kind == "U"):
            raise self.error(left, f"cannot be compared with {ast.unparse(right)}")
        holds, known = COMPARISONS[type(comparator)](a, b), a_known & b_known
        return Truth(holds & known, ~holds & known)

    def values(self, node: ast.expr) -> tuple[NDArray[Any], Bools]:
        """Return values of an expression, (rows,) numbers or text, and where they are known."""
        if isinstance(node, ast.Name):
            return self.column(node)
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str):
            constant = node.value if isinstance(node.value, str) else float(node.value)
            return np.full(len(self.table), constant), np.ones(len(self.table), np.bool_)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            value, known = self.number(node.operand)
            return (-value if isinstance(node.op, ast.USub) else value), known
        if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
            (a, a_known), (b, b_known) = self.number(node.left), self.number(node.right)
            result = ARITHMETIC[type(node.op)](a, b)
            return result, a_known & b_known & np.isfinite(result)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd):
            (a, a_known), (b, b_known) = self.number(node.left), self.number(node.right)
            bits = [np.nan_to_num(side).astype(np.int64) for side in (a, b)]
            return (bits[0] & bits[1]).astype(np.float64), a_known & b_known
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "abs" and len(node.args) == 1:
            value, known = self.number(node.args[0])
            return np.abs(value), known
        raise self.error(node, "is not supported")

    def number(self, node: ast.expr) -> tuple[NDArray[np.float64], Bools]:
        value, known = self.values(node)
        if value.dtype.kind == "U":
            raise self.error(node, "is text where a number is needed")
        return value, known

    def column(self, node: ast.Name) -> tuple[NDArray[Any], Bools]:
        if node.id not in self.table.colnames:
            raise self.error(
                node, f"is not a column; {_columns_like(node.id, self.table.colnames)}"
            )
        if self.table[node.id].dtype.kind in "iufb":
            value = numbers(self.table, node.id)
            return value, np.isfinite(value)
        value = np.array(texts(self.table, node.id), dtype=np.str_)
        return value, value != ""

    def error(self, node: ast.expr, reason: str) -> InputError:
        return InputError(
            f"--where: {ast.unparse(node)[:80]} {reason}; write a comparison of columns, {EXAMPLE}"
        )
