"""TrainingDisplay: lines and star are those of the history."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgen.display import TrainingDisplay


class Trained(BaseEstimator):
    """Anything with a history."""

    def __init__(self, held_out=True):
        self.held_out = held_out

    def fit(self, X, y=None):
        n_epochs = 30
        falling = -10.0 / np.arange(1, n_epochs + 1)
        bound = np.where(np.arange(n_epochs) % 2 == 0, falling - 0.5, np.nan)
        bound[20:] -= 1.0
        self.history_ = {
            "epoch": np.arange(1, n_epochs + 1),
            "training_bound": falling,
            "validation_bound": bound if self.held_out else bound * np.nan,
        }
        self.best_iter_ = 19 if self.held_out else n_epochs
        return self


def test_lines_are_the_history_and_the_star_is_at_the_weights_kept():
    model = Trained().fit(None)
    display = TrainingDisplay.from_estimator(model)
    history = model.history_
    assert_allclose(display.training_line_.get_xdata(), history["epoch"])
    assert_allclose(display.training_line_.get_ydata(), history["training_bound"])
    known = np.isfinite(history["validation_bound"])
    assert_allclose(display.validation_line_.get_xdata(), history["epoch"][known])
    assert_allclose(
        display.validation_line_.get_ydata(), history["validation_bound"][known]
    )
    assert_allclose(
        display.best_marker_.get_xydata(), [[19, history["validation_bound"][18]]]
    )
    assert display.figure_ is display.ax_.figure


def test_best_of_the_lines_lies_inside_the_frame():
    display = TrainingDisplay.from_estimator(Trained().fit(None))
    low, high = display.ax_.get_ylim()
    assert low < display.validation_line_.get_ydata().max() < high
    assert low < display.training_line_.get_ydata().max() < high


def test_without_rows_held_out_there_is_one_line_and_no_star():
    display = TrainingDisplay.from_estimator(Trained(held_out=False).fit(None))
    assert display.validation_line_ is None
    assert display.best_marker_ is None
    assert len(display.ax_.lines) == 1


def test_last_step_of_a_pipeline_is_shown():
    X = np.zeros((3, 1))
    pipeline = make_pipeline(StandardScaler(), Trained()).fit(X)
    display = TrainingDisplay.from_estimator(pipeline)
    assert display.best_epoch == 19


def test_line_keywords_and_axes_are_used(pyplot):
    ax = pyplot.subplots()[1]
    display = TrainingDisplay.from_estimator(
        Trained().fit(None), ax=ax, line_kw={"linewidth": 4.0}
    )
    assert display.ax_ is ax
    assert display.training_line_.get_linewidth() == 4.0


def test_model_without_a_history_is_refused():
    model = PCA().fit(np.eye(3))
    with pytest.raises(TypeError, match="PCA has no history_"):
        TrainingDisplay.from_estimator(model)


@pytest.mark.parametrize("early_stopping", [True, False])
def test_history_of_an_autoencoder_is_drawn(early_stopping):
    from skgen import VariationalAutoencoder

    X = np.random.default_rng(0).normal(size=(40, 2))
    model = VariationalAutoencoder(
        2,
        hidden_layer_sizes=8,
        max_iter=3,
        early_stopping=early_stopping,
        random_state=0,
    ).fit(X)
    display = TrainingDisplay.from_estimator(model)
    assert_allclose(
        display.training_line_.get_ydata(), model.history_["training_bound"]
    )
    if early_stopping:
        assert_allclose(
            display.best_marker_.get_xydata(),
            [[model.best_iter_, model.validation_bound_]],
        )
    else:
        assert display.best_marker_ is None
