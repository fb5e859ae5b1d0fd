"""Laws of the loop, on a toy model that climbs to a known bound."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skgen.em import EMPoint, run_em


class Vector(np.ndarray):
    """An array with the norm that statistics have."""

    def norm(self):
        return float(np.linalg.norm(self))


class Watch:
    """Counts; asks to stop after ``patience`` iterations."""

    def __init__(self, patience=10**9):
        self.patience = patience
        self.begun = self.ended = 0

    def begin(self):
        self.begun += 1

    def end(self, run):
        self.ended += 1
        assert run.n_iter == self.ended == self.begun
        return self.ended >= self.patience


def climb(rate=0.9, maximisation=None, watch=None, **settings):
    """Shrink a vector by ``rate`` in each step; the bound is minus its square."""
    passes = []

    def evaluate(parameters):
        passes.append(parameters)
        statistics = (np.asarray(parameters) * rate).view(Vector)
        return EMPoint(parameters, statistics, -float(np.sum(parameters**2)))

    settings = {"max_iter": 10_000, "tol": 1e-10, "accelerate": False, **settings}
    run = run_em(
        evaluate,
        maximisation or (lambda statistics, previous: np.asarray(statistics)),
        np.array([3.0, -4.0]),
        watch=watch or Watch(),
        **settings,
    )
    return run, passes


@given(
    rate=st.floats(0.01, 0.99),
    accelerate=st.booleans(),
    max_iter=st.integers(0, 60),
)
def test_bounds_never_fall_and_the_best_point_is_kept(rate, accelerate, max_iter):
    run, passes = climb(rate, accelerate=accelerate, max_iter=max_iter)
    assert run.bounds == sorted(run.bounds)
    assert len(run.bounds) == run.n_iter <= max_iter
    assert run.best.bound == max(-float(np.sum(p**2)) for p in passes)
    if run.bounds:
        assert run.best.bound == run.bounds[-1]


@given(rate=st.floats(0.01, 0.99), accelerate=st.booleans())
def test_an_iteration_is_one_pass_over_the_data(rate, accelerate):
    run, passes = climb(rate, accelerate=accelerate)
    assert len(passes) <= run.n_iter + 1  # the first is at the start


@given(rate=st.floats(0.01, 0.995))
def test_what_remains_to_gain_at_convergence_is_about_the_tolerance(rate):
    run, _ = climb(rate, tol=1e-6)
    assert run.converged
    assert -run.best.bound < 1e-5


def test_leaps_save_passes():
    plain, _ = climb(0.99)
    leaping, _ = climb(0.99, accelerate=True)
    assert leaping.converged
    assert leaping.n_iter < plain.n_iter / 10


def test_zero_tolerance_takes_every_iteration():
    run, _ = climb(0.5, tol=0.0, max_iter=40)
    assert run.n_iter == 40
    assert not run.converged


def test_no_iterations_return_the_start():
    run, passes = climb(max_iter=0)
    assert run.n_iter == 0
    assert run.bounds == []
    assert not run.converged
    assert len(passes) == 1


def test_watch_that_wants_to_stop_stops_the_run():
    run, _ = climb(watch=Watch(patience=3))
    assert run.stopped
    assert run.n_iter == 3
    assert not run.converged


def test_leap_without_a_maximiser_falls_back_to_em_steps():
    refused = []

    def maximisation(statistics, previous):
        expected = previous * 0.9
        if not np.allclose(statistics, expected):
            refused.append(statistics)
            raise ArithmeticError("no maximiser")
        return np.asarray(statistics)

    run, _ = climb(maximisation=maximisation, accelerate=True, tol=1e-6)
    assert refused
    assert run.converged
    assert run.bounds == sorted(run.bounds)


def test_em_step_without_a_maximiser_is_an_error():
    def maximisation(statistics, previous):
        raise ArithmeticError("no maximiser")

    with pytest.raises(ArithmeticError, match="no maximiser"):
        climb(maximisation=maximisation)


def test_leap_that_would_fall_is_not_gone_on_from():
    def evaluate(parameters):
        # EM steps shrink the number by a tenth; where a leap lands, it is worse.
        statistics = np.array([parameters * 0.9]).view(Vector)
        bound = -100.0 if parameters < 0.5 else -float(parameters)
        return EMPoint(parameters, statistics, bound)

    run = run_em(
        evaluate,
        lambda statistics, previous: float(statistics[0]),
        1.0,
        max_iter=5,
        tol=0.0,
        accelerate=True,
        watch=Watch(),
    )
    assert run.bounds == sorted(run.bounds)
    assert run.best.parameters == pytest.approx(0.9**4)
