"""What an answer looks like."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from scipy.stats import norm

from skgen.divergences import (
    DivergenceResult,
    js_distance,
    js_divergence,
    kl_divergence,
)
from skgen.divergences._result import Estimate, answer

from .strategies import random_mixture


def test_a_closed_form_is_told_as_exact():
    result = kl_divergence(norm(0, 1), norm(1, 2), confidence_level=0.95)
    value = kl_divergence(norm(0, 1), norm(1, 2))
    assert result == DivergenceResult(value, 0.0, (value, value), "closed_form", True)
    with pytest.raises(FrozenInstanceError):
        result.value = 0.0


def test_without_a_confidence_level_the_answer_is_a_float():
    assert type(kl_divergence(norm(0, 1), norm(1, 2))) is float
    assert type(kl_divergence([0.5, 0.5], [0.25, 0.75])) is float


def test_a_batch_is_told_in_arrays():
    result = kl_divergence(norm([0, 1], 1), norm(1, 2), confidence_level=0.9)
    for numbers in (result.value, result.standard_error, *result.confidence_interval):
        assert np.shape(numbers) == (2,)


def test_bits_are_nats_over_log_2_in_every_number():
    p, q = random_mixture(3, 5, seed=0), random_mixture(3, 5, seed=1)
    nats, bits = (
        kl_divergence(p, q, base=base, confidence_level=0.9, random_state=0)
        for base in (None, 2)
    )
    for a, b in (
        (nats.value, bits.value),
        (nats.standard_error, bits.standard_error),
        (nats.confidence_interval, bits.confidence_interval),
    ):
        np.testing.assert_allclose(np.array(a) / np.log(2), b, rtol=1e-14)


def test_an_interval_widens_with_its_level():
    p, q = random_mixture(3, 5, seed=0), random_mixture(3, 5, seed=1)
    widths = [
        np.diff(
            kl_divergence(
                p, q, confidence_level=level, random_state=0
            ).confidence_interval
        )[0]
        for level in (0.5, 0.9, 0.99)
    ]
    assert 0.0 < widths[0] < widths[1] < widths[2]


def test_an_interval_stays_where_the_divergence_can_be():
    noisy = Estimate(0.01, "monte_carlo", standard_error=0.1)
    result = answer(noisy, base=None, confidence_level=0.95)
    assert result.confidence_interval[0] == 0.0
    assert result.confidence_interval[1] > 0.1


@pytest.mark.parametrize("value", [-9.0, -0.05])
def test_a_value_cut_at_the_lowest_does_not_look_certain(value):
    noisy = Estimate(value, "monte_carlo", standard_error=0.01)
    result = answer(noisy, base=2, confidence_level=0.95)
    expected = (0.0, 1.959964 * 0.01 / np.log(2))
    assert result.value == 0.0
    np.testing.assert_allclose(result.confidence_interval, expected, rtol=1e-6)


def test_values_cut_at_the_highest_do_not_look_certain_and_others_stay_as_they_are():
    values = np.array([0.9, 0.4, np.inf])
    noisy = Estimate(values, "monte_carlo", standard_error=np.array([0.01, 0.01, 0.0]))
    low, high = answer(
        noisy, base=None, confidence_level=0.95, highest=0.7
    ).confidence_interval
    reach = 1.959964 * 0.01
    np.testing.assert_allclose(low, [0.7 - reach, 0.4 - reach, 0.7], rtol=1e-6)
    np.testing.assert_allclose(high, [0.7, 0.4 + reach, 0.7], rtol=1e-6)


def test_an_infinite_value_is_sure():
    result = kl_divergence([1.0, 0.0], [0.0, 1.0], confidence_level=0.95)
    assert result.confidence_interval == (np.inf, np.inf)


def test_the_distance_is_the_root_of_the_divergence_with_its_interval():
    p, q = random_mixture(3, 5, seed=0), random_mixture(3, 5, seed=1)
    options = {"confidence_level": 0.95, "random_state": 0}
    squared, root = js_divergence(p, q, **options), js_distance(p, q, **options)
    assert root.value**2 == pytest.approx(squared.value)
    np.testing.assert_allclose(
        np.square(root.confidence_interval), squared.confidence_interval
    )
    low, high = root.confidence_interval
    assert 2 * 2.131 * root.standard_error == pytest.approx(high - low, rel=0.01)
    assert js_distance(p, p, confidence_level=0.95).standard_error == 0.0


@pytest.mark.parametrize("base", [0.0, -2.0, 1.0, 0.5, np.nan, np.inf, "2"])
def test_bases_that_are_none_are_refused(base):
    with pytest.raises(ValueError, match="base must be"):
        kl_divergence([0.5, 0.5], [0.5, 0.5], base=base)


@pytest.mark.parametrize("level", [0.0, 1.0, 95, "0.95", np.nan])
def test_confidence_levels_that_are_none_are_refused(level):
    with pytest.raises(ValueError, match="confidence_level must lie"):
        kl_divergence([0.5, 0.5], [0.5, 0.5], confidence_level=level)
