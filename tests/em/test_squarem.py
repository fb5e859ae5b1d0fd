"""Laws of the extrapolation, on numbers that shrink at a known rate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from skgen.em._squarem import extrapolate, stretch


class Vector(np.ndarray):
    """An array with the norm that statistics have."""

    def norm(self):
        return float(np.linalg.norm(self))


def vector(*numbers):
    return np.array(numbers, dtype=float).view(Vector)


def differences(first, second, third):
    """The first step, and how the second bends it."""
    step = second - first
    return step, (third - second) - step


rates = st.floats(0.05, 0.99)
numbers = st.floats(-100, 100)


@given(limit=numbers, first=numbers, rate=rates)
def test_one_leap_reaches_the_limit_of_a_geometric_sequence(limit, first, rate):
    error = vector(first - limit + 1.0, 2.0)
    points = [limit + error * rate**i for i in range(3)]
    step, bend = differences(*points)
    leap = extrapolate(points[0], step, bend)
    assert_allclose(leap, np.full(2, limit), atol=1e-6 * (1 + error.norm()))
    assert_allclose(stretch(step, bend), 1.0 / (1.0 - rate), rtol=1e-6)


def test_stretch_is_at_least_one():
    assert stretch(vector(1.0), vector(-5.0)) == 1.0
    assert stretch(vector(1.0), vector(0.0)) == 1.0


def test_leap_that_would_be_the_em_step_is_none():
    points = vector(0.0), vector(1.0), vector(0.5)
    assert extrapolate(points[0], *differences(*points)) is None


def test_points_that_stand_still_give_no_leap():
    points = [vector(1.0, 2.0)] * 3
    assert extrapolate(points[0], *differences(*points)) is None


@pytest.mark.parametrize("length", [2.0, 10.0])
def test_leap_is_scheme_s3_of_the_paper(length):
    first, step = vector(1.0, 1.0), vector(0.5, -0.5)
    bend = -step / length
    expected = first + 2 * length * step + length**2 * bend
    assert_allclose(extrapolate(first, step, bend), expected)
