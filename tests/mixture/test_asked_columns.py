"""Columns that a user asks a mixture for: what is refused, and what is said then."""

import numpy as np
import pandas
import pytest
from sklearn.exceptions import NotFittedError

from skgen import EMGaussianMixture

UNNAMED = EMGaussianMixture.from_parameters(
    [1.0], [[0.0, 1.0, 2.0]], [1.0], covariance_type="spherical"
)
NAMED = EMGaussianMixture.from_parameters(
    [1.0],
    pandas.DataFrame([[0.0, 1.0, 2.0]], columns=["age", "height", "weight"]),
    [1.0],
    covariance_type="spherical",
)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "at least one column; got none"),
        ({"age": 1, "height": 2, "weight": 3}, "leave at least one column open"),
        ({"size": 1.0}, "one of those seen in fit, 'age', 'height', 'weight'; got 's"),
        ({3: 1.0}, "from 0 to 2; got 3"),
        ({-1: 1.0}, "from 0 to 2; got -1. Count from the first"),
        ({"age": 1.0, 0: 1.0}, "once; got 0 again"),
        ({True: 1.0}, "a name or an integer; got True"),
        ({1.0: 1.0}, "a name or an integer; got 1.0"),
        ({"age": np.nan}, "'age' must be finite; got nan"),
        ({"age": np.inf}, "must be finite; got inf"),
        ({"age": "40"}, "must be a number; got '40' of type str"),
        ({"age": None}, "must be a number; got None"),
        ({"age": pandas.NA}, "must be a number; got <NA>"),
        ({"age": 1j}, "must be a number; got 1j"),
        ({"age": [1.0]}, "must be a number; got \\[1.0\\] of type list"),
    ],
)
def test_what_is_given_is_refused_with_the_remedy(given, message):
    with pytest.raises(ValueError, match=message):
        NAMED.conditional(given)


@pytest.mark.parametrize("given", [[1.0], "age", 3, None])
def test_what_is_given_must_be_a_mapping(given):
    with pytest.raises(TypeError, match="given must map columns to values"):
        NAMED.conditional(given)


@pytest.mark.parametrize("value", [1, np.float32(1), np.int8(1), True, np.array(1.0)])
def test_any_kind_of_number_will_do(value):
    assert NAMED.conditional({"age": value}).n_features_in_ == 2


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ([], "At least one column is required; got none"),
        (np.zeros(3, dtype=bool), "At least one column is required; got none"),
        ([True, False], "an entry for each of the 3 columns; got 2"),
        (["age", "age"], "once; got 'age' again"),
        (["age", 0], "once; got 0 again"),
        ("size", "got 'size'"),
        ([0.5], "a name or an integer; got 0.5"),
        ([-1], "got -1"),
    ],
)
def test_columns_of_a_marginal_are_refused_with_the_remedy(columns, message):
    with pytest.raises(ValueError, match=message):
        NAMED.marginal(columns)


def test_names_need_a_mixture_that_knows_them():
    with pytest.raises(ValueError, match="Pass the column's number, from 0 to 2"):
        UNNAMED.marginal("age")


def test_very_many_names_are_not_all_listed():
    names = [f"x{i}" for i in range(50)]
    mixture = EMGaussianMixture.from_parameters(
        [1.0],
        pandas.DataFrame(np.zeros((1, 50)), columns=names),
        [1.0],
        covariance_type="spherical",
    )
    with pytest.raises(ValueError, match=r"'x11', … \(50 in all\); got 'y'"):
        mixture.marginal("y")


@pytest.mark.parametrize(
    "ask",
    [
        lambda mixture: mixture.conditional({0: 1.0}),
        lambda mixture: mixture.marginal(0),
        lambda mixture: mixture.bootstrap([[1.0], [2.0]]),
    ],
)
def test_mixture_must_be_fitted(ask):
    with pytest.raises(NotFittedError):
        ask(EMGaussianMixture())
