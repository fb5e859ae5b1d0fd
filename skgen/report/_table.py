"""From a file to the numbers a density can be fitted to, with account of the rest.

Columns and rows that cannot be used are left out, and each says why: a report on a
part of a table must name the part.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ._delimited import (
    DELIMITER_NAMES,
    TableError,
    as_number,
    is_missing,
    split_cells,
)

MINIMUM_ROWS = 20
# Residual standard deviation, of one, below which a column repeats the others.
_DEPENDENT = 1e-6
# Squares of numbers outside this and its inverse leave the range of float64.
_REPRESENTABLE = 1e-120


@dataclass(frozen=True)
class Table:
    """Complete rows of numeric columns, and what was left out.

    Attributes
    ----------
    name : str
        Where the rows came from.
    columns : list of str
        Names of the columns of `values`.
    values : ndarray of shape (n_rows, n_columns)
        Finite numbers.
    lines : ndarray of shape (n_rows,)
        Where each row stands: lines of the file, counted from 1.
    n_rows_read : int
        Rows of the file, before any was left out.
    omitted : dict of str to str
        Columns left out, and why.
    notes : list of str
        What else the reader of a report should know.
    labels : sequence of shape (n_rows,) or None
        Known classes of the rows, which no model sees.
    place : str
        What `lines` counts.
    """

    name: str
    columns: list
    values: np.ndarray
    lines: np.ndarray
    n_rows_read: int
    omitted: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)
    labels: np.ndarray | None = None
    place: str = "line"

    @property
    def n_incomplete(self):
        """Rows left out because a kept column was missing in them."""
        return self.n_rows_read - len(self.values)


def read_table(path):
    """Read the numeric columns of a delimited text file.

    Commas, semicolons, tabs, bars or blanks may delimit; a header is recognised;
    quotes, a byte-order mark, blanks after delimiters and decimal commas are
    understood; empty cells and NA, NaN, null, None, ?, . and - are missing. Left out
    are columns of text, columns more than half missing, constant columns, columns
    that count the rows and columns that are linear combinations of others; then rows
    with a missing value.

    Parameters
    ----------
    path : str or path-like
        The file, in UTF-8 or with a byte-order mark of UTF-16.

    Returns
    -------
    table : Table

    Raises
    ------
    TableError
        When the file cannot be read or too little of it can be used.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from skgen.report import read_table
    >>> rows = "\\n".join(f"{i % 7}; {i * i % 11}; a" for i in range(30))
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "table.csv")
    ...     _ = path.write_text("x; y; kind\\n" + rows)
    ...     table = read_table(path)
    >>> table.columns, table.values.shape, table.omitted
    (['x', 'y'], (30, 2), {'kind': "text, such as 'a' (line 2)"})
    """
    path = Path(path)
    cells = split_cells(_read_text(path))
    return table_from_cells(cells, path.name)


def bundled_table():
    """Fisher's irises, which scikit-learn brings along; species kept apart.

    Returns
    -------
    table : Table
    """
    from sklearn.datasets import load_iris

    iris = load_iris()
    return Table(
        name="Fisher's irises (bundled with scikit-learn)",
        columns=list(iris.feature_names),
        values=iris.data,
        lines=np.arange(1, len(iris.data) + 1),
        n_rows_read=len(iris.data),
        labels=iris.target_names[iris.target],
        place="row",
    )


def _read_text(path):
    """The text of a file; a TableError that says what to do when there is none."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise TableError(f"{path} does not exist: check the path") from None
    except IsADirectoryError:
        raise TableError(f"{path} is a directory: name a file in it") from None
    except OSError as error:
        raise TableError(f"{path} cannot be read: {error.strerror or error}") from None
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise TableError(
            f"{path} is not text in UTF-8 (byte {content[error.start]:#04x} on line "
            f"{line}): save the table as CSV in UTF-8"
        ) from None
    if "\0" in text:
        raise TableError(f"{path} holds zero bytes and is no text: save it as CSV")
    return text


def table_from_cells(cells, name):
    """Turn cells into a table: choose the columns, then the complete rows.

    Parameters
    ----------
    cells : Cells
    name : str

    Returns
    -------
    table : Table
    """
    omitted, columns, parsed = {}, [], []
    for position, column in enumerate(cells.names):
        numbers, reason = _parse_column(cells, position)
        if reason is None:
            columns.append(column)
            parsed.append(numbers)
        else:
            omitted[column] = reason
    if not columns:
        raise TableError(
            f"{name} has no numeric column to fit a density to: "
            f"{_listed(omitted, at_most=3)}"
        )
    values = np.column_stack(parsed)
    complete = ~np.isnan(values).any(axis=1)
    values, lines = values[complete], np.asarray(cells.lines)[complete]
    _check_enough(values, len(complete), name)
    values, columns = _independent_columns(values, columns, omitted)
    if not columns:
        raise TableError(
            f"{name} has no numeric column that varies over its complete rows: "
            f"{_listed(omitted, at_most=3)}"
        )
    return Table(
        name=name,
        columns=columns,
        values=values,
        lines=lines,
        n_rows_read=len(complete),
        omitted=omitted,
        notes=[
            _how_it_was_read(cells),
            *_spikes(values, columns),
            *_repeated_rows(values),
        ],
    )


def _parse_column(cells, position):
    """Numbers of a column, NaN where missing, and why to leave it out, or None."""
    numbers = np.full(len(cells.rows), np.nan)
    for i, row in enumerate(cells.rows):
        if is_missing(row[position]):
            continue
        number = as_number(row[position], cells.decimal_comma)
        if number is None:
            example = _shortened(row[position])
            return None, f"text, such as {example!r} (line {cells.lines[i]})"
        numbers[i] = number
    return numbers, _reason_against(numbers)


def _reason_against(numbers):
    """Why a numeric column cannot take part, or None."""
    present = numbers[~np.isnan(numbers)]
    missing = 1 - len(present) / len(numbers)
    if len(present) == 0:
        return "all missing"
    if missing > 0.5:
        return f"{100 * missing:.0f} % missing"
    if np.all(present == present[0]):
        return f"constant ({present[0]:g})"
    if not _REPRESENTABLE < np.abs(present).max() < 1 / _REPRESENTABLE:
        return "too large or too small to square: rescale it"
    if len(present) >= MINIMUM_ROWS and np.all(np.diff(numbers) == 1):
        return "counts the rows"
    return None


def _is_constant(values):
    # A spread that rounding alone could make is none.
    return np.ptp(values) <= 1e-11 * np.abs(values).max()


def _check_enough(values, n_rows_read, name):
    if len(values) < MINIMUM_ROWS:
        incomplete = n_rows_read - len(values)
        lost = f" ({incomplete} more lack a value)" if incomplete else ""
        raise TableError(
            f"{name} has {len(values)} complete rows{lost} and a choice between "
            f"mixtures needs at least {MINIMUM_ROWS}: add rows or fill the gaps"
        )
    n_different = len(np.unique(values, axis=0))
    if n_different < MINIMUM_ROWS / 2:
        raise TableError(
            f"{name} has only {n_different} different rows and a density needs at "
            f"least {MINIMUM_ROWS // 2}: its columns look like codes, not measurements"
        )


def _independent_columns(values, columns, omitted):
    """Leave out, and account for, columns that the ones before them determine.

    Over a flat direction a density has no bound, and a search would choose the
    model that makes most of it.
    """
    kept, directions = [], np.empty((len(values), 0))
    for j, column in enumerate(columns):
        if _is_constant(values[:, j]):
            omitted[column] = f"constant ({values[0, j]:g}) over the complete rows"
            continue
        rest = _unit(values[:, j] - values[:, j].mean())
        # Twice, for the first projection leaves rounding errors of its own.
        for _ in range(2):
            rest = rest - directions @ (directions.T @ rest)
        if np.linalg.norm(rest) < _DEPENDENT:
            omitted[column] = "a linear combination of the columns before it"
            continue
        kept.append(j)
        directions = np.column_stack([directions, _unit(rest)])
    return values[:, kept], [columns[j] for j in kept]


def _unit(vector):
    return vector / np.linalg.norm(vector)


def _spikes(values, columns):
    """A note on columns in which few values stand for many rows."""
    found = [
        f"{column!r} {what}"
        for column, numbers in zip(columns, values.T)
        if (what := _spike(numbers))
    ]
    if not found:
        return []
    return [
        f"{', '.join(found)}; a density grows without bound on repeated values, so "
        "judge log-likelihoods and the number of components with care"
    ]


def _spike(numbers):
    distinct, counts = np.unique(numbers, return_counts=True)
    most = counts.max() / len(numbers)
    if (most > 0.1 and len(distinct) > 10) or most > 0.5:
        return f"is {distinct[counts.argmax()]:g} in {100 * most:.0f} % of the rows"
    if len(distinct) <= 10 < len(numbers) / 5:
        return f"has only {len(distinct)} different values"
    return ""


def _repeated_rows(values):
    """A note on rows that occur again."""
    repeated = len(values) - len(np.unique(values, axis=0))
    if repeated < 0.01 * len(values):
        return []
    return [
        f"rows that repeat another row: {repeated:,}; copies are held out together, "
        "lest one give the other away"
    ]


def _how_it_was_read(cells):
    header = "named in a header" if cells.has_header else "without a header"
    comma = ", decimal commas" if cells.decimal_comma else ""
    if len(cells.names) == 1:
        return f"one column, {header}{comma}"
    return (
        f"cells parted by {DELIMITER_NAMES[cells.delimiter]}{comma}; columns {header}"
    )


def _listed(omitted, at_most):
    reasons = [f"{name!r}: {reason}" for name, reason in omitted.items()]
    more = len(reasons) - at_most
    return "; ".join(reasons[:at_most]) + (f"; and {more} more" if more > 0 else "")


def _shortened(text, length=24):
    return text if len(text) <= length else text[: length - 1] + "…"
