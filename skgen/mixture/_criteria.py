"""What a candidate of a search is worth: information criteria, held-out likelihood."""

import numpy as np

from ..gaussian import Evaluation
from ._fitting import Table
from ._rows import CountedRows, has_holes
from ._shared_starts import Starts

CRITERIA = "bic", "icl", "aic", "held-out"

# Parts of the rows, each held out once.
N_FOLDS = 5


def mean_log_likelihood(fitted):
    """Mean log-likelihood of the rows, in nats, without what a prior costs."""
    statistics, frame = fitted.run.best.statistics, fitted.fitting.frame
    table = fitted.fitting.table
    expectation_total = statistics.total
    log_volume = np.log(frame.scale) @ _observed_share(table)
    return float(statistics.log_likelihood[0] / expectation_total - log_volume)


def _observed_share(table):
    """Share of the rows, by weight, in which each column is observed."""
    if not table.has_holes:
        return np.ones(table.X.shape[1])
    return np.average(~np.isnan(table.X), axis=0, weights=table.weights)


def criterion_of(name, search):
    """From a candidate that is fitted to its criterion: lower is better."""
    return {
        "bic": lambda one: _bic(one, search.n_rows),
        "aic": lambda one: -2.0 * one.log_likelihood + 2.0 * one.n_parameters,
        "icl": lambda one: _icl(one, search.n_rows),
        "held-out": HeldOut(search) if name == "held-out" else None,
    }[name]


def _bic(candidate, n_rows):
    return -2.0 * candidate.log_likelihood + candidate.n_parameters * np.log(n_rows)


def _icl(candidate, n_rows):
    fitting, run = candidate.fitted
    table, parameters = fitting.table, run.best.parameters
    frame, noise = fitting.frame, table.noise(fitting.frame)
    evaluation = Evaluation(parameters, frame, table.workers, noise)
    largest = evaluation.responsibilities(table.X).max(axis=1).astype(np.float64)
    mean = np.average(np.log(largest), weights=table.weights)
    return _bic(candidate, n_rows) - 2.0 * n_rows * mean


class HeldOut:
    """Minus twice the log-likelihood of rows left out of the fit, by cross-validation.

    What is left out takes no part in the starts either.

    Parameters
    ----------
    search : Search
        The search.
    """

    def __init__(self, search):
        self._search = search
        table = search.table
        folds = kept_rows(len(table.X), search.generator)
        for number, kept in enumerate(folds, start=1):
            _check_observed(table.X[kept], number, len(folds))
        self._parts = [(self._starts(kept), _part(table, ~kept)) for kept in folds]
        self._size, self._known = None, {}

    def _starts(self, kept):
        search = self._search
        table, share = _part(search.table, kept), kept.mean()
        return Starts(
            search.mixture,
            search.wanted,
            table,
            search.plan,
            share * search.n_rows,
            search.generator,
        )

    def __call__(self, candidate):
        asked = candidate.n_components, candidate.covariance_type
        if asked not in self._known:  # whatever fit of all rows asks
            self._known[asked] = self._of(*asked)
        return self._known[asked]

    def _of(self, size, name):
        if size != self._size:
            self._size = size
            self._of_size = [starts.of_size(size) for starts, _ in self._parts]
        total, weight = 0.0, 0.0
        for (starts, held_out), of_size in zip(self._parts, self._of_size):
            mean = self._mean(starts.fittings[name], of_size[name], held_out)
            weights = held_out.weights
            n_rows = len(held_out.X) if weights is None else weights.sum()
            total, weight = total + mean * n_rows, weight + n_rows
        return -2.0 * self._search.n_rows * total / weight

    def _mean(self, fitting, start, held_out):
        """Mean log-density of the rows held out."""
        if isinstance(start, str):
            raise ValueError(start)
        start = self._search.as_start(fitting, start)
        fitted = fitting.climb(start, self._search.brief, NoWatch())
        table, frame = fitting.table, fitting.frame
        parameters = fitted.run.best.parameters
        evaluation = Evaluation(parameters, frame, table.workers, table.noise(frame))
        densities = evaluation.log_densities(held_out.X).astype(np.float64)
        return np.average(densities, weights=held_out.weights)


def kept_rows(n_rows, generator):
    """For each part of the rows, drawn at random, which rows it leaves."""
    order = generator.permutation(n_rows)
    folds = np.ones((min(N_FOLDS, n_rows), n_rows), dtype=bool)
    for kept, held_out in zip(folds, np.array_split(order, len(folds))):
        kept[held_out] = False
    return folds


def _check_observed(kept, number, n_folds):
    unseen = np.flatnonzero(np.isnan(kept).all(axis=0))
    if unseen.size:
        raise ValueError(
            "criterion='held-out' needs every column observed in the rows that each of "
            f"{n_folds} parts leaves, but columns {unseen.tolist()} hold NaN alone "
            f"without part {number}: drop them, or name another criterion, 'bic' for "
            "example."
        )


def _part(table, chosen):
    X, weights = table.X[chosen], table.weights
    weights = None if weights is None else weights[chosen]
    rows = CountedRows(X, weights, table.unit, 1.0, table.has_holes and has_holes(X))
    return Table(rows, table.workers, noise=table.noisy)


class NoWatch:
    """Looks away."""

    def begin(self):
        """Say nothing."""

    def end(self, run):
        """Go on."""
        return False
