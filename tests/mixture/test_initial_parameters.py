"""Behaviour: initial parameters that users hand in are checked."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skgen.gaussian import CLASSICAL
from skgen.mixture._initial_parameters import (
    check_means,
    check_precisions,
    check_weights,
)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (
            [0.5, 0.4],
            r"should be normalized, but got sum\(weights\) = 0.90000",
        ),
        ([1.5, -0.5], r"'weights' should be in the range \[0, 1\]"),
        ([0.2, 0.3, 0.5], r"'weights' should have the shape of \(2,\), but got \(3,\)"),
        ([[0.5, 0.5]], r"'weights' should have the shape of \(2,\), but got \(1, 2\)"),
        ([np.nan, 1.0], "contains NaN"),
    ],
)
def test_weights_that_are_none_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        check_weights(weights, 2)


def test_weights_of_either_float_type_are_taken_as_float64():
    for dtype in (np.float32, np.float64):
        found = check_weights(np.full(3, 1 / 3, dtype=dtype), 3)
        assert found.dtype == np.float64


@pytest.mark.parametrize("means", [np.ones((3, 2)), np.ones((2, 3)), np.ones(4)])
def test_means_of_another_shape_are_refused(means):
    with pytest.raises(ValueError, match=r"'means' should have the shape of \(2, 2\)"):
        check_means(means, 2, 2)


@pytest.mark.parametrize("name", CLASSICAL)
def test_precisions_of_another_shape_are_refused(name):
    structure = CLASSICAL[name]
    wrong = np.ones(structure.shape(3, 3))
    message = f"'{name} precision' should have the shape of"
    with pytest.raises(ValueError, match=message):
        check_precisions(wrong, name, structure, 2, 2)


@pytest.mark.parametrize("name", CLASSICAL)
def test_precisions_that_are_not_positive_are_refused(name):
    structure = CLASSICAL[name]
    wrong = -np.ones(structure.shape(2, 2))
    with pytest.raises(ValueError, match=f"'{name} precision' should be .*positive"):
        check_precisions(wrong, name, structure, 2, 2)


@pytest.mark.parametrize("name", ["full", "tied"])
def test_precisions_that_are_not_symmetric_are_refused(name):
    structure = CLASSICAL[name]
    wrong = np.broadcast_to([[1.0, 0.5], [0.0, 1.0]], structure.shape(2, 2))
    with pytest.raises(ValueError, match="symmetric, positive-definite"):
        check_precisions(wrong, name, structure, 2, 2)


@pytest.mark.parametrize("name", CLASSICAL)
def test_right_precisions_are_taken_as_they_are(name):
    structure = CLASSICAL[name]
    right = np.ones(structure.shape(2, 2))
    if structure.matrices:
        right = right * 0.5 + np.eye(2)
    assert_array_equal(check_precisions(right, name, structure, 2, 2), right)
