r"""Integrals under densities, from points of theirs.

Where both densities can be sampled the points come from their midpoint
m = (p + q) / 2. There the integrand of a Kullback-Leibler divergence is
:math:`[p \log(p / q) - p + q] / m`: never negative, zero where p = q, and without the
large weights of points that one density has and the other lacks.
"""

import warnings

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from ._result import Estimate

# Independently scrambled nets, whose spread tells the error.
N_REPLICATES = 16

# Points of each net, at first, and for each component at least.
FIRST_POINTS = 256
POINTS_PER_COMPONENT = 8

# What may be spent: points, densities of components at points, and rows asked of
# models that are not ours.
POINT_BUDGET = 2**22
COMPONENT_BUDGET = 4e8
ROW_BUDGET = 2e6

# Standard errors below this are as good as none.
TINY = 1e-14

# Errors are not told to be smaller than this share of the value.
ROUNDING = 4.0 * np.finfo(np.float64).eps

# Numbers of Sobol' sequences below 1 and above 0, for the quantile function.
EDGE = 2.0**-40


def sobol(functional, p, q, *, tol, generator):
    """A functional of Gaussian mixtures, from scrambled Sobol' points.

    The first coordinate of a point chooses the component, so that every component
    gets its share of the points, as `_Strata` deals them; the others become a standard
    Gaussian row (Owen 1997, doi:10.1214/aos/1031594731, for the scrambling).

    Parameters
    ----------
    functional : Functional
        What to compute.

    p : GaussianMixtureDensity
        The first density.

    q : GaussianMixtureDensity, another density or None
        The second one. Points are taken from it as well if it is a mixture.

    tol : float
        Standard error to reach, relative to the value; see `_is_enough`.

    generator : numpy.random.Generator
        Source of the scrambling.

    Returns
    -------
    estimate : Estimate
        With a standard error from replicates.
    """
    from_both = functional.compares and q is not None and hasattr(q, "place")
    strata = _Strata([p, q] if from_both else [p])
    nets = [
        qmc.Sobol(p.n_features + 1, rng=np.random.default_rng(seed))
        for seed in generator.bit_generator.seed_seq.spawn(N_REPLICATES)
    ]
    integrand = _integrand(functional, p, q, from_both)
    cost = sum(getattr(density, "n_components", 1) for density in (p, q) if density)
    most = min(COMPONENT_BUDGET / cost, POINT_BUDGET) / N_REPLICATES
    n_points = strata.fewest_points(most)
    while True:
        rows, which = strata.placed(np.vstack([net.random(n_points) for net in nets]))
        strata.add(integrand(rows), which)
        integrals = strata.integrals()
        integral = integrals.mean()
        if not np.isfinite(integral):
            error = 0.0
            break
        error = integrals.std(ddof=1) / np.sqrt(N_REPLICATES)
        n_points = strata.n_points  # nets keep their balance when they double
        if _is_enough(functional, integral, error, tol) or 2 * n_points > most:
            break
    return _estimate(functional, integral, error, "sobol", tol, N_REPLICATES - 1)


def standard_normal(uniform):
    """Standard normal numbers from those of a net in the unit cube."""
    return ndtri(np.clip(uniform, EDGE, 1.0 - EDGE))


class _Strata:
    """Sums over the components of some mixtures, for each of the nets.

    Half of the points are dealt by weight and half evenly, so that a light component
    is seen as well as a heavy one: much may depend on it.

    Parameters
    ----------
    sources : list of GaussianMixtureDensity
        Mixtures that weigh the same.
    """

    def __init__(self, sources):
        self.sources = sources
        self.weights = np.concatenate([s.weights for s in sources]) / len(sources)
        self.shares = 0.5 * self.weights + 0.5 / len(self.weights)
        self.n_points = 0
        self._sums = np.zeros((N_REPLICATES, len(self.weights)))
        self._counts = np.zeros((N_REPLICATES, len(self.weights)))

    def fewest_points(self, most):
        """Points of a net with which to begin: enough for all, if that may be."""
        wanted = max(FIRST_POINTS, POINTS_PER_COMPONENT * len(self.weights))
        wanted = 2 ** int(np.ceil(np.log2(wanted)))
        return wanted if wanted <= most else FIRST_POINTS

    def placed(self, points):
        """Points of the unit cube as rows of components, and their components."""
        edges = np.cumsum(self.shares)[:-1]
        chosen = np.searchsorted(edges, points[:, 0], side="right")
        normals = standard_normal(points[:, 1:])
        rows = np.empty_like(normals)
        first = 0
        for source in self.sources:
            its_own = (chosen >= first) & (chosen < first + source.n_components)
            rows[its_own] = source.place(chosen[its_own] - first, normals[its_own])
            first += source.n_components
        return rows, chosen

    def add(self, values, chosen):
        """Take in values at points, the nets behind each other."""
        self.n_points += len(values) // N_REPLICATES
        net = np.repeat(np.arange(N_REPLICATES), len(values) // N_REPLICATES)
        place, size = net * len(self.weights) + chosen, self._sums.size
        shape = self._sums.shape
        self._sums += np.bincount(place, values, size).reshape(shape)
        self._counts += np.bincount(place, minlength=size).reshape(shape)

    def integrals(self):
        """The estimate of each net."""
        if (self._counts > 0.0).all():
            return (self._sums / self._counts) @ self.weights
        # components are more than points: those that have none are stood in for
        return self._sums @ (self.weights / self.shares) / self.n_points


def monte_carlo(functional, p, q, *, tol, generator):
    """A functional of densities that are only sampled, by independent rows.

    Half of the rows come from q where q can be sampled, and all from p otherwise.
    Parameters and result are those of `sobol`.
    """
    from_both = functional.compares and q is not None and q.can_sample
    sources = [p, q] if from_both else [p]
    integrand = _integrand(functional, p, q, from_both)
    sums, squares, count = np.zeros(len(sources)), np.zeros(len(sources)), 0
    n_rows = FIRST_POINTS
    while True:
        for i, source in enumerate(sources):
            values = integrand(source.draw(n_rows, generator))
            sums[i] += values.sum()
            with np.errstate(over="ignore"):  # an infinite error is told as such
                squares[i] += np.square(values).sum()
        count += n_rows
        integral = np.mean(sums / count)
        if not np.isfinite(integral):
            error = 0.0
            break
        with np.errstate(over="ignore", invalid="ignore"):
            variances = squares / count - np.square(sums / count)
        variances = np.where(np.isfinite(squares), np.maximum(variances, 0.0), np.inf)
        error = np.sqrt(variances.sum() / (count - 1)) / len(sources)
        if _is_enough(functional, integral, error, tol):
            break
        if 2 * count * len(sources) > ROW_BUDGET:
            break
        n_rows = count
    return _estimate(functional, integral, error, "monte_carlo", tol, np.inf)


def _integrand(functional, p, q, from_both):
    """The function of rows whose mean is wanted."""
    of_logs = functional.under_midpoint if from_both else functional.under_p
    if functional.needs_q and not from_both:
        raise ValueError(
            f"{type(q).__name__} cannot be sampled, and this divergence needs rows of "
            "both p and q. A Kullback-Leibler divergence with it in second place does "
            "not."
        )

    def integrand(X):
        log_p = p.log_density(X)
        log_q = np.zeros(len(X)) if q is None else q.log_density(X)
        with np.errstate(invalid="ignore"):
            values = of_logs(log_p, log_q)
        if np.isnan(values).any():
            raise ValueError(
                "A density is NaN, or infinite, at some of the points sampled: check "
                "that score_samples returns log-densities."
            )
        return values

    return integrand


def _is_enough(functional, integral, error, tol):
    """Whether a standard error is small beside the value.

    Entropies, which may be about 0, count as one nat at least.
    """
    value = functional.finish(integral)
    if not np.isfinite(value):
        return True
    scale = abs(value) if functional.compares else max(abs(value), 1.0)
    return abs(functional.slope(integral)) * error <= max(tol * scale, TINY)


def _estimate(functional, integral, error, method, tol, degrees_of_freedom):
    value = functional.finish(integral)
    if not np.isfinite(value):
        return Estimate(value, method)
    if not _is_enough(functional, integral, error, tol):
        warnings.warn(
            f"The standard error is {abs(functional.slope(integral)) * error:.2g} for "
            f"a value of {value:.6g}, more than tol={tol:g} asks for, after all the "
            "points that the budget allows. Pass confidence_level to see the error "
            "with the value.",
            RuntimeWarning,
            stacklevel=4,
        )
    told = abs(functional.slope(integral)) * error
    return Estimate(
        value,
        method,
        standard_error=float(max(told, ROUNDING * abs(value))),
        degrees_of_freedom=degrees_of_freedom,
    )
