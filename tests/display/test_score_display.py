"""ScoreDisplay: bars, line and names are those of the scores."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgen.display import ScoreDisplay
from skgen.mixture import EMGaussianMixture


@pytest.fixture(scope="module")
def X():
    X = np.random.default_rng(1).normal(size=(200, 2))
    X[17] = [9, 9]
    X[5] = [-7, 7]
    return X


def test_bars_count_every_row_and_the_line_is_the_quantile(X):
    mixture = EMGaussianMixture(random_state=0).fit(X)
    display = ScoreDisplay.from_estimator(mixture, X, quantile=0.1)
    scores = mixture.score_samples(X)
    assert sum(bar.get_height() for bar in display.bars_) == len(X)
    assert_allclose(display.quantile_line_.get_xdata(), np.quantile(scores, 0.1))
    low = display.low_ticks_.get_xdata()
    assert_allclose(np.sort(low), np.sort(scores)[:20])


def test_lowest_rows_are_named_from_the_lowest(X):
    mixture = EMGaussianMixture(random_state=0).fit(X)
    display = ScoreDisplay.from_estimator(mixture, X, n_annotated=2)
    assert [text.get_text() for text in display.annotations_] == ["17", "5"]
    scores = mixture.score_samples(X)
    assert_allclose([text.xy[0] for text in display.annotations_], scores[[17, 5]])


def test_rows_carry_given_names(X):
    mixture = EMGaussianMixture(random_state=0).fit(X)
    names = [f"line {i + 2}" for i in range(len(X))]
    display = ScoreDisplay.from_estimator(mixture, X, n_annotated=1, row_names=names)
    assert display.annotations_[0].get_text() == "line 19"


def test_axis_says_in_which_units_the_density_is(X):
    pipeline = make_pipeline(StandardScaler(), EMGaussianMixture(random_state=0)).fit(X)
    display = ScoreDisplay.from_estimator(pipeline, X)
    assert_allclose(display.scores, pipeline.score_samples(X))
    label = display.ax_.get_xlabel()
    assert label.startswith("log-density of a row, nats (after StandardScaler)")
    assert label.endswith("higher is more usual")


def test_any_density_is_drawn(X):
    display = ScoreDisplay.from_estimator(KernelDensity().fit(X), X)
    assert_allclose(display.scores, KernelDensity().fit(X).score_samples(X))


@pytest.mark.parametrize("scores", [np.zeros(30), np.r_[np.zeros(50), -1e12, 1.0]])
def test_scores_without_spread_or_with_a_far_one_are_drawn(scores):
    display = ScoreDisplay(scores=scores).plot()
    assert sum(bar.get_height() for bar in display.bars_) == len(scores)
    assert 20 <= len(display.bars_) <= 80


def test_quantile_outside_the_unit_interval_is_refused(X):
    mixture = EMGaussianMixture(random_state=0).fit(X)
    with pytest.raises(ValueError, match="between 0 and 1, got 2"):
        ScoreDisplay.from_estimator(mixture, X, quantile=2)
