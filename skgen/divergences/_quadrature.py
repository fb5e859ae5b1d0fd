r"""Integrals under Gaussian mixtures of few dimensions, to many digits.

The trapezoidal rule, component by component, in coordinates where the component is
a standard Gaussian. For analytic integrands its error falls like exp(−2πa / h),
where h is the step and a the distance of the nearest singularity from the real axis
(Trefethen and Weideman 2014, doi:10.1137/130932132). Logarithms of mixtures do have
singularities close to it, which Gauss-Hermite rules pay for: in one dimension the
trapezoidal rule was two digits ahead of them with 64 points and four with 128, and
one behind with 16 (benchmarks/RESULTS.md). Besides, its points are used again when
the step is halved, and a halved step tells the error.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

from ._result import Estimate

METHOD = "quadrature"

# For each number of dimensions: the radius, in standard deviations, of the ball of
# points, and the error expected, relative to the integral or to one nat where that is
# less, that is small enough. On a line, where points are cheap, it is the last change,
# and otherwise what changes lead to expect; told is the last change in any case.
RADIUS = {1: 8.8, 2: 8.5, 3: 8.0}
TOLERANCE = {1: 1e-11, 2: 1e-10, 3: 1e-7}

FIRST_STEP = 0.55

# Divergences below this are computed again, by terms that are small themselves.
SMALL = 1e-2

# Errors are not told to be smaller than this share of the terms.
ROUNDING = 4.0 * np.finfo(np.float64).eps

# What may be spent on one integral: densities of components at points.
BUDGET = 2e7

# The step is not halved more often than this.
MOST_HALVINGS = 8


@dataclass
class _Component:
    """Sums over the points of one component."""

    number: int
    weight: float
    step: float
    total: float = 0.0
    mass: float = 0.0
    change: float = np.inf
    error: float = np.inf
    is_settled: bool = False
    size: float = 0.0
    rim: float = 0.0

    @property
    def mean(self):
        return self.total / self.mass


def quadrature(functional, p, q=None, *, tol):
    """A functional of Gaussian mixtures of at most three dimensions.

    Parameters
    ----------
    functional : Functional
        What to compute.

    p, q : GaussianMixtureDensity
        The mixtures. Where the functional looks at p's rows only, q may be any
        density, or None.

    tol : float
        Relative error that is good enough where the budget does not allow for more.

    Returns
    -------
    estimate : Estimate or None
        None where the budget does not suffice.
    """
    log_q = (lambda X: np.zeros(len(X))) if q is None else q.log_density
    logs = p.log_density, log_q
    parts = [_expectation(p, functional.under_p, logs, (p, q))]
    if functional.needs_q:
        parts.append(_expectation(q, functional.under_q, logs, (p, q)))
    if any(part is None for part in parts):
        return None
    integral, error = np.sum(parts, axis=0)
    if np.isnan(integral):
        return None
    value, told = functional.finish(integral), 0.0
    if np.isfinite(value):
        told = abs(functional.slope(integral)) * error
    if functional.compares and value < SMALL:
        value, told = _near(functional, p, logs, (p, q)) or (value, told)
    if told > max(tol * abs(value), TOLERANCE[p.n_features]):
        return None
    return Estimate(
        value,
        METHOD,
        standard_error=float(told),
        interval=lambda level: (value - told, value + told),
    )


def _near(functional, p, logs, densities):
    """Value and error of a small divergence, by terms of second order; or None.

    Only where p and q are of one size all over the ball: q must not have any mass
    that p's points do not see.
    """

    def near(log_p, log_q):
        alike = np.abs(log_q - log_p) < 1.0
        return np.where(alike, functional.near(log_p, log_q), np.nan)

    found = _expectation(p, near, logs, densities)
    if found is None or np.isnan(found).any():
        return None
    integral, error = found
    value = functional.finish_near(integral)
    return value, abs(functional.slope(1.0 + integral)) * error


def _expectation(mixture, function, logs, densities):
    """Integral of a function of (log p, log q) under a mixture, and its error."""
    cost = sum(getattr(density, "n_components", 1) for density in densities)
    steps = _first_steps(mixture, densities)
    parts = [
        _Component(k, weight, step)
        for k, (weight, step) in enumerate(zip(mixture.weights, steps))
    ]
    n_features = mixture.n_features
    # the first step and its half, below which there is no error to tell
    if cost * sum(_n_points(0.4 * part.step, n_features) for part in parts) > BUDGET:
        return None
    spent = 0.0
    for halvings in range(MOST_HALVINGS):
        active = [part for part in parts if not part.is_settled]
        if not active:
            break
        for part in active:
            spent += cost * _n_points(part.step, n_features)
        if spent > BUDGET and halvings > 1:
            break
        for part in active:
            _refine(part, mixture, function, logs, first=halvings == 0)
        integral = sum(part.weight * part.mean for part in parts)
        if not np.isfinite(integral):
            return np.array([integral, 0.0])
        if not halvings:
            continue
        enough = TOLERANCE[n_features] * max(1.0, abs(integral))
        if sum(part.weight * part.error for part in parts) <= enough:
            break
        for part in parts:
            part.is_settled = part.weight * part.error <= 0.1 * enough / len(parts)
    return _summed(parts, n_features)


def _summed(parts, n_features):
    """The integral, and its error: of the step, of rounding, and beyond the ball.

    That of the step is the last change, which the error that is left is less than.
    """
    beyond = 2.0 * chi2.sf(RADIUS[n_features] ** 2, n_features)
    return np.array(
        [
            sum(part.weight * part.mean for part in parts),
            sum(
                part.weight
                * (part.change + ROUNDING * part.size / part.mass + beyond * part.rim)
                for part in parts
            ),
        ]
    )


def _refine(part, mixture, function, logs, first):
    """Add the points of the present step, and halve it."""
    last = None if first else part.mean
    normals = _grid(part.step, mixture.n_features, fresh=not first)
    densities = np.exp(-0.5 * np.square(normals).sum(axis=1))
    X = mixture.means[part.number] + normals @ mixture.roots[part.number].T
    values = function(*(log(X) for log in logs))
    # far out, where a density is next to nothing, an infinite value counts as such
    part.total += densities @ values
    part.mass += densities.sum()
    part.size += densities @ np.abs(values)
    rim = np.square(normals).sum(axis=1) > (RADIUS[mixture.n_features] - 1.0) ** 2
    part.rim = max(part.rim, np.abs(values[rim]).max(initial=0.0))
    part.step *= 0.5
    if not np.isfinite(part.mean):
        part.error, part.is_settled = 0.0, True
    elif last is not None:
        change = abs(part.mean - last)
        scale = max(abs(part.mean), 1.0)
        # halving squares the error where the rule has begun to converge; where it
        # converges slowly, changes shrink as they have shrunk
        shrinkage = max(np.sqrt(change / scale), change / part.change)
        part.error = change * (1.0 if mixture.n_features == 1 else min(1.0, shrinkage))
        part.change = max(change, np.finfo(np.float64).tiny)


def _first_steps(mixture, densities):
    """A step for each component that does not overlook what lies within its reach.

    A narrow component of either mixture makes a narrow bump in a logarithm. Two of
    its standard deviations are a step that meets it, and sees it when halved.
    """
    steps = np.full(mixture.n_components, FIRST_STEP)
    others = [d for d in densities if hasattr(d, "roots")]
    for k in range(mixture.n_components):
        whiten = mixture.precision_roots[k].T
        for other in others:
            centers = (other.means - mixture.means[k]) @ whiten.T
            roots = whiten @ other.roots
            widths = np.linalg.svd(roots, compute_uv=False)
            reach = np.sqrt(np.square(centers).sum(axis=1)) - 3.0 * widths[:, 0]
            near = reach < RADIUS[mixture.n_features]
            if near.any():
                steps[k] = min(steps[k], 2.0 * widths[near, -1].min())
    return steps


def _n_points(step, n_features):
    """About the number of points in the ball."""
    ball = {1: 2.0, 2: np.pi, 3: 4.0 * np.pi / 3.0}[n_features]
    return ball * (RADIUS[n_features] / step) ** n_features


def _grid(step, n_features, fresh):
    """Points of the ball on a grid; fresh ones are not on that of twice the step."""
    radius = RADIUS[n_features]
    n_steps = int(radius / step)
    numbers = np.arange(-n_steps, n_steps + 1)
    axes = np.meshgrid(*[numbers] * n_features, indexing="ij")
    grid = np.stack([axis.ravel() for axis in axes], axis=1)
    keep = np.square(grid).sum(axis=1) <= (radius / step) ** 2
    if fresh:
        keep &= (grid % 2 != 0).any(axis=1)
    return grid[keep] * step
