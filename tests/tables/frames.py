"""Tables of mixed columns: handwritten ones, and hypothesis strategies of ugly ones."""

import numpy as np
import pandas
import polars
from hypothesis import strategies as st

from skgen.tables import TableSchema


def adults(n=60, seed=0):
    """A table like "Adult": strings, counts, booleans, flags and holes."""
    rng = np.random.default_rng(seed)
    frame = pandas.DataFrame(
        {
            "age": rng.integers(17, 90, n),
            "workclass": rng.choice(["Private", "State-gov", "Never-worked"], n),
            "education_num": pandas.array(rng.integers(1, 16, n), dtype="Int64"),
            "capital_gain": np.where(rng.random(n) < 0.8, 0, rng.integers(0, 10**5, n)),
            "hours": rng.normal(40, 10, n),
            "married": rng.random(n) < 0.5,
            "over_50k": rng.integers(0, 2, n),
            "rank": pandas.Categorical(
                rng.choice(["low", "high"], n), ["low", "middle", "high"], ordered=True
            ),
            "country": pandas.Series(rng.choice(["PL", "FR"], n), dtype=object),
        }
    )
    for j in (1, 2, 4, 7, 8):
        frame.iloc[rng.random(n) < 0.2, j] = None
    return frame


def round_trip(X, **settings):
    """The table after `encode` and `decode`, by a schema that was stored between."""
    schema = TableSchema.learn(X, **settings)
    stored = TableSchema.from_state(schema.state())
    return stored.decode(schema.encode(X))


# Strategies: lists of cells of one column, None for missing ones

_LARGEST = 2**53
_floats = st.floats(allow_nan=False, allow_infinity=False) | st.just(1e30)
_words = st.text(max_size=3) | st.sampled_from(["a", "a\x00", "nan", "", "None", "1"])
_INTEGERS = ["Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64"]


def _cells(elements, n, holes):
    elements = st.none() | elements if holes else elements
    return st.lists(elements, min_size=n, max_size=n)


def _integers(dtype):
    limits = np.iinfo(dtype.lower())
    return st.integers(max(limits.min, -_LARGEST), min(limits.max, _LARGEST))


@st.composite
def _pandas_column(draw, n):
    integer = draw(st.sampled_from(_INTEGERS))
    kind = draw(st.sampled_from(sorted(_PANDAS_COLUMNS)))
    return _PANDAS_COLUMNS[kind](draw, n, integer)


def _pandas_category(draw, n, integer):
    categories = draw(st.lists(_words, min_size=1, max_size=4, unique=True))
    cells = draw(_cells(st.sampled_from(categories), n, holes=True))
    return pandas.Series(
        pandas.Categorical(cells, categories, ordered=draw(st.booleans()))
    )


def _pandas_words(dtype):
    def column(draw, n, integer):
        cells = draw(_cells(_words, n, holes=True))
        cells[0] = cells[0] or "word"
        return pandas.Series(cells, dtype=dtype)

    return column


_PANDAS_COLUMNS = {
    "numpy integer": lambda draw, n, dtype: pandas.Series(
        draw(_cells(_integers(dtype), n, holes=False)), dtype=dtype.lower()
    ),
    "nullable integer": lambda draw, n, dtype: pandas.Series(
        draw(_cells(_integers(dtype), n, holes=True)), dtype=dtype
    ),
    "float": lambda draw, n, dtype: pandas.Series(
        draw(_cells(_floats, n, holes=True)), dtype="float64"
    ),
    "float32": lambda draw, n, dtype: pandas.Series(
        draw(_cells(st.floats(-1e38, 1e38), n, holes=True)), dtype="float32"
    ),
    "nullable float": lambda draw, n, dtype: pandas.Series(
        draw(_cells(_floats, n, holes=True)), dtype="Float64"
    ),
    "flag": lambda draw, n, dtype: pandas.Series(
        draw(_cells(st.integers(0, 1), n, holes=False)), dtype="int64"
    ),
    "bool": lambda draw, n, dtype: pandas.Series(
        draw(_cells(st.booleans(), n, holes=False)), dtype=bool
    ),
    "boolean": lambda draw, n, dtype: pandas.Series(
        draw(_cells(st.booleans(), n, holes=True)), dtype="boolean"
    ),
    "category": _pandas_category,
    "object": _pandas_words(object),
    "str": _pandas_words("str"),
    "string": _pandas_words("string"),
}


@st.composite
def pandas_frames(draw):
    """Data frames of a few columns of any dtypes, few rows and many holes."""
    n = draw(st.integers(1, 6))
    columns = draw(st.lists(_pandas_column(n), min_size=1, max_size=5))
    return pandas.DataFrame({f"c{j}": column for j, column in enumerate(columns)})


@st.composite
def _polars_column(draw, n):
    kind = draw(st.sampled_from(["integer", "float", "boolean", "words", "enum"]))
    holes = draw(st.booleans())
    if kind == "integer":
        dtype = draw(st.sampled_from(_INTEGERS))
        cells = draw(_cells(_integers(dtype), n, holes))
        return polars.Series(cells, dtype=getattr(polars, dtype))
    if kind == "float":
        return polars.Series(draw(_cells(_floats, n, holes)), dtype=polars.Float64)
    if kind == "boolean":
        cells = draw(_cells(st.booleans(), n, holes))
        return polars.Series(cells, dtype=polars.Boolean)
    if kind == "words":
        cells = draw(_cells(_words, n, holes))
        cells[0] = cells[0] or "word"
        dtype = draw(st.sampled_from([polars.String, polars.Categorical]))
        return polars.Series(cells, dtype=polars.String).cast(dtype)
    categories = draw(st.lists(_words, min_size=1, max_size=4, unique=True))
    cells = draw(_cells(st.sampled_from(categories), n, holes))
    return polars.Series(cells, dtype=polars.Enum(categories))


@st.composite
def polars_frames(draw):
    """The same in polars."""
    n = draw(st.integers(1, 6))
    columns = draw(st.lists(_polars_column(n), min_size=1, max_size=5))
    return polars.DataFrame({f"c{j}": column for j, column in enumerate(columns)})
