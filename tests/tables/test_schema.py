"""Schemas: kinds, codes, the way back, what is refused, and what is stored."""

import pickle
import subprocess
import sys

import numpy as np
import pandas
import polars
import pytest
import scipy.sparse
import skops.io
from frames import adults, pandas_frames, polars_frames, round_trip
from hypothesis import given
from numpy.testing import assert_array_equal
from numpydoc.validate import validate
from pandas.testing import assert_frame_equal
from polars.testing import assert_frame_equal as assert_polars_equal

from skgen.tables import KINDS, TableSchema

# Laws


@given(pandas_frames())
def test_decode_inverts_encode_for_pandas_frames(frame):
    assert_frame_equal(round_trip(frame), frame)


@given(polars_frames())
def test_decode_inverts_encode_for_polars_frames(frame):
    assert_polars_equal(round_trip(frame), frame)


@given(pandas_frames())
def test_decode_rounds_any_codes_to_cells_that_encode_takes(frame):
    schema = TableSchema.learn(frame)
    codes = np.random.default_rng(0).normal(scale=1e3, size=frame.shape)
    decoded = schema.decode(codes)
    again = schema.decode(schema.encode(decoded))
    assert_frame_equal(again, decoded)
    assert decoded.dtypes.tolist() == frame.dtypes.tolist()


@given(pandas_frames())
def test_missing_cells_and_only_these_are_nan_in_codes(frame):
    codes = TableSchema.learn(frame).encode(frame)
    assert_array_equal(np.isnan(codes), frame.isna())


# Behaviour


def test_kinds_of_a_mixed_table():
    schema = TableSchema.learn(adults())
    assert schema.kinds == (
        "numeric",
        "categorical",
        "numeric",
        "count",
        "numeric",
        "binary",
        "binary",
        "categorical",
        "categorical",
    )
    assert set(schema.kinds) == set(KINDS)
    assert schema.n_features == 9
    assert schema.names() == adults().columns.tolist()
    assert schema.categories[7].tolist() == ["low", "middle", "high"]
    assert schema.categories[0] is None


def test_a_mixed_table_comes_back_as_it_was():
    assert_frame_equal(round_trip(adults()), adults())


def test_decode_puts_the_given_index_on_a_frame():
    frame = adults().set_index(np.arange(60) * 10)
    schema = TableSchema.learn(frame)
    decoded = schema.decode(schema.encode(frame), index=frame.index)
    assert_frame_equal(decoded, frame)


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", "i8", "i2", "u1", "bool", object])
def test_arrays_come_back_in_their_dtype(dtype):
    X = np.array([[0, 1, 3], [1, 0, 9], [1, 1, 5]]).astype(dtype)
    decoded = round_trip(X)
    assert decoded.dtype == X.dtype
    assert_array_equal(decoded, X)


def test_codes_of_float32_stay_float32_and_all_others_are_float64():
    X = np.array([[0.5, 1], [2, 3]])
    for dtype in ("f4", "f8", "i4", "f2", object):
        codes = TableSchema.learn(X).encode(X.astype(dtype))
        assert codes.dtype == ("f4" if dtype == "f4" else "f8")
    named = TableSchema.learn(X.astype("f4"), categorical_features=[0])
    assert named.encode(X.astype("f4")).dtype == "f4"


def test_lists_of_numbers_and_strings_keep_their_numbers():
    rows = [["b", 1.5], ["a", None]]
    schema = TableSchema.learn(rows)
    assert schema.kinds == ("categorical", "numeric")
    assert_array_equal(schema.encode(rows), [[1, 1.5], [0, np.nan]])


def test_arrays_of_strings_come_back_as_arrays_of_strings():
    X = np.array([["b", "longer"], ["a", "x"]])
    decoded = round_trip(X)
    assert decoded.dtype == X.dtype
    assert_array_equal(decoded, X)
    schema = TableSchema.learn(X)
    assert schema.decode([[np.nan, 0]]).dtype == object


def test_numbers_named_categorical_are_looked_up():
    X = np.array([[10, 0.5], [30, 1.5], [10, np.nan]])
    schema = TableSchema.learn(X, categorical_features=[0])
    assert schema.kinds == ("categorical", "numeric")
    assert schema.categories[0].tolist() == [10, 30]
    assert_array_equal(schema.encode(X)[:, 0], [0, 1, 0])
    assert_array_equal(schema.decode(schema.encode(X)), X)
    assert np.isnan(schema.decode([[np.nan, 1]])[0, 0])


def test_integers_named_categorical_stay_exact_beyond_the_range_of_floats():
    X = np.array([[2**53], [2**53 + 1], [-(2**62) - 1]])
    decoded = round_trip(X, categorical_features=[True])
    assert decoded.dtype == np.int64
    assert_array_equal(decoded, X)


def test_huge_numbers_pass_and_come_back():
    X = np.array([[1e30, -1e308], [1e308, 1e308]])
    assert_array_equal(round_trip(X), X)


def test_decoded_integers_are_clipped_to_their_dtype():
    X = np.array([[3, 1], [5, 2]])
    for dtype in ("i1", "u1", "i8", "u8"):
        decoded = TableSchema.learn(X.astype(dtype)).decode([[1e30, -1e30]])
        limits = np.iinfo(dtype)
        assert decoded.dtype == dtype
        assert decoded[0, 0] == pytest.approx(limits.max, rel=1e-12)
        assert decoded[0, 1] == limits.min


def test_missing_codes_of_dtypes_without_missing_cells_become_float64():
    frame = pandas.DataFrame({"i": [3, 4], "b": [True, False]})
    decoded = TableSchema.learn(frame).decode([[np.nan, np.nan], [3, 1]])
    assert decoded.dtypes.tolist() == ["float64", "float64"]
    assert TableSchema.learn(frame.to_numpy(dtype=int)).decode(
        [[np.nan, 0]]
    ).dtype == np.dtype("float64")


def test_a_schema_reads_tables_of_other_containers():
    frame = adults()[["workclass", "hours", "over_50k"]]
    schema = TableSchema.learn(frame)
    other = polars.DataFrame(
        {
            name: column.astype(object).replace({np.nan: None}).tolist()
            for name, column in frame.items()
        }
    )
    codes = schema.encode(frame)
    assert_array_equal(schema.encode(other), codes)
    assert_array_equal(schema.encode(frame.to_numpy(dtype=object)), codes)


def test_names_given_to_an_array_are_those_of_its_columns():
    schema = TableSchema.learn(np.ones((2, 2)), feature_names=["u", "v"])
    assert schema.names() == ["u", "v"]
    with pytest.raises(ValueError, match=r"Unknown are \['w'\], absent are \['v'\]"):
        schema.encode(pandas.DataFrame({"u": [1], "w": [1]}))


def test_columns_of_pandas_may_have_names_that_are_no_strings():
    frame = pandas.DataFrame([[1, "a"], [2, "b"]])
    assert_frame_equal(round_trip(frame), frame)


def test_columns_of_one_name_are_kept_apart():
    frame = pandas.DataFrame([[1, "a"], [2, "b"]], columns=["x", "x"])
    assert_frame_equal(round_trip(frame), frame)


def test_kinds_may_be_told_whatever_was_seen():
    X = np.array([[1, 0], [3, 1]])
    schema = TableSchema.learn(X).with_kinds(["count", "numeric"])
    assert schema.kinds == ("count", "numeric")
    assert_array_equal(schema.encode([[0, -2.5]]), [[0.0, -2.5]])
    with pytest.raises(ValueError, match="'x0' is count"):
        schema.encode([[0.5, 0.0]])
    assert TableSchema.from_state(schema.state()) == schema


def test_no_rows_have_no_codes():
    schema = TableSchema.learn(adults())
    assert schema.encode(adults()[:0]).shape == (0, 9)
    assert_frame_equal(schema.decode(np.empty((0, 9))), adults()[:0])
    assert TableSchema.learn(np.ones((2, 2))).encode(np.ones((0, 2))).shape == (0, 2)


# What is refused


@pytest.mark.parametrize("n_features", [1, 3])
def test_another_number_of_columns_is_refused(n_features):
    schema = TableSchema.learn(np.ones((2, 2)))
    with pytest.raises(ValueError, match=rf"X has {n_features} features, but .* is"):
        schema.encode(np.ones((2, n_features)))


def test_columns_in_another_order_are_refused():
    schema = TableSchema.learn(adults())
    with pytest.raises(ValueError, match="put them in the order learnt"):
        schema.encode(adults().iloc[:, ::-1])


def test_tables_of_one_dimension_sparse_and_empty_ones_are_refused():
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array instead"):
        TableSchema.learn([1.0, 2.0])
    with pytest.raises(TypeError, match="Sparse data was passed"):
        TableSchema.learn(scipy.sparse.eye_array(3, format="csr"))
    with pytest.raises(ValueError, match=r"0 feature\(s\) \(shape=\(2, 0\)\)"):
        TableSchema.learn(np.empty((2, 0)))
    with pytest.raises(ValueError, match=r"0 sample\(s\) .* minimum of 1 is required"):
        TableSchema.learn(pandas.DataFrame({"a": []}))


@pytest.mark.parametrize("infinity", [np.inf, -np.inf])
def test_infinity_is_refused_under_its_column_name(infinity):
    frame = pandas.DataFrame({"a": [1.0, 2.0], "b": [1.0, infinity]})
    with pytest.raises(ValueError, match="contains infinity in column 'b'"):
        TableSchema.learn(frame)
    finite = TableSchema.learn(frame.fillna(0).replace(infinity, 3.0))
    with pytest.raises(ValueError, match="contains infinity in column 'b'"):
        finite.encode(frame)
    with pytest.raises(ValueError, match="contains infinity in column 'x1'"):
        TableSchema.learn(np.ones((2, 2))).encode(frame.to_numpy())


def test_codes_of_another_shape_are_refused():
    schema = TableSchema.learn(np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"must have shape \(n_samples, 2\), got"):
        schema.decode(np.ones((2, 3)))


# What is stored


def _plain_types(thing):
    if isinstance(thing, dict):
        return set().union(*map(_plain_types, [*thing, *thing.values()]))
    if isinstance(thing, list):
        return set().union(*map(_plain_types, thing))
    return {type(thing)}


def test_a_state_is_made_of_plain_things():
    frame = adults().assign(group=pandas.Categorical([3, 1, 1] * 20))
    state = TableSchema.learn(frame).state()
    assert _plain_types(state) <= {str, int, float, bool, type(None)}
    assert skops.io.get_untrusted_types(data=skops.io.dumps(state)) == []


@pytest.mark.parametrize(
    "copy",
    [
        lambda state: skops.io.loads(skops.io.dumps(state)),
        lambda state: pickle.loads(pickle.dumps(state)),
    ],
    ids=["skops", "pickle"],
)
def test_a_stored_state_gives_an_equal_schema(copy):
    schema = TableSchema.learn(adults())
    stored = TableSchema.from_state(copy(schema.state()))
    assert stored == schema
    assert_frame_equal(stored.decode(schema.encode(adults())), adults())


def test_importing_the_room_imports_neither_torch_nor_a_data_frame():
    # scipy and scikit-learn import pandas by themselves where they meet it
    code = (
        "import sys, numpy, scipy.sparse, sklearn.mixture; before = set(sys.modules)\n"
        "from skgen.tables import TableSchema\n"
        "X = numpy.array([['a', None], ['b', 1]], dtype=object)\n"
        "schema = TableSchema.learn(X)\n"
        "schema.decode(schema.encode(X))\n"
        "newly = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(*sorted(newly & {'torch', 'pandas', 'polars'}))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    assert (result.returncode, result.stdout.strip()) == (0, ""), result.stderr


@pytest.mark.parametrize(
    "name", ["learn", "encode", "decode", "names", "state", "from_state"]
)
def test_docstrings_follow_numpydoc(name):
    errors = validate(f"skgen.tables.TableSchema.{name}")["errors"]
    ignored = {"SA01", "EX01", "ES01", "RT02", "RT03", "SS05"}
    assert [error for error in errors if error[0] not in ignored] == []
