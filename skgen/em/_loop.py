"""The EM loop: it owns stopping, the record of bounds, and when to leap."""

from dataclasses import dataclass, field
from typing import Any

from ._squarem import extrapolate, remaining_gain

# Statistics that move by less than this, relative to their size, stand still.
ROUNDING = 1e-14

# With one step known there is no rate; suppose that steps shrink by a tenth each.
SUPPOSED_REMAINDER = 10.0


@dataclass(frozen=True)
class EMPoint:
    """Parameters, and what one pass over the data says of them.

    Parameters
    ----------
    parameters : object
        The model's parameters.

    statistics : statistics
        Expected sufficient statistics at the parameters.

    bound : float
        Mean log-likelihood of the data at the parameters, in nats.
    """

    parameters: Any
    statistics: Any
    bound: float


@dataclass
class EMRun:
    """What a run of EM leaves behind.

    Parameters
    ----------
    best : EMPoint
        The visited point of the largest bound.

    bounds : list of float
        The largest bound after each iteration.

    n_iter : int
        Iterations done, each one pass over the data.

    converged : bool
        Whether the gain still to come was estimated to be below ``tol``.
    """

    best: EMPoint
    bounds: list = field(default_factory=list)
    n_iter: int = 0
    converged: bool = False


def run_em(
    evaluate, maximisation, parameters, *, max_iter, tol, accelerate, on_iteration
):
    """Climb the likelihood from ``parameters`` until little is left to gain.

    An iteration is one M-step and one pass over the data. The bound that it
    records is that of the parameters it made, not of those it came from.

    Parameters
    ----------
    evaluate : callable
        Parameters to an `EMPoint`: the expectation, one pass over the data.

    maximisation : callable
        ``maximisation(statistics, parameters)`` to new parameters; the second
        argument serves where the statistics say nothing. May raise
        ``ArithmeticError`` where statistics have no maximiser, which an
        extrapolation survives.

    parameters : object
        Where to start.

    max_iter : int
        Largest number of iterations.

    tol : float
        Estimated remaining gain in the bound below which to stop, twice running.

    accelerate : bool
        Whether to leap by SQUAREM after each pair of EM steps. A leap counts
        only where the bound is at least that of the last EM point.

    on_iteration : callable
        Called with the iteration's number and the run so far; returns True to
        stop.

    Returns
    -------
    run : EMRun
        The best point, the bounds, and whether the run converged.
    """
    start = evaluate(parameters)
    run = EMRun(best=start)
    path = [start]  # consecutive EM iterates, the last three at most
    n_small = 0
    while run.n_iter < max_iter and not run.converged:
        leap = _leap(path, evaluate, maximisation) if accelerate else None
        if leap is not None:
            path = [leap] if leap.bound >= path[-1].bound else path[-1:]
            latest = leap
        else:
            latest = evaluate(maximisation(path[-1].statistics, path[-1].parameters))
            path = [*path[-2:], latest]
            n_small = n_small + 1 if _little_remains(path, tol) else 0
        if latest.bound > run.best.bound:
            run.best = latest
        run.n_iter += 1
        run.bounds.append(run.best.bound)
        run.converged = n_small == 2 or _stands_still(path, tol)
        if on_iteration(run.n_iter, run):
            break
    if run.n_iter == max_iter:  # the last evidence has to do
        run.converged = run.converged or n_small > 0 or _last_step_small(path, tol)
    return run


def _leap(path, evaluate, maximisation):
    """The extrapolated point of three EM iterates, or None where there is none."""
    if len(path) < 3:
        return None
    statistics = extrapolate(*(point.statistics for point in path))
    if statistics is None:
        return None
    try:
        return evaluate(maximisation(statistics, path[-1].parameters))
    except ArithmeticError:
        return None


def _little_remains(path, tol):
    """Whether the gain still to come, as three iterates tell it, is below ``tol``."""
    return len(path) == 3 and remaining_gain(*path) < tol


def _stands_still(path, tol):
    """Whether the last EM step moved nothing but rounding errors."""
    if len(path) < 2 or tol == 0.0:
        return False
    previous, latest = (point.statistics for point in path[-2:])
    return (latest - previous).norm() <= ROUNDING * latest.norm()


def _last_step_small(path, tol):
    """Whether a single step, with no rate known, leaves little to gain."""
    if len(path) != 2:
        return False
    return SUPPOSED_REMAINDER * abs(path[1].bound - path[0].bound) < tol
