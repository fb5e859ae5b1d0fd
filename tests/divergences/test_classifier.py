"""The mathematics of classifiers: readings of log-ratios, and how they are held out."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skgen.divergences import _classifier

N = 200_000


def gaussian_log_ratios(shift=1.0, seed=0):
    """The true log-ratio at many rows of N(shift, 1) and of N(0, 1)."""
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(shift, size=N), rng.normal(size=N)
    return tuple(shift * Z - 0.5 * shift**2 for Z in (X, Y))


class Memory(ClassifierMixin, BaseEstimator):
    """Says 0.9 for the class of a row that it has seen, and 0.5 for others."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.seen_ = {row.tobytes(): label for row, label in zip(X, y)}
        return self

    def predict_proba(self, X):
        known = [self.seen_.get(row.tobytes()) for row in X]
        share = np.array([{None: 0.5, 0: 0.1, 1: 0.9}[label] for label in known])
        return np.column_stack([1.0 - share, share])


class Sure(Memory):
    """Says 1 for class 1."""

    def predict_proba(self, X):
        return np.column_stack([np.zeros(len(X)), np.ones(len(X))])


# References


@pytest.mark.parametrize(
    "reading",
    [
        _classifier.plug_in,
        _classifier.donsker_varadhan,
        _classifier.nguyen_wainwright_jordan,
    ],
)
def test_a_reading_of_the_true_log_ratio_is_the_divergence(reading):
    assert_allclose(reading(*gaussian_log_ratios()), 0.5, atol=0.01)


def test_balanced_log_loss_of_the_true_log_ratio_is_jensen_shannon():
    # by quadrature: scipy.integrate.quad of the definition, 0.1114 for a shift of 1
    assert_allclose(
        _classifier.balanced_log_loss(*gaussian_log_ratios()), 0.1114, atol=1e-3
    )


@pytest.mark.parametrize("error", [-0.5, 0.3])
def test_bounds_stay_below_the_divergence_for_a_wrong_log_ratio(error):
    at_X, at_Y = gaussian_log_ratios()
    wrong = [T * (1.0 + error) + error for T in (at_X, at_Y)]
    tight = _classifier.donsker_varadhan(*wrong)
    loose = _classifier.nguyen_wainwright_jordan(*wrong)
    assert loose < tight < 0.49
    assert _classifier.balanced_log_loss(*wrong) < 0.111


# Held out


def test_no_row_is_judged_by_a_classifier_that_has_seen_it():
    X, Y = np.arange(20.0)[:, None], np.arange(30.0)[:, None] + 100.0
    rng = np.random.RandomState(0)
    at_X, at_Y = _classifier.held_out_log_ratios(X, Y, Memory(), 5, rng)
    # odds of 1, less the odds with which rows of X come
    assert_allclose(at_X, -np.log(20 / 30))
    assert_allclose(at_Y, -np.log(20 / 30))


def test_certainty_is_cut_to_what_the_rows_can_bear_out():
    X = np.zeros((20, 1))
    rng = np.random.RandomState(0)
    at_X, _ = _classifier.held_out_log_ratios(X, X, Sure(), 4, rng)
    assert_allclose(at_X, np.log(39.0))


def test_seeds_fill_only_places_without_one():
    forest = RandomForestClassifier(random_state=7)
    pipeline = make_pipeline(LogisticRegression())
    rng = np.random.RandomState(0)
    assert _classifier.seeded(forest, rng).random_state == 7
    seeded = _classifier.seeded(pipeline, rng)
    assert isinstance(seeded[0].random_state, int)


def test_the_default_classifier_drops_products_where_rows_are_few():
    assert _classifier.default_classifier(650, 10)[1].degree == 2
    assert _classifier.default_classifier(649, 10)[1].degree == 1


def test_replicates_draw_with_repetition_from_each_sample():
    def reading(at_X, at_Y):
        assert len(at_X) == 30
        assert len(at_Y) == 20
        return len(np.unique(at_X))

    replicates = _classifier.resampled(
        np.arange(30.0), np.arange(20.0), reading, 8, np.random.RandomState(0)
    )
    assert replicates.shape == (8,)
    assert (replicates < 30).all()


def test_no_replicates_draw_nothing():
    rng = np.random.RandomState(0)
    before = rng.get_state()[1].copy()
    empty = _classifier.resampled(np.ones(3), np.ones(3), _classifier.plug_in, 0, rng)
    assert empty.size == 0
    assert_array_equal(rng.get_state()[1], before)
