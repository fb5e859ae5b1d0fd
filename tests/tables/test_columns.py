"""One column: the kind that cells suggest, and cells that a kind refuses."""

import numpy as np
import pandas
import pytest
from numpy.testing import assert_array_equal

from skgen.tables import TableSchema


def learn(cells, **settings):
    return TableSchema.learn(pandas.DataFrame({"x": cells}), **settings)


def series(cells, dtype):
    return pandas.Series(cells, dtype=dtype)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([True, False], "binary"),
        ([True, True], "binary"),
        ([0, 1], "binary"),
        ([0.0, 1.0, np.nan], "binary"),
        (series([1, None, 0], "Int64"), "binary"),
        (series([True, None], "boolean"), "binary"),
        (series([True, None], object), "binary"),
        ([0, 0], "numeric"),
        ([1, 1], "numeric"),
        ([1.0, np.nan], "numeric"),
        ([0, 3], "count"),
        (series([0, None, 3], "Int64"), "count"),
        (series([0, None, 3], object), "count"),
        ([0.0, 3.0], "numeric"),
        ([1, 3], "numeric"),
        ([-1, 0, 1], "numeric"),
        ([0, 1, 0.5], "numeric"),
        ([np.nan, np.nan], "numeric"),
        (series([None, None], object), "numeric"),
        (["a", None], "categorical"),
        (series(["0", "1"], "string"), "categorical"),
        (series([0, 1], "category"), "categorical"),
        (series([1, "a"], object), "categorical"),
    ],
)
def test_kind_that_cells_suggest(cells, kind):
    assert learn(cells).kinds == (kind,)


def test_categories_are_sorted_where_they_can_be():
    assert learn(["b", "c", None, "a"]).categories[0].tolist() == ["a", "b", "c"]
    mixed = learn(series(["b", 2, "a", 1], object))
    assert mixed.categories[0].tolist() == ["b", 2, "a", 1]


def test_declared_categories_are_kept_in_order_seen_or_not():
    cells = pandas.Categorical(["b", None], categories=["z", "b", "a"])
    schema = learn(cells)
    assert schema.categories[0].tolist() == ["z", "b", "a"]
    assert_array_equal(schema.encode(pandas.DataFrame({"x": ["a", "z"]})), [[2], [0]])


def test_codes_are_rounded_to_the_nearest_category():
    schema = learn(["a", "b", "c"])
    decoded = schema.decode([[-5.0], [0.4], [0.6], [9e30], [np.nan]])
    assert decoded["x"].tolist()[:4] == ["a", "a", "b", "c"]
    assert decoded["x"].isna().tolist() == [False] * 4 + [True]


def test_codes_of_binary_columns_and_counts_are_rounded_to_what_they_hold():
    assert learn([0, 1]).decode([[-3.0], [0.7], [4.0]])["x"].tolist() == [0, 1, 1]
    assert learn([0, 5]).decode([[-3.0], [0.7], [7.2]])["x"].tolist() == [0, 1, 7]


def test_an_unseen_category_is_refused_with_a_remedy():
    message = (
        "Column 'x' holds the category 'k', .* known are 'a', 'b', 'c', 'd', 'e' "
        "and 2 more. Replace it by one of these, or make the cell missing"
    )
    schema = learn(list("abcdefg"))
    with pytest.raises(ValueError, match=message):
        schema.encode(pandas.DataFrame({"x": ["a", "k"]}))


@pytest.mark.parametrize("value", [2, 0.5, -1])
def test_other_numbers_than_0_and_1_in_a_binary_column_are_refused(value):
    schema = learn([0, 1])
    with pytest.raises(ValueError, match=f"'x' is binary .* 0 and 1 .* got {value}"):
        schema.encode(pandas.DataFrame({"x": [1, value]}))
    with pytest.raises(ValueError, match=f"'x' is binary .* 0 and 1 .* got {value}"):
        schema.encode(np.array([[1], [value]]))


def test_a_refused_number_comes_with_the_remedy():
    with pytest.raises(ValueError, match="name another likelihood for the column"):
        learn([0, 1]).encode([[2]])


def test_a_kind_of_numbers_stands_in_for_another():
    schema = learn([0, 1]).with_kinds(["count"])
    assert schema.kinds == ("count",)
    assert_array_equal(schema.encode([[7]]), [[7.0]])
    assert schema.decode([[-3.0], [6.6]])["x"].tolist() == [0, 7]


@pytest.mark.parametrize("kinds", [("binary", "categorical"), ("categorical", "count")])
def test_no_kind_of_numbers_stands_in_for_categories(kinds):
    schema = learn([0, 1] if kinds[0] == "binary" else ["a", "b"])
    with pytest.raises(ValueError, match=f"is {kinds[0]} and cannot be {kinds[1]}"):
        schema.with_kinds([kinds[1]])


@pytest.mark.parametrize("value", [-1, 2.5])
def test_what_counts_nothing_is_refused_in_a_column_of_counts(value):
    with pytest.raises(ValueError, match=f"'x' is count .* counts 0, .* got {value}"):
        learn([0, 5]).encode(pandas.DataFrame({"x": [1, value]}))


def test_strings_in_a_column_of_numbers_are_refused():
    message = "'x' was learnt as numeric and must hold numbers, got 'many'"
    with pytest.raises(ValueError, match=message):
        learn([1.5, 2.5]).encode(pandas.DataFrame({"x": series([1, "many"], object)}))


def test_numbers_in_a_dtype_of_labels_are_read_as_numbers():
    schema = learn([1.5, 2.5])
    assert_array_equal(
        schema.encode(pandas.DataFrame({"x": series([3], "category")})), 3
    )
    holes = pandas.DataFrame({"x": series([None, None], "string")})
    assert np.isnan(schema.encode(holes)).all()


@pytest.mark.parametrize("dtype", ["str", "category", object])
def test_strings_are_refused_where_no_column_is_categorical(dtype):
    message = "'x' of dtype .* holds 'a' and is not among the categorical .* Convert it"
    with pytest.raises(ValueError, match=message):
        learn(series(["a"], dtype), categorical_features=None)


def test_a_categorical_column_without_any_cell_is_refused():
    with pytest.raises(
        ValueError, match=r"'x' is categorical and every cell .* drop it"
    ):
        learn(series([None, None], "string"))
    with pytest.raises(
        ValueError, match=r"'x' is categorical and every cell .* drop it"
    ):
        learn([np.nan], categorical_features=["x"])
