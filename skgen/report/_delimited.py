"""From the text of a table to its cells: delimiter, quotes, header, line numbers.

Cells are text here; what they mean is for ``_table`` to say. The standard library's
``csv`` does the quoting; its Sniffer is not used, for it takes letters as delimiters
and knows neither runs of blanks nor decimal commas.
"""

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass

DELIMITER_NAMES = {
    ",": "commas",
    ";": "semicolons",
    "\t": "tabs",
    "|": "bars",
    None: "blanks",
}
_MISSING = {"", "na", "n/a", "#n/a", "<na>", "nan", "null", "none", "?", ".", "-"}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?$")
_BLANK_SEPARATED = re.compile(r'"((?:[^"]|"")*)"|(\S+)')
_N_SNIFFED = 200


class TableError(ValueError):
    """A table cannot be used; the message says why and what would help."""


@dataclass(frozen=True)
class Cells:
    """A table as text.

    Attributes
    ----------
    names : list of str
        One name per column, all different.
    rows : list of list of str
        All of one length.
    lines : list of int
        The line of the file on which each row begins, counted from 1.
    has_header : bool
        Whether `names` stood in the file.
    delimiter : str or None
        None stands for runs of blanks.
    decimal_comma : bool
        Whether 1,5 means one and a half.
    """

    names: list
    rows: list
    lines: list
    has_header: bool
    delimiter: str | None
    decimal_comma: bool


def split_cells(text):
    """Split the text of a table into cells.

    Parameters
    ----------
    text : str

    Returns
    -------
    cells : Cells

    Raises
    ------
    TableError
        When there is nothing to read, or lines differ in their number of cells.
    """
    delimiter = _find_delimiter(text)
    lines, rows = _records(text, delimiter)
    if not rows:
        raise TableError("the file is empty: a table needs rows of numbers")
    rows = _of_one_length(rows, lines)
    decimal_comma = delimiter != "," and _has_decimal_commas(rows)
    has_header = _first_is_header(rows, decimal_comma)
    if has_header:
        names, rows, lines = rows[0], rows[1:], lines[1:]
    else:
        names = [f"column {j + 1}" for j in range(len(rows[0]))]
    if not rows:
        raise TableError("the file holds a header and no rows under it")
    names = _different(names)
    return Cells(names, rows, lines, has_header, delimiter, decimal_comma)


def is_missing(cell):
    """Whether a cell says that nothing was observed."""
    return cell.lower() in _MISSING


def as_number(cell, decimal_comma=False):
    """Return a cell's number, or None where it is text.

    Infinities are text: a density has nothing to say of them.
    """
    if decimal_comma and _DECIMAL_COMMA.match(cell):
        cell = cell.replace(",", ".")
    return float(cell) if _NUMBER.match(cell) else None


def _records(text, delimiter, at_most=None):
    """Line numbers and stripped cells of the records that are not blank."""
    lines, rows = [], []
    for line, row in _numbered_records(text, delimiter):
        row = [cell.strip() for cell in row]
        if any(row) or len(row) > 1:
            lines.append(line)
            rows.append(row)
        if len(rows) == at_most:
            break
    return lines, rows


def _numbered_records(text, delimiter):
    if delimiter is None:
        for line, record in enumerate(text.splitlines(), 1):
            yield (
                line,
                [
                    quoted.replace('""', '"') or bare
                    for quoted, bare in _BLANK_SEPARATED.findall(record)
                ],
            )
        return
    # Blanks after a delimiter may stand before a quote; they are no part of the cell.
    skip = delimiter != "\t"
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=skip
    )
    line = 1
    try:
        for row in reader:
            yield line, row
            # A quoted cell may hold line ends: the next record begins behind them.
            line = reader.line_num + 1
    except csv.Error as error:
        raise TableError(f"line {line} cannot be split into cells: {error}") from error


def _find_delimiter(text):
    """The delimiter under which most lines agree and most cells are numbers."""
    sniffed = "\n".join(text.splitlines()[:_N_SNIFFED])
    scores = {name: _delimiter_score(sniffed, name) for name in DELIMITER_NAMES}
    best = max(scores, key=scores.get)
    # Nothing splits the lines: one column, which a comma leaves whole.
    return best if scores[best] > (0, 0, 0) else ","


def _delimiter_score(text, delimiter):
    """Share of lines of the commonest length, share of numbers, that length."""
    rows = _records(text, delimiter)[1]
    length, count = Counter(map(len, rows)).most_common(1)[0] if rows else (0, 0)
    if length < 2:
        return 0, 0, 0
    cells = [cell for row in rows for cell in row if not is_missing(cell)]
    numbers = sum(as_number(cell, delimiter != ",") is not None for cell in cells)
    # Tenths: one ragged line is an error to tell of, not a sign of another delimiter.
    return round(count / len(rows), 1), numbers / max(len(cells), 1), length


def _has_decimal_commas(rows):
    """Whether numbers are written 1,5: some are, and none is written 1.5."""
    found = False
    for row in rows:
        for cell in row:
            if "." in cell and _NUMBER.match(cell):
                return False
            found = found or bool(_DECIMAL_COMMA.match(cell))
    return found


def _of_one_length(rows, lines):
    """Rows with as many cells as the first, or an error that names the line.

    A header may lack a name over the row names (R writes such tables), and lines
    may end in a delimiter.
    """
    length = len(rows[0])
    longer = Counter(map(len, rows[1:]))
    if len(rows) > 1 and list(longer) == [length + 1]:
        if all(row[-1] == "" for row in rows[1:]):
            return [rows[0], *(row[:-1] for row in rows[1:])]
        return [["row name", *rows[0]], *rows[1:]]
    for row, line in zip(rows, lines):
        if len(row) != length and (len(row) < length or any(row[length:])):
            raise TableError(
                f"line {line} has {len(row)} cells where line {lines[0]} has {length}: "
                "give every line as many, and quote cells that hold the delimiter"
            )
    return [row[:length] for row in rows]


def _first_is_header(rows, decimal_comma):
    """Whether the first row names the columns.

    It does when none of its cells is a number, or when one of them is text over a
    column that is mostly numbers.
    """
    first, rest = rows[0], rows[1 : 1 + _N_SNIFFED]
    text = [j for j, cell in enumerate(first) if _is_text(cell, decimal_comma)]
    if not any(as_number(cell, decimal_comma) is not None for cell in first):
        return bool(text)
    return any(_mostly_numbers([row[j] for row in rest], decimal_comma) for j in text)


def _is_text(cell, decimal_comma):
    return not is_missing(cell) and as_number(cell, decimal_comma) is None


def _mostly_numbers(cells, decimal_comma):
    present = [cell for cell in cells if not is_missing(cell)]
    numbers = sum(as_number(cell, decimal_comma) is not None for cell in present)
    return bool(present) and numbers > len(present) / 2


def _different(names):
    """Names that are all different and none of them empty."""
    taken, result = set(), []
    for position, name in enumerate(names, 1):
        unique = base = name or f"column {position}"
        copies = 1
        while unique in taken:
            copies += 1
            unique = f"{base} ({copies})"
        taken.add(unique)
        result.append(unique)
    return result
