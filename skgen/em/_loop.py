"""The EM loop: it owns stopping, the record of bounds, and when to leap."""

from dataclasses import dataclass, field
from typing import Any

from ._squarem import extrapolate, stretch

# Statistics that move by less than this, relative to their size, stand still.
ROUNDING = 1e-14

# With one step known there is no rate; suppose that steps shrink by a tenth each.
SUPPOSED_STRETCH = 10.0


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
        The point to return: the best of those that EM made or, where its steps are
        no maximisers, the last.

    bounds : list of float
        The largest bound so far, after each iteration.

    n_iter : int
        Iterations done, each one pass over the data.

    converged : bool
        Whether the gain still to come was estimated to be below ``tol``.

    stopped : bool
        Whether the watch asked to stop.
    """

    best: EMPoint
    bounds: list = field(default_factory=list)
    n_iter: int = 0
    converged: bool = False
    stopped: bool = False

    def record(self, point, *, keep):
        """Count an iteration that arrived at ``point``, to be kept if it is best."""
        if keep or self.n_iter == 0 or point.bound > self.best.bound:
            self.best = point
        self.n_iter += 1
        self.bounds.append(max([point.bound, *self.bounds[-1:]]))


def run_em(
    evaluate,
    maximisation,
    parameters,
    *,
    max_iter,
    tol,
    accelerate,
    watch,
    monotone=True,
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
        only where its bound is at least that of the last EM point.

    watch : object
        ``watch.begin()`` is called before each iteration and ``watch.end(run)``
        after it; the latter returns True to stop.

    monotone : bool, default=True
        Whether M-steps maximise, so that bounds cannot fall and the best point is
        the one to return. Otherwise the fixed point is what is asked for: the last
        iterate is returned, whatever its bound.

    Returns
    -------
    run : EMRun
        The best point, the bounds, and whether the run converged.
    """
    path = _Path(evaluate, maximisation, evaluate(parameters))
    run = EMRun(best=path.last)
    n_small = 0
    while run.n_iter < max_iter and not (run.converged or run.stopped):
        watch.begin()
        leap = path.leap() if accelerate else None
        if leap is None:
            path.step()
            n_small = n_small + 1 if path.remaining_gain() < tol else 0
            run.converged = n_small == 2 or (tol > 0.0 and path.stands_still())
        run.record(path.last, keep=not monotone)
        if run.n_iter == max_iter and n_small == 1:
            run.converged = True  # no second opinion to be had
        run.stopped = bool(watch.end(run))
    return run


class _Path:
    """Consecutive EM iterates, the last three at most, and how they bend."""

    def __init__(self, evaluate, maximisation, start):
        self._evaluate = evaluate
        self._maximisation = maximisation
        self._points = [start]
        self._steps = []  # the EM steps between the points, of statistics
        self._stretch = SUPPOSED_STRETCH

    @property
    def last(self):
        return self._points[-1]

    def step(self):
        """Go on by one EM step."""
        last = self.last
        parameters = self._maximisation(last.statistics, last.parameters)
        point = self._evaluate(parameters)
        self._points = [*self._points[-2:], point]
        self._steps = [*self._steps[-1:], point.statistics - last.statistics]
        if len(self._steps) == 2:
            self._bend = self._steps[1] - self._steps[0]
            self._stretch = stretch(self._steps[0], self._bend)

    def leap(self):
        """Evaluate the extrapolated point, and go on from there if it is no worse.

        Returns the point, or None where there is none to try.
        """
        if len(self._points) < 3:
            return None
        first = self._points[0].statistics
        statistics = extrapolate(first, self._steps[0], self._bend)
        if statistics is None:
            return None
        try:
            parameters = self._maximisation(statistics, self.last.parameters)
        except ArithmeticError:
            return None
        point = self._evaluate(parameters)
        self._points = [point if point.bound >= self.last.bound else self.last]
        self._steps = []
        return point

    def remaining_gain(self):
        """The last gain, times how much further than the last step EM has to go."""
        before, last = self._points[-2:]
        return abs(last.bound - before.bound) * self._stretch

    def stands_still(self):
        """Whether the last EM step moved nothing but rounding errors."""
        return self._steps[-1].norm() <= ROUNDING * self.last.statistics.norm()
