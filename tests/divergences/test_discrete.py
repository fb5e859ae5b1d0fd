"""Probability vectors: references, edges, batches and what is refused."""

import numpy as np
import pytest
from scipy.special import rel_entr

from skgen.divergences import (
    _discrete,
    cross_entropy,
    entropy,
    jeffreys_divergence,
    js_distance,
    js_divergence,
    kl_divergence,
    renyi_divergence,
)
from skgen.divergences._excess import relative_excess

PAIRS = [kl_divergence, js_divergence, jeffreys_divergence, cross_entropy]


def two_batches(n=7, k=5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.ones(k), n), rng.dirichlet(np.ones(k), n)


# References


def test_kl_agrees_with_scipy_on_sums_of_rel_entr():
    p, q = two_batches(2000, 9)
    np.testing.assert_allclose(
        kl_divergence(p, q), rel_entr(p, q).sum(axis=-1), rtol=1e-12, atol=1e-15
    )


def test_js_agrees_with_its_definition():
    p, q = two_batches()
    middle = 0.5 * (p + q)
    definition = 0.5 * (rel_entr(p, middle) + rel_entr(q, middle)).sum(axis=-1)
    np.testing.assert_allclose(js_divergence(p, q), definition, rtol=1e-12)


def test_renyi_agrees_with_its_definition():
    p, q = two_batches()
    for alpha in (0.1, 0.5, 0.9, 2.0, 7.5):
        definition = np.log((p**alpha * q ** (1 - alpha)).sum(-1)) / (alpha - 1)
        np.testing.assert_allclose(renyi_divergence(p, q, alpha), definition)


def test_bits_of_a_fair_and_a_biased_coin_are_the_textbook_s():
    assert kl_divergence([0.5, 0.5], [0.25, 0.75], base=2) == pytest.approx(
        0.5 * np.log2(2) + 0.5 * np.log2(2 / 3), rel=1e-15
    )
    assert entropy([0.5, 0.25, 0.125, 0.125], base=2) == pytest.approx(1.75, rel=1e-15)


@pytest.mark.parametrize("step", [1e-3, 1e-6, 1e-9])
def test_vectors_that_nearly_agree_keep_their_relative_accuracy(step):
    # to leading order D = Σ δ²/(2p), and the others are multiples of it
    p = np.array([0.25, 0.25, 0.5])
    q = p + np.array([step, -step, 0.0])
    step = q[0] - p[0]  # as floats have it
    leading = step**2 / 0.25
    tolerance = 20 * step + 1e-8
    assert kl_divergence(p, q) == pytest.approx(leading, rel=tolerance)
    assert jeffreys_divergence(p, q) == pytest.approx(2 * leading, rel=tolerance)
    assert js_divergence(p, q) == pytest.approx(leading / 4, rel=tolerance)
    assert renyi_divergence(p, q, 0.5) == pytest.approx(leading / 2, rel=tolerance)
    assert renyi_divergence(p, q, 3.0) == pytest.approx(leading * 3, rel=tolerance)


def test_near_vectors_keep_ten_digits_and_few_are_computed_again(monkeypatch):
    p, _ = two_batches(500, 20)
    noise = np.random.default_rng(1).normal(size=p.shape)
    q = p * (1.0 + 0.003 * noise)
    q /= q.sum(axis=1, keepdims=True)
    expected = relative_excess(p, q).sum(axis=1)
    again = []

    def counted(few, others):
        again.append(len(few))
        return relative_excess(few, others)

    monkeypatch.setattr(_discrete, "relative_excess", counted)
    np.testing.assert_allclose(kl_divergence(p, q), expected, rtol=3e-10)
    assert sum(again) < 50


# Edges


def test_mass_of_p_where_q_has_none_makes_kl_infinite_and_js_finite():
    p, q = [0.5, 0.5, 0.0], [0.5, 0.0, 0.5]
    assert kl_divergence(p, q) == np.inf
    assert jeffreys_divergence(p, q) == np.inf
    assert cross_entropy(p, q) == np.inf
    assert renyi_divergence(p, q, 1.5) == np.inf
    assert renyi_divergence(p, q, 0.5) == pytest.approx(-2 * np.log(0.5))
    assert js_divergence(p, q) == pytest.approx(0.5 * np.log(2))


def test_nothing_times_log_nothing_is_nothing():
    assert kl_divergence([1.0, 0.0], [1.0, 0.0]) == 0.0
    assert kl_divergence([1.0, 0.0], [0.5, 0.5]) == pytest.approx(np.log(2))
    assert entropy([1.0, 0.0]) == 0.0


def test_disjoint_vectors_are_log_2_apart_in_js():
    assert js_divergence([1.0, 0.0], [0.0, 1.0]) == np.log(2)
    assert js_distance([1.0, 0.0], [0.0, 1.0], base=2) == 1.0


def test_js_of_nearly_equal_vectors_is_a_number():
    # scipy.spatial.distance.jensenshannon is NaN on such (scipy 1.17)
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(10), 500)
    q = p * (1 + 1e-16 * rng.normal(size=p.shape))
    out = js_divergence(p, q, normalize=True)
    assert np.isfinite(out).all()
    assert (out >= 0).all()


def test_probabilities_as_small_as_floats_go_do_no_harm():
    p, q = [5e-324, 1.0], [0.5, 0.5]
    assert kl_divergence(p, q) == pytest.approx(np.log(2))
    assert np.isfinite(kl_divergence(q, p))
    assert kl_divergence(q, p) == pytest.approx(
        0.5 * (np.log(0.5) - np.log(5e-324)) + 0.5 * np.log(0.5)
    )


def test_limits_of_the_order_are_those_of_the_definition():
    p, q = [0.5, 0.5, 0.0], [0.1, 0.3, 0.6]
    assert renyi_divergence(p, q, 0) == pytest.approx(-np.log(0.4))
    assert renyi_divergence(p, q, np.inf) == pytest.approx(np.log(5))
    assert renyi_divergence(p, q, 1) == kl_divergence(p, q)


def test_a_single_outcome_has_no_entropy_and_no_divergence():
    assert entropy([1.0]) == 0.0
    assert kl_divergence([1.0], [1.0]) == 0.0


def test_float32_vectors_that_sum_to_one_in_float32_are_accepted():
    p, q = (a.astype(np.float32) for a in two_batches(3, 1000))
    np.testing.assert_allclose(
        kl_divergence(p, q),
        kl_divergence(p.astype(float), q.astype(float), normalize=True),
        rtol=1e-12,
    )


# Batches


@pytest.mark.parametrize("divergence", PAIRS)
def test_a_batch_is_its_vectors_one_by_one(divergence):
    p, q = two_batches()
    one_by_one = [divergence(a, b) for a, b in zip(p, q)]
    np.testing.assert_allclose(divergence(p, q), one_by_one, rtol=1e-13)
    assert isinstance(one_by_one[0], float)


def test_axes_and_broadcasting_follow_numpy():
    p, q = two_batches()
    expected = kl_divergence(p, q)
    np.testing.assert_allclose(kl_divergence(p.T, q.T, axis=0), expected, rtol=1e-13)
    every = kl_divergence(p[:, None], q[None])
    assert every.shape == (7, 7)
    np.testing.assert_allclose(np.diagonal(every), expected, rtol=1e-13)
    np.testing.assert_allclose(kl_divergence(p, q[0])[0], expected[0], rtol=1e-13)


def test_a_long_batch_crosses_blocks_without_a_seam():
    p, q = two_batches(30_000, 3)
    np.testing.assert_allclose(
        kl_divergence(p, q), rel_entr(p, q).sum(-1), rtol=1e-11, atol=1e-15
    )


def test_lists_frames_and_integers_are_read_as_arrays():
    pd = pytest.importorskip("pandas")
    p, q = two_batches()
    out = kl_divergence(pd.DataFrame(p), pd.DataFrame(q))
    np.testing.assert_allclose(out, kl_divergence(p, q), rtol=1e-13)
    assert kl_divergence([1, 0], [1, 0]) == 0.0


def test_tables_of_the_same_outcomes_in_another_order_are_refused():
    pd = pytest.importorskip("pandas")
    p, q = two_batches(4, 2)
    p, q = pd.DataFrame(p, columns=["a", "b"]), pd.DataFrame(q, columns=["b", "a"])
    message = r"p has \['a', 'b'\] and q has \['b', 'a'\]"
    for given in ((p, q), (p, q.iloc[0]), (p.iloc[0], q.iloc[0])):
        with pytest.raises(ValueError, match=message):
            kl_divergence(*given)
    with pytest.raises(ValueError, match=message):
        kl_divergence(p.T, q.T, axis=0)
    expected = kl_divergence(p.to_numpy(), q[["a", "b"]].to_numpy())
    np.testing.assert_allclose(kl_divergence(p, q[["a", "b"]]), expected)
    # other names are no order, and vectors have none across the batch
    kl_divergence(p, q.rename(columns={"a": "c"}))
    kl_divergence(p, q[["a", "b"]].iloc[::-1])


def test_masked_arrays_are_refused():
    masked = np.ma.masked_array([0.5, 0.5], [False, True])
    with pytest.raises(TypeError, match="q is a masked array"):
        kl_divergence([0.5, 0.5], masked)


def test_input_is_left_as_it_was():
    p, q = two_batches()
    before = p.copy(), q.copy()
    kl_divergence(p, q, normalize=True)
    np.testing.assert_array_equal((p, q), before)


# What is refused


def test_sums_other_than_one_are_refused_unless_normalize_is_asked_for():
    with pytest.raises(ValueError, match=r"q must sum to 1 .*vector 0 sums to 0\.6"):
        kl_divergence([0.5, 0.5], [0.3, 0.3])
    assert kl_divergence([0.5, 0.5], [0.3, 0.3], normalize=True) == 0.0
    assert kl_divergence([3, 1], [1, 3], normalize=True) == pytest.approx(
        kl_divergence([0.75, 0.25], [0.25, 0.75])
    )


def test_normalize_takes_sums_that_overflow():
    assert kl_divergence([1e308, 1e308], [1.0, 1.0], normalize=True) == 0.0


@pytest.mark.parametrize("divergence", PAIRS)
@pytest.mark.parametrize("bad", [np.nan, -0.1, np.inf])
@pytest.mark.parametrize("normalize", [False, True])
def test_entries_that_are_no_probabilities_are_refused(divergence, bad, normalize):
    with pytest.raises(ValueError, match=r"p (holds|must sum|cannot be normalized)"):
        divergence([0.5, bad], [0.5, 0.5], normalize=normalize)


def test_the_vector_at_fault_is_named():
    p, q = two_batches(20_000, 3)
    p[12_345, 1] = -1.0
    with pytest.raises(ValueError, match="first in vector 12345"):
        kl_divergence(p, q)
    p[12_345] = 0.0
    with pytest.raises(ValueError, match="vector 12345 sums to 0"):
        kl_divergence(p, q)
    with pytest.raises(ValueError, match="vector 12345 is zero everywhere"):
        kl_divergence(p, q, normalize=True)


def test_shapes_that_do_not_match_are_named():
    with pytest.raises(ValueError, match=r"same number of outcomes.*\(2,\) and \(3,\)"):
        kl_divergence([0.5, 0.5], [0.5, 0.25, 0.25])
    with pytest.raises(ValueError, match=r"same number of outcomes.*\(2,\) and \(1,\)"):
        kl_divergence([0.5, 0.5], [1.0])
    with pytest.raises(ValueError, match=r"do not broadcast.*\(2, 2\) and \(3, 2\)"):
        kl_divergence(np.full((2, 2), 0.5), np.full((3, 2), 0.5))


def test_what_is_no_vector_of_numbers_is_refused():
    with pytest.raises(ValueError, match=r"must be a probability vector.*shape \(\)"):
        entropy(np.float64(0.5))
    with pytest.raises(ValueError, match=r"shape \(0,\)"):
        entropy([])
    with pytest.raises(TypeError, match="real numbers"):
        entropy(["a", "b"])
    with pytest.raises(TypeError, match="real numbers"):
        entropy([True, False])


def test_methods_for_distributions_are_refused_for_arrays():
    with pytest.raises(ValueError, match="for distributions"):
        kl_divergence([0.5, 0.5], [0.5, 0.5], method="sobol")
