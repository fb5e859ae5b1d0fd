"""Behaviour: what callbacks and the terminal see of a fit."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from strategies import COVARIANCE_TYPES, initial, overlapping

from skgen import EMGaussianMixture


def path_of(context):
    """Names and numbers of a task and those it is part of, the outermost first."""
    path = []
    while context is not None:
        path.insert(0, (context.task_name, context.task_id))
        context = context.parent
    return path


class Recorder:
    """Notes what it is told; asks to stop where ``stop`` says so of a task's path."""

    def __init__(self, stop=lambda path: False):
        self.stop = stop
        self.begun, self.ended, self.fitted, self.data = [], [], [], []
        self.open_setups = 0

    def setup(self, estimator, context):
        self.open_setups += 1

    def teardown(self, estimator, context):
        self.open_setups -= 1

    def on_fit_task_begin(self, estimator, context, *, X=None, metadata=None):
        self.begun.append(path_of(context))

    def on_fit_task_end(
        self, estimator, context, *, X=None, metadata=None, fitted_estimator=None
    ):
        path = path_of(context)
        self.ended.append(path)
        self.fitted.append(fitted_estimator)
        self.data.append((X, metadata))
        return self.stop(path)

    def ends_of(self, task):
        """Fitted estimators and data at the ends of tasks of one name."""
        named = zip(self.ended, self.fitted, self.data)
        return [(fit, data) for path, fit, data in named if path[-1][0] == task]


class PropagatedRecorder(Recorder):
    """A recorder that meta-estimators hand down."""

    max_propagation_depth = None


def slow_start(**parameters):
    """A mixture that takes a few dozen iterations."""
    defaults = {
        "n_components": 3,
        "init_params": "random",
        "random_state": 0,
        "covariance_type": "diag",
    }
    return EMGaussianMixture(**{**defaults, **parameters})


@pytest.fixture
def X():
    return overlapping()[0]


# Callbacks


def test_tasks_are_the_fit_its_starts_and_their_steps(X):
    recorder = Recorder()
    mixture = slow_start(n_init=2).set_callbacks(recorder).fit(X)
    fit = [("fit", 0)]
    assert recorder.begun[0] == recorder.ended[-1] == fit
    starts = [path for path in recorder.ended if len(path) == 2]
    assert starts == [[*fit, ("start", 0)], [*fit, ("start", 1)]]
    steps = [path for path in recorder.ended if len(path) == 3]
    assert all(path[-1][0] == "em-step" for path in steps)
    n_steps = [sum(path[:2] == start for path in steps) for start in starts]
    assert mixture.n_iter_ in n_steps


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("max_iter", [0, 1, 2, 5, 1000])
def test_every_task_that_begins_ends_once(X, max_iter):
    recorder = Recorder()
    slow_start(n_init=2, max_iter=max_iter).set_callbacks(recorder).fit(X)
    assert sorted(recorder.begun) == sorted(recorder.ended)
    assert len({str(path) for path in recorder.begun}) == len(recorder.begun)
    assert recorder.open_setups == 0


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
@pytest.mark.parametrize("acceleration", ["squarem", None])
def test_estimator_at_a_step_scores_the_bound_of_that_step(
    X, covariance_type, acceleration
):
    recorder = Recorder()
    mixture = slow_start(covariance_type=covariance_type, acceleration=acceleration)
    mixture.set_callbacks(recorder).fit(X)
    steps = [fitted for fitted, _ in recorder.ends_of("em-step")]
    assert_allclose([fitted.score(X) for fitted in steps], mixture.lower_bounds_)
    assert steps[0].predict(X).shape == (len(X),)
    assert [fitted.n_iter_ for fitted in steps] == list(range(1, len(steps) + 1))


def test_estimator_at_the_end_of_the_fit_is_the_fitted_one(X):
    recorder = Recorder()
    mixture = slow_start().set_callbacks(recorder).fit(X)
    ((fitted, _),) = recorder.ends_of("fit")
    np.testing.assert_array_equal(fitted.means_, mixture.means_)
    assert fitted.lower_bounds_ == mixture.lower_bounds_


def test_callbacks_see_rows_and_weights(X):
    weights = np.linspace(0.5, 2.0, len(X))
    recorder = Recorder()
    slow_start().set_callbacks(recorder).fit(X, sample_weight=weights)
    for seen, metadata in recorder.data:
        np.testing.assert_array_equal(seen, X)
        np.testing.assert_array_equal(metadata["sample_weight"], weights)


def test_callback_changes_nothing(X):
    watched = slow_start().set_callbacks(Recorder()).fit(X)
    np.testing.assert_array_equal(watched.means_, slow_start().fit(X).means_)


def test_true_at_a_step_stops_the_start_without_a_warning(X):
    recorder = Recorder(stop=lambda path: path[-1] == ("em-step", 3))
    mixture = slow_start().set_callbacks(recorder).fit(X)
    assert mixture.n_iter_ == 4
    assert len(mixture.lower_bounds_) == 4
    assert not mixture.converged_
    assert_allclose(mixture.score(X), mixture.lower_bound_)


def test_true_at_a_step_lets_the_next_start_begin(X):
    recorder = Recorder(stop=lambda path: path[-1] == ("em-step", 0))
    slow_start(n_init=3).set_callbacks(recorder).fit(X)
    assert len(recorder.ends_of("start")) == 3
    assert len(recorder.ends_of("em-step")) == 3


def test_true_at_a_start_stops_further_starts(X):
    recorder = Recorder(stop=lambda path: path[-1] == ("start", 1))
    slow_start(n_init=5).set_callbacks(recorder).fit(X)
    assert len(recorder.ends_of("start")) == 2


def test_callback_is_torn_down_where_the_fit_fails():
    recorder = Recorder()
    mixture = EMGaussianMixture(3, reg_covar=0.0).set_callbacks(recorder)
    with pytest.raises(ValueError, match="ill-defined empirical covariance"):
        mixture.fit(np.repeat(np.eye(3), 4, axis=0))
    assert recorder.open_setups == 0


def test_callback_that_is_none_is_refused():
    with pytest.raises(TypeError, match="FitCallback protocol"):
        EMGaussianMixture().set_callbacks(print)


def test_grid_search_hands_callbacks_down(X):
    recorder = PropagatedRecorder()
    search = GridSearchCV(slow_start(), {"n_components": [1, 2]}, cv=2)
    search.set_callbacks(recorder).fit(X)
    assert sorted(recorder.begun) == sorted(recorder.ended)
    assert max(len(path) for path in recorder.begun) > 3
    assert {path[-1][0] for path in recorder.begun} >= {"start", "em-step"}


def test_pipeline_hands_callbacks_down(X):
    recorder = PropagatedRecorder()
    pipeline = make_pipeline(StandardScaler(), slow_start())
    pipeline.set_callbacks(recorder).fit(X)
    n_iter = pipeline[-1].n_iter_
    assert sum(path[-1][0] == "em-step" for path in recorder.ended) == n_iter


def test_progress_bar_of_scikit_learn_reaches_its_end(X, capsys):
    pytest.importorskip("rich")
    slow_start(n_init=2).set_callbacks(ProgressBar()).fit(X)
    printed = capsys.readouterr().out
    assert "EMGaussianMixture - fit" in printed
    assert "100%" in printed


@pytest.mark.parametrize("weighted", [False, True])
def test_scoring_monitor_of_scikit_learn_scores_every_step(X, weighted):
    weights = np.linspace(0.0, 2.0, len(X)) if weighted else None

    def score(estimator, X, y, **metadata):
        return {"score": estimator.score(X, **metadata)}

    monitor = ScoringMonitor(scoring=score)
    mixture = slow_start().set_callbacks(monitor)
    mixture.fit(X, np.zeros(len(X)), sample_weight=weights)  # it wants some y
    logged = [row for row in monitor.get_logs().data if row["task_name"] == "em-step"]
    assert_allclose([row["score"] for row in logged], mixture.lower_bounds_)


# The terminal


def without_times(printed):
    return re.sub(r"\d+\.\d+s", "?s", printed)


@pytest.mark.parametrize("verbose", [1, 2])
def test_lines_are_those_of_scikit_learn(verbose, X, capsys):
    labels = overlapping()[1]
    parameters = {
        "n_components": 3,
        "verbose": verbose,
        "verbose_interval": 2,
        "max_iter": 7,
        "tol": 0.0,
        "reg_covar": 1e-6,
        "n_init": 2,
        **initial(X, labels, "full"),
    }
    printed = []
    for cls, extra in (
        (EMGaussianMixture, {"acceleration": None}),
        (GaussianMixture, {}),
    ):
        with pytest.warns(ConvergenceWarning, match="did not converge"):
            cls(**parameters, **extra).fit(X)
        printed.append(without_times(capsys.readouterr().out))
    # A bound is that of the iteration's parameters; scikit-learn's lags one step.
    bounds = re.compile(r"(ll change|lower bound) \S+")
    ours, theirs = (bounds.sub(r"\1 ?", text) for text in printed)
    assert ours == theirs


def test_nothing_is_printed_by_default(X, capsys):
    slow_start().fit(X)
    assert capsys.readouterr().out == ""


def test_change_is_that_of_the_bound_since_the_iteration_before(X, capsys):
    mixture = slow_start(verbose=2, verbose_interval=1).fit(X)
    printed = capsys.readouterr().out
    changes = [float(text) for text in re.findall(r"ll change (\S+)", printed)]
    assert_allclose(changes[1:], np.diff(mixture.lower_bounds_), atol=1e-5)
    assert f"lower bound {mixture.lower_bound_:.5f}." in printed
