"""A table on its way to a mixture: rows in their frame, what holds them, the climb."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from sklearn.neighbors import NearestNeighbors

from ..em import EMPoint, EMRun, run_em
from ..gaussian import (
    CLASSICAL,
    STRUCTURES,
    CovariancePrior,
    Evaluation,
    Expectation,
    Factor,
    Frame,
    IncompleteExpectation,
    MixtureParameters,
    Regularisation,
    Rows,
    UniformNoise,
    maximise,
)
from ._complaints import check_range, range_message
from ._race import whole
from ._regularise import Prior, check_covariance_prior, regularisation_of, with_prior
from ._starts import initial_parameters

# Holes are filled, for starts alone, from one Gaussian that is fitted in so many steps
# with as many pseudo-rows as columns, of the columns' variances.
FILLING_STEPS = 10

# Where some rows are noise, starts are made from the others: those that are not among
# this share of the rows the farthest from their neighbours. It is also the first share
# of noise.
ISOLATED_SHARE = 0.1
NEIGHBOURS = 5
MOST_COMPARED_ROWS = 5000


@dataclass(frozen=True)
class Plan:
    """How EM is run, whatever the data and the structure.

    Parameters
    ----------
    max_iter : int
        Largest number of iterations.

    tol : float
        Estimated gain still to come, in nats per row, at which to stop.

    accelerate : bool
        Whether SQUAREM leaps.

    reg_covar : float or 'auto'
        What keeps covariances from becoming singular.

    prior : Prior
        Pseudo-rows.

    largest_ratio : float or None
        Of any two eigenvalues.
    """

    max_iter: int
    tol: float
    accelerate: bool
    reg_covar: object
    prior: Prior
    largest_ratio: float | None = None


def plan_of(mixture, n_features, unit):
    """The plan that an estimator's parameters make; weights of 1 are ``unit``."""
    _check_ratio(mixture)
    covariance = check_covariance_prior(mixture.covariance_prior, n_features)
    count = mixture.covariance_prior_count
    count = n_features + 2.0 if count is None else float(count)
    return Plan(
        mixture.max_iter,
        mixture.tol,
        mixture.acceleration == "squarem",
        mixture.reg_covar,
        Prior(covariance, count * unit),
        mixture.max_eigenvalue_ratio,
    )


def _check_ratio(mixture):
    """A bound on the ratio of eigenvalues is for the classical structures alone."""
    names = mixture.covariance_type
    searched = isinstance(names, str) and names == "auto"  # among those alone
    if mixture.max_eigenvalue_ratio is None or searched:
        return
    others = [
        name
        for name in ([names] if isinstance(names, str) else names)
        if STRUCTURES.get(name) not in CLASSICAL.values()
    ]
    if others:
        raise ValueError(
            "max_eigenvalue_ratio is for covariance_type 'full', 'tied', 'diag' and "
            "'spherical', of which the constrained maximum is known; got "
            f"{others}. Set max_eigenvalue_ratio=None, or name others."
        )


class Table:
    """Rows to be fitted, in the frames and forms in which fits ask for them.

    Parameters
    ----------
    rows : CountedRows
        The rows.

    workers : Workers
        The threads.

    noise : bool, default=False
        Whether some rows belong to no component.
    """

    def __init__(self, rows, workers, *, noise=False):
        self.X, self.weights, self.unit, self.share, self.has_holes = rows
        self.workers = workers
        self.noisy = noise
        if noise:
            self._check_varying()
        self._frames = {}
        self._filled = self._company = None

    @cached_property
    def corners(self):
        """Least and largest value of each column, (2, n_features)."""
        ends = np.fmin.reduce(self.X, axis=0), np.fmax.reduce(self.X, axis=0)
        return np.array(ends, dtype=np.float64)

    def _check_varying(self):
        flat = np.flatnonzero(self.corners[0] == self.corners[1])
        if flat.size:
            raise ValueError(
                "noise='uniform' needs columns that vary, but columns "
                f"{flat.tolist()} are constant: drop them, or set noise=None."
            )

    def frame(self, structure):
        """The frame in which a structure is fitted.

        It is that of rows in company where others may be noise: columns as wide as a
        far outlier would let components become as narrow as needles beside it.
        """
        isotropic = structure.isotropic
        if isotropic not in self._frames:
            rows, weights = self.X, self.weights
            if self.noisy:
                rows = rows[self._in_company()]
                weights = None if weights is None else weights[self._in_company()]
            frame = Frame.of(rows, weights, isotropic=isotropic)
            check_range(frame, self.X.dtype)
            self._frames[isotropic] = frame
        return self._frames[isotropic]

    def noise(self, frame):
        """The noise in units of a frame, or None."""
        if not self.noisy:
            return None
        return UniformNoise.around(*self.corners, frame)

    def expectation(self, structure, n_components):
        """One pass over the rows, for so many components."""
        frame = self.frame(structure)
        rows, noise = Rows(self.X, self.weights, frame), self.noise(frame)
        if not self.has_holes:
            return Expectation(rows, structure, self.workers, noise=noise)
        return IncompleteExpectation(rows, structure, self.workers, n_components, noise)

    def of_starts(self, structure, generator):
        """One pass over rows without holes, from which starts are made."""
        X = self.filled(generator) if self.has_holes else self.X
        rows = Rows(X, self.weights, self.frame(structure))
        if self.noisy:
            rows = rows.take(self._in_company())
        return Expectation(rows, structure, self.workers)

    def filled(self, generator):
        """The rows, holes filled by draws from one Gaussian; the same at each call."""
        if self._filled is None:
            self._filled = self._one_gaussian().completed(self.X, generator)
            low, high = self.corners
            np.copyto(self._filled, low, where=low == high)
            self._filled = self._filled.astype(self.X.dtype)
        return self._filled

    def _one_gaussian(self):
        """About the likeliest Gaussian, shrunk towards uncorrelated columns."""
        frame, n_features = Frame.of(self.X, self.weights), self.X.shape[1]
        rows, structure = Rows(self.X, self.weights, frame), STRUCTURES["full"]
        expectation = IncompleteExpectation(rows, structure, self.workers, 1)
        count = n_features * rows.total / rows.n_rows
        prior = CovariancePrior(count, np.eye(n_features)[None])
        parameters = whole(expectation, 1)
        for _ in range(FILLING_STEPS):
            statistics = expectation(parameters)
            parameters = maximise(statistics, parameters, Regularisation(prior=prior))
        return Evaluation(parameters, frame, self.workers)

    def _in_company(self):
        """Positions of rows, or of a sample of them, that have neighbours close by."""
        if self._company is None:
            X = self._one_gaussian().completed(self.X) if self.has_holes else self.X
            chosen = np.arange(len(X))
            if len(X) > MOST_COMPARED_ROWS:
                drawn = np.random.RandomState(0).choice(len(X), MOST_COMPARED_ROWS)
                chosen = np.unique(drawn)
            weights = None if self.weights is None else self.weights[chosen]
            self._company = chosen[in_company(robustly_scaled(X[chosen]), weights)]
        return self._company


def robustly_scaled(rows):
    """Columns in units that far outliers do not stretch."""
    low, middle, high = np.quantile(rows.astype(np.float64), [0.25, 0.5, 0.75], axis=0)
    width = np.where(high > low, high - low, rows.std(axis=0, dtype=np.float64))
    return (rows - middle) / np.where(width > 0.0, width, 1.0)


def in_company(points, weights=None):
    """Positions of all points but the most isolated.

    Points that coincide are one, of the sum of their weights: a weight of 2 is a point
    that is there twice.

    Parameters
    ----------
    points : ndarray of shape (n_points, n_features)
        Points.

    weights : ndarray of shape (n_points,), default=None
        Their weights.

    Returns
    -------
    positions : ndarray of int
        In order.
    """
    distinct, which = np.unique(points, axis=0, return_inverse=True)
    which = which.ravel()
    masses, n_distinct = np.bincount(which, weights), len(distinct)
    n_neighbors = min(NEIGHBOURS, n_distinct - 1)
    if n_neighbors == 0:
        return np.arange(len(points))
    neighbours = NearestNeighbors(n_neighbors=n_neighbors).fit(distinct)
    radius = neighbours.kneighbors()[0][:, -1]
    total = masses.sum()
    radius[masses * n_distinct > n_neighbors * total] = 0.0  # company enough of itself
    order = np.argsort(radius, kind="stable")
    before = np.cumsum(masses[order]) - masses[order]
    kept = np.zeros(n_distinct, dtype=bool)
    kept[order] = before < (1.0 - ISOLATED_SHARE) * total
    return np.flatnonzero(kept[which])


class Fitting:
    """Fits of one structure to a table.

    Parameters
    ----------
    table : Table
        The rows.

    structure : CovarianceStructure
        The covariances' structure.

    covariance_type : str
        Its name, as the user has it.

    generator : RandomState
        Source of randomness.
    """

    def __init__(self, table, structure, covariance_type, generator):
        self.table = table
        self.structure = structure
        self.covariance_type = covariance_type
        self.generator = generator
        self.frame = table.frame(structure)

    def start(self, init_params, n_components, given, plan):
        """Initial parameters, those that the user gave in place of others."""
        weights, means, precisions = given
        means = None if means is None else self.frame.inside(means)
        if any(part is None for part in given):
            found = initial_parameters(
                init_params,
                self.table.of_starts(self.structure, self.generator),
                n_components,
                self.generator,
                regularisation_of(plan.reg_covar, self.frame),
                means,
            )
        weights = found.weights if weights is None else weights
        if self.table.noisy:
            weights = weights * (1.0 - ISOLATED_SHARE)
        means = found.means if means is None else means
        if precisions is None:
            return replace(found, weights=weights, means=means)
        return self.of_precisions(weights, means, precisions)

    def of_precisions(self, weights, means, precisions):
        """Parameters of precisions in units of the data and means in the frame's."""
        structure = self.structure
        factors = structure.factor_precisions(structure.inside(precisions))
        factors = structure.rescale_factors(factors, self.frame.scale)
        return MixtureParameters.of_factors(structure, weights, means, factors)

    def climb(self, start, plan, watch):
        """Run EM from one start; a `Fitted`."""
        table, structure = self.table, self.structure
        expectation = table.expectation(structure, len(start.means))
        log_volume, total = expectation.log_volume, expectation.rows.total
        regularisation = replace(
            regularisation_of(plan.reg_covar, self.frame),
            largest_ratio=plan.largest_ratio,
        )
        if plan.prior.covariance is not None:
            regularisation = with_prior(regularisation, *plan.prior, start, self.frame)

        def evaluate(parameters):
            statistics = expectation(parameters)
            log_prior = regularisation.log_prior(parameters)
            log_posterior = statistics.log_likelihood[0] + log_prior
            return EMPoint(
                parameters, statistics, float(log_posterior / total - log_volume)
            )

        def maximisation(statistics, previous):
            return maximise(statistics, previous, regularisation, noise=table.noisy)

        run = run_em(
            evaluate,
            maximisation,
            start,
            max_iter=plan.max_iter,
            tol=plan.tol,
            accelerate=plan.accelerate,
            watch=watch,
            monotone=regularisation.is_constraint,
        )
        return Fitted(self, run)

    def attributes_of(self, run):
        """The attributes of an estimator fitted by a run."""
        found = run.best.parameters.out_of_frame(self.frame)
        dtype = self.table.X.dtype
        return {
            **fitted_arrays(found, dtype),
            **self._further_arrays(found, dtype),
            "covariance_type_": self.covariance_type,
            "n_components_": len(found.weights),
            "converged_": run.converged,
            "n_iter_": run.n_iter,
            "lower_bound_": run.best.bound * self.table.share,
            "lower_bounds_": [bound * self.table.share for bound in run.bounds],
        }

    def _further_arrays(self, found, dtype):
        """What only some mixtures have."""
        arrays, structure = {}, self.structure
        if self.table.noisy:
            arrays["noise_weight_"] = max(1.0 - float(found.weights.sum()), 0.0)
            arrays["noise_support_"] = self.table.corners.astype(dtype)
        if isinstance(structure, Factor):
            loadings = structure.loadings(found.covariances)
            arrays["factor_loadings_"] = loadings.astype(dtype)
            noise = structure.noise(found.covariances)
            arrays["noise_variances_"] = noise.astype(dtype)
        return arrays


class Fitted(NamedTuple):
    """A run of EM, and what it was a run of."""

    fitting: Fitting
    run: EMRun

    @property
    def bound(self):
        """Mean log-likelihood, less what a prior costs, in nats."""
        return self.run.best.bound

    def attributes(self):
        """The attributes of an estimator fitted by the run."""
        return self.fitting.attributes_of(self.run)

    def checked_attributes(self):
        """The same, where they can be held in the floats of the rows."""
        frame, dtype = self.fitting.frame, self.fitting.table.X.dtype
        with np.errstate(over="ignore", invalid="ignore"):
            attributes = self.attributes()
        for name in ("means_", "covariances_", "precisions_"):
            if not np.isfinite(attributes[name]).all():
                raise ValueError(range_message(name, frame, dtype))
        return attributes


def last_solution(mixture, fitting):
    """The parameters that an estimator was left with, as a start."""
    weights, means, precisions = (
        np.asarray(array, dtype=np.float64)
        for array in (mixture.weights_, mixture.means_, mixture.precisions_cholesky_)
    )
    if hasattr(mixture, "noise_weight_"):
        weights = weights / weights.sum()
    if fitting.table.noisy:
        left = getattr(mixture, "noise_weight_", 0.0)
        weights = weights * (1.0 - (left or ISOLATED_SHARE))
    structure = fitting.structure
    factors = structure.inside(precisions)
    known = MixtureParameters.of_factors(structure, weights, means, factors)
    return known.in_frame(fitting.frame)


def fitted_arrays(parameters, dtype):
    """Parameters in units of the data, as fitted attributes."""
    structure = parameters.structure
    arrays = {
        "weights_": parameters.weights,
        "means_": parameters.means,
        "covariances_": structure.outside(structure.stored(parameters.covariances)),
        "precisions_cholesky_": structure.outside(parameters.factors),
        "precisions_": structure.outside(structure.precisions(parameters.factors)),
    }
    return {name: array.astype(dtype) for name, array in arrays.items()}
