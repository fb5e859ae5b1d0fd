"""Reading a table: what is understood, what is left out, what is refused."""

import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skgen.report import TableError, bundled_table, read_table
from skgen.report._delimited import split_cells

N_ROWS = 30
NUMBERS = np.random.default_rng(0).normal(size=(N_ROWS, 3)).round(3)


def text_of(numbers=NUMBERS, delimiter=",", header="a,b,c", number="{:.3f}"):
    lines = [delimiter.join(number.format(x) for x in row) for row in numbers]
    return "\n".join(([header] if header else []) + lines) + "\n"


@pytest.fixture
def read(tmp_path):
    def read_text(text, encoding="utf-8"):
        path = tmp_path / "table.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return read_table(path)

    return read_text


def with_column(name, cells):
    """The usual table with one more column of text."""
    header, *lines = text_of().splitlines()
    lines = [f"{line},{cell}" for line, cell in zip(lines, cells)]
    return "\n".join([f"{header},{name}", *lines])


@pytest.mark.parametrize(
    "delimiter", [",", ";", "\t", "|", " ", ", ", "; ", "   ", " \t"]
)
def test_every_delimiter_gives_the_same_numbers(read, delimiter):
    table = read(text_of(delimiter=delimiter, header=delimiter.join("abc")))
    assert table.columns == ["a", "b", "c"]
    assert_allclose(table.values, NUMBERS)
    assert_array_equal(table.lines, np.arange(2, N_ROWS + 2))


@pytest.mark.parametrize("delimiter", [",", "\t", " "])
def test_table_without_header_loses_no_row(read, delimiter):
    table = read(text_of(delimiter=delimiter, header=""))
    assert table.columns == ["column 1", "column 2", "column 3"]
    assert_allclose(table.values, NUMBERS)
    assert table.lines[0] == 1


@pytest.mark.parametrize("delimiter", [";", "\t", " "])
def test_decimal_commas_are_understood(read, delimiter):
    text = text_of(delimiter=delimiter, header=delimiter.join("abc"))
    table = read(text.replace(".", ","))
    assert_allclose(table.values, NUMBERS)
    assert any("decimal commas" in note for note in table.notes)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_mark_is_no_part_of_the_first_name(read, encoding):
    table = read(text_of(header="größe,b,c"), encoding)
    assert table.columns == ["größe", "b", "c"]


def test_line_ends_of_windows_are_understood(read):
    table = read(text_of().replace("\n", "\r\n"))
    assert_allclose(table.values, NUMBERS)
    assert_array_equal(table.lines, np.arange(2, N_ROWS + 2))


def test_quoted_cells_may_hold_delimiters_quotes_and_line_ends(read):
    header, *rest = with_column(
        "place", ['"Paris, 1st ""arr."""'] * N_ROWS
    ).splitlines()
    rest[3] = rest[3].replace("Paris, ", "Paris,\n")
    table = read("\n".join([header, *rest]))
    assert_allclose(table.values, NUMBERS)
    assert table.omitted == {"place": "text, such as 'Paris, 1st \"arr.\"' (line 2)"}
    # The broken cell takes two lines of the file: rows below it stand one lower.
    assert_array_equal(table.lines, [2, 3, 4, 5, *range(7, N_ROWS + 3)])


def test_quoted_header_with_blanks_between_blank_separated_numbers(read):
    table = read(text_of(delimiter=" ", header='"free sulfur" pH "say ""hi"""'))
    assert table.columns == ["free sulfur", "pH", 'say "hi"']


@pytest.mark.parametrize(
    "cell", ["", "NA", "N/A", "nan", "NaN", "?", "null", "None", " ?"]
)
def test_rows_with_a_missing_cell_are_left_out_and_counted(read, cell):
    lines = text_of().splitlines()
    lines[5] = f"1.0,{cell},2.0"
    table = read("\n".join(lines))
    assert table.n_incomplete == 1
    assert_array_equal(table.values, np.delete(NUMBERS, 4, axis=0))
    assert 6 not in table.lines


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (["blue"] * N_ROWS, r"text, such as 'blue' \(line 2\)"),
        (["1"] * 9 + ["x" * 40] * (N_ROWS - 9), r"text, such as 'x+…' \(line 11\)"),
        (["inf"] * N_ROWS, "text, such as 'inf'"),
        (["1_000"] * N_ROWS, "text, such as '1_000'"),
        ([""] * N_ROWS, "all missing"),
        (["", "", "1.5"] * 10, "67 % missing"),
        (["4.5"] * N_ROWS, r"constant \(4.5\)"),
        (["0.1", "0.1000000000000001"] * 15, r"constant \(0.1\)"),
        (["1e300", "2e300"] * 15, "too large or too small to square"),
        (["1e-300", "2e-300"] * 15, "too large or too small to square"),
        ([str(i) for i in range(7, N_ROWS + 7)], "counts the rows"),
        ([str(2 * a - b + 3) for a, b, _ in NUMBERS], "a linear combination"),
    ],
)
def test_columns_left_out_say_why(read, cells, reason):
    table = read(with_column("extra", cells))
    assert table.columns == ["a", "b", "c"]
    assert table.omitted.keys() == {"extra"}
    assert re.match(reason, table.omitted["extra"])


def test_column_that_the_complete_rows_leave_constant_is_left_out(read):
    cells = ["1"] * (N_ROWS - 1) + ["2"]
    lines = with_column("extra", cells).splitlines()
    lines[-1] = "NA,1.0,2.0,2"
    table = read("\n".join(lines))
    assert table.omitted == {"extra": "constant (1) over the complete rows"}


def test_repeated_and_missing_names_become_different(read):
    table = read(text_of(header="a,a,"))
    assert table.columns == ["a", "a (2)", "column 3"]


def test_row_names_without_a_name_are_a_column_as_r_writes_them(read):
    header, *lines = text_of().splitlines()
    lines = [f'"row {i}",{line}' for i, line in enumerate(lines)]
    table = read("\n".join([header, *lines]))
    assert table.columns == ["a", "b", "c"]
    assert table.omitted.keys() == {"row name"}


def test_delimiter_at_the_end_of_lines_makes_no_column(read):
    header, *lines = text_of().splitlines()
    table = read("\n".join([header, *(line + "," for line in lines)]))
    assert table.columns == ["a", "b", "c"]
    assert table.omitted == {}


def test_blank_lines_are_skipped_and_counted_as_lines(read):
    header, *lines = text_of().splitlines()
    table = read("\n".join(["", header, "", *lines, "", ""]))
    assert_allclose(table.values, NUMBERS)
    assert_array_equal(table.lines, np.arange(4, N_ROWS + 4))


def test_one_column_is_a_table(read):
    table = read(text_of(NUMBERS[:, :1], header="height in cm"))
    assert table.columns == ["height in cm"]
    assert_allclose(table.values, NUMBERS[:, :1])


def test_notes_warn_of_repeated_values_and_repeated_rows(read):
    cells = ["0"] * (N_ROWS - 10) + [str(i) for i in range(10)]
    text = with_column("gain", cells)
    table = read(text + "\n" + "\n".join(text.splitlines()[1:]))
    notes = " ".join(table.notes)
    assert "'gain' is 0 in 70 % of the rows" in notes
    assert f"rows that repeat another row: {N_ROWS};" in notes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        (" \n\n", "the file is empty"),
        ("a,b,c\n", "a header and no rows under it"),
        (
            "x,y\n" + "red,blue\n" * 30,
            "no numeric column .* 'x': text, such as 'red'",
        ),
        ("x\n" + "1\n" * 30, r"no numeric column .* 'x': constant \(1\)"),
        (text_of(NUMBERS[:19]), "19 complete rows and .* needs at least 20"),
        (text_of() + "1,2\n", "line 32 has 2 cells where line 1 has 3"),
        (text_of() + "1,2,3,4\n", "line 32 has 4 cells where line 1 has 3"),
        ("a,b\n" + "0,1\n1,0\n1,1\n" * 20, "only 3 different rows"),
        (b"caf\xe9,b\n1,2\n", "not text in UTF-8 .byte 0xe9 on line 1"),
        (b"a,b\n1,\x002\n", "zero bytes"),
        (text_of() + '1,"' + "x" * 200_000 + '",3\n', "line 32 cannot be split"),
    ],
)
def test_tables_that_cannot_be_used_are_refused_by_name(read, text, message):
    with pytest.raises(TableError, match=message):
        read(text)


def test_missing_rows_are_counted_when_too_few_are_left(read):
    lines = text_of().splitlines()
    lines[1:13] = ["NA,1.0,2.0"] * 12
    with pytest.raises(TableError, match=r"18 complete rows \(12 more lack a value\)"):
        read("\n".join(lines))


def test_paths_that_hold_no_file_are_refused(tmp_path):
    with pytest.raises(TableError, match="does not exist: check the path"):
        read_table(tmp_path / "nowhere.csv")
    with pytest.raises(TableError, match="is a directory: name a file in it"):
        read_table(tmp_path)


def test_bundled_table_keeps_the_species_from_the_model():
    table = bundled_table()
    assert table.values.shape == (150, 4)
    assert len(table.labels) == 150
    assert table.n_incomplete == 0


@settings(deadline=None)
@given(
    st.lists(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3), min_size=2),
    st.sampled_from([",", ";", "\t", " "]),
)
def test_law_numbers_survive_being_written_and_read(rows, delimiter):
    text = "\n".join(delimiter.join(map(repr, row)) for row in rows)
    cells = split_cells(text)
    assert [[float(cell) for cell in row] for row in cells.rows] == rows
    assert cells.lines == list(range(1, len(rows) + 1))


@settings(deadline=None)
@given(st.text())
@example('"')
@example(",")
def test_law_any_text_is_a_table_or_a_table_error(text):
    try:
        cells = split_cells(text)
    except TableError:
        return
    assert all(len(row) == len(cells.names) for row in cells.rows)
    assert len(set(cells.names)) == len(cells.names)
    assert len(cells.lines) == len(cells.rows) > 0
