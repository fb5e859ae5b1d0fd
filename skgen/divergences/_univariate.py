"""Functionals of two one-dimensional distributions, by quadrature and by sums.

`Univariate` is what both need to know of a distribution; `integrate` is the door.
How the line is integrated over is in `_rays`, how the whole numbers are summed over in
`_sums`.
"""

from functools import partial
from warnings import catch_warnings, simplefilter

import numpy as np
from scipy import stats

from ._excess import exp_excess
from ._functionals import LOG_2, Jeffreys, KullbackLeibler, Renyi
from ._rays import rays_between, sum_of_rays
from ._result import Estimate
from ._sums import sum_over_lattices

#: Tail probabilities whose quantiles become edges of panels.
LEVELS = np.array([0.25, 1e-1, 1e-2, 1e-4, 1e-8, 1e-16, 1e-32, 1e-64, 1e-128, 1e-300])

#: How much two steps of rounding may have moved the end of a support.
SLACK = 4.0 * np.finfo(np.float64).eps

#: Closer to an end other than 0 than this, relative to it, distances are not resolved;
#: log-densities there are continued as linear in the distance's logarithm.
BLUR = 1e-13

#: Poles and zeros of densities are of lower powers than this.
STEEPEST_POWER = 1e4

#: Below it densities lose digits, and then are 0; their logarithms do not have to.
LEAST_LOG_DENSITY = -700.0

# Weights with smaller logarithms exp rounds to 0, or nearly; their products with large
# values need not be small.
LEAST_LOG_WEIGHT = -665.0

# Families whose log-density scipy takes from the density: that is 0 long before others
# are, and their divergence from these would seem infinite.
FAR_LOG_DENSITIES = {
    type(stats.laplace): lambda x: -np.abs(x) - LOG_2,
    type(stats.hypsecant): lambda x: LOG_2 - np.log(np.pi) - np.abs(x),
    type(stats.pareto): lambda x, b: np.log(b) - (b + 1.0) * np.log(x),
    type(stats.invweibull): lambda x, c: np.log(c) - (c + 1.0) * np.log(x) - x**-c,
    type(stats.moyal): lambda x: -0.5 * (x + np.exp(-x) + np.log(2.0 * np.pi)),
    type(stats.dlaplace): lambda k, a: np.log(np.tanh(0.5 * a)) - a * np.abs(k),
    type(stats.planck): lambda k, rate: np.log(-np.expm1(-rate)) - rate * k,
    type(stats.logser): lambda k, p: k * np.log(p) - np.log(k) - np.log(-np.log1p(-p)),
}


class Univariate:
    """One distribution of scipy's, of the old or the new infrastructure.

    Parameters
    ----------
    distribution : frozen distribution, or distribution of the new infrastructure
        Not a batch.

    frame : tuple of (loc, scale), default=(0.0, 1.0)
        Points x of this view are points loc + scale · x of the distribution. Densities
        stay those of the distribution.
    """

    def __init__(self, distribution, frame=(0.0, 1.0)):
        self.distribution = distribution
        self.standard, self.own_frame = _standard_form(distribution)
        self.frame = loc, scale = frame
        own_loc, self._own_scale = self.own_frame
        self._loc = (own_loc - loc) / scale
        self._scale = self._own_scale / scale

    def seen_in(self, frame):
        """The same distribution in other coordinates."""
        return Univariate(self.distribution, frame)

    @property
    def is_discrete(self):
        """Whether it has probabilities instead of a density."""
        dist = getattr(self.distribution, "dist", None)
        names = [each.__name__ for each in type(self.distribution).__mro__]
        return isinstance(dist, stats.rv_discrete) or "DiscreteDistribution" in names

    @property
    def has_quantiles(self):
        """Whether they have a formula and not only, for counts, a search."""
        dist = getattr(self.distribution, "dist", None)
        return type(dist)._ppf is not stats.rv_discrete._ppf if dist else True

    def support(self):
        """Lowest and highest point."""
        if _is_on_circle(self.distribution):
            loc, scale = self.frame
            return (-np.pi - loc) / scale, (np.pi - loc) / scale
        low, high = self.standard.support()
        return self._loc + self._scale * low, self._loc + self._scale * high

    def atom(self):
        """The one point that has all the probability, None if there is none."""
        # scipy has the support of what could be, were the parameters not extreme
        for end in self.support() if self.is_discrete else ():
            if np.isfinite(end) and self.log_density(end) == 0.0:
                return end
        return None

    def log_density(self, x):
        """Logarithm of the density, or of the probability."""
        standard = (x - self._loc) / self._scale
        if self.is_discrete:
            whole = np.rint(standard)  # but for the rounding of a fractional location
            return self._standard_log_density(
                np.where(np.abs(standard - whole) < 1e-6, whole, standard)
            )
        return self._standard_log_density(standard) - np.log(self._own_scale)

    def _standard_log_density(self, x):
        """That of the standard form, also where scipy's density is rounded to 0."""
        log = self.standard.logpmf if self.is_discrete else self.standard.logpdf
        value = log(x)
        formula = FAR_LOG_DENSITIES.get(type(getattr(self.standard, "dist", None)))
        if formula is None:
            return value
        low, high = self.standard.support()
        lost = (value < LEAST_LOG_DENSITY) & (low <= x) & (x <= high)
        if self.is_discrete:
            lost &= x == np.rint(x)
        return np.where(lost, formula(x, *self.standard.args), value)

    def ends_at(self, x, side):
        """Whether x is its upper (side > 0) or lower end, up to rounding."""
        end = self.support()[int(side > 0.0)]
        on_line = not _is_on_circle(self.distribution)
        return on_line and abs(end - x) <= 2.0 * SLACK * abs(x)

    def log_density_beside_end(self, log_distance, side):
        """As `log_density`, at distances from the upper (side > 0) or lower end.

        Where the distance has been rounded, the power of the pole or zero that may be
        there makes good for it.
        """
        log_distance = log_distance - np.log(self._scale)
        value, actual = self._beside_end(np.exp(log_distance), side)
        blur = BLUR * abs(self.standard.support()[int(side > 0.0)])
        if blur > 0.0:
            values, distances = self._beside_end(blur * np.array([1.0, 8.0]), side)
            power = np.diff(values) / np.diff(np.log(distances))
            # steeper than any power: a density that is 0 to all orders at its end
            power = np.where(np.abs(power) < STEEPEST_POWER, power, 0.0)
            value = value + power * (log_distance - np.log(actual))
        return value - np.log(self._own_scale)

    def _beside_end(self, distance, side):
        """Log-density of the standard form, and the true distance from its end."""
        end = self.standard.support()[int(side > 0.0)]
        x = end - side * np.maximum(distance, BLUR * abs(end))
        return self._standard_log_density(x), np.abs(end - x)

    def quantile(self, u):
        """Where the distribution function is u."""
        method = getattr(self.standard, "ppf", None) or self.standard.icdf
        return self._loc + self._scale * _quietly(method, u)

    def upper_quantile(self, u):
        """Where u is left above."""
        method = getattr(self.standard, "isf", None) or self.standard.iccdf
        return self._loc + self._scale * _quietly(method, u)

    def landmarks(self):
        """Quantiles far into both tails, and the median."""
        points = [self.quantile(LEVELS), self.upper_quantile(LEVELS), [self.median()]]
        points = np.concatenate(points)
        return points[np.isfinite(points)]

    def median(self):
        """Where the distribution function is one half."""
        return float(self.quantile(0.5))


def _standard_form(distribution):
    """A distribution without its location and scale, and these two."""
    if not hasattr(distribution, "dist"):
        return distribution, (0.0, 1.0)
    # scipy has no public way from positional and keyword arguments to parameters
    parse = distribution.dist._parse_args
    shapes, loc, scale = parse(*distribution.args, **distribution.kwds)
    if _is_on_circle(distribution) and scale == 1.0:
        loc = np.remainder(loc + np.pi, 2.0 * np.pi) - np.pi
    return distribution.dist(*shapes), (float(loc), float(scale))


def _is_on_circle(distribution):
    # its density is periodic and its support said to be the line; draws lie in [−π, π]
    dist = getattr(distribution, "dist", None)
    return type(dist) is type(stats.vonmises)


def _quietly(method, u):
    """Call it without a warning or a failure; quantiles only say where to look."""
    with catch_warnings(), np.errstate(all="ignore"):
        simplefilter("ignore")
        try:
            return np.asarray(method(u), dtype=np.float64)
        except (OverflowError, RuntimeError, ValueError):  # of some quantiles
            if np.ndim(u) == 0:
                return np.asarray(np.nan)
            return np.array([_quietly(method, each) for each in u])


def integrate(functional, p, q=None):
    r"""A functional of two distributions, by quadrature or by summation.

    Parameters
    ----------
    functional : Functional
        What to compute.

    p, q : Univariate
        The distributions, both with densities or both with probabilities. Entropy
        needs no q.

    Returns
    -------
    estimate : Estimate
        The value; +∞ if the integral diverges. Its standard error is the estimated
        error of the quadrature.

    Raises
    ------
    ValueError
        If there is nothing to compare, or a sum would have too many terms.
    """
    q = p if q is None else q
    if isinstance(functional, Jeffreys):
        # each of the two has an integrand of one sign, and an end of its own
        there = integrate(KullbackLeibler(), p, q)
        back = integrate(KullbackLeibler(), q, p)
        error = there.standard_error + back.standard_error
        return Estimate(there.value + back.value, there.method, standard_error=error)
    if p.is_discrete != q.is_discrete:
        raise ValueError(
            f"p and q must both have densities or both have probabilities, or there "
            f"is nothing to compare; got {p.distribution!r} and {q.distribution!r}."
        )
    method = "summation" if p.is_discrete else "quadrature"
    with np.errstate(all="ignore"):
        if _is_infinite_outside(functional, p, q):
            integral, error = np.inf, 0.0
        else:
            compute = _sum if p.is_discrete else _quadrature
            integral, error = compute(functional, p, q)
        value = float(functional.finish(integral))
        if np.isinf(integral) or (np.isinf(value) and np.isfinite(error)):
            error = 0.0
        error = float(np.abs(functional.slope(integral)) * error) if error else 0.0
    is_impossible = np.isneginf(value) and functional.lowest > -np.inf
    if is_impossible or np.isnan(value) or not np.isfinite(error):
        raise ValueError(
            f"the integral over {p.distribution!r} and {q.distribution!r} cannot be "
            f"told: a log-density is infinite or NaN inside its support, where the "
            f"other distribution has much of its probability. Use a sample instead."
        )
    return Estimate(value=value, method=method, standard_error=error)


def _is_infinite_outside(functional, p, q):
    """Whether one has points that the other lacks, and these alone cost infinity."""
    if np.isposinf(functional.under_p(0.0, -np.inf)) and not _lies_in(p, q):
        return True
    return np.isposinf(functional.under_q(-np.inf, 0.0)) and not _lies_in(q, p)


def _lies_in(law, other):
    """Whether a support lies in another one, up to rounding."""
    low, high = law.support() if law.atom() is None else (law.atom(), law.atom())
    other_low, other_high = other.support()
    if other.atom() is not None:
        return low == high == other.atom()

    def slack(end):
        # an end that is the location itself has not been rounded
        exact = end == law.own_frame[0] or np.isinf(end)
        return 0.0 if exact else SLACK * abs(end)

    return low >= other_low - slack(low) and high <= other_high + slack(high)


def _integrand(functional, log_p, log_q, log_unit=0.0):
    """Value of p f + q g, times a unit of x; NaN where it cannot be told."""
    if functional.is_excess:
        return _excess(log_p, log_q, log_unit)
    if isinstance(functional, Renyi):
        # its ratio to the midpoint overflows long before it does
        return np.exp(functional.log_power(log_p, log_q) + log_unit)
    value = _weighted(functional.under_p(log_p, log_q), log_p + log_unit)
    if functional.needs_q:
        under_q = functional.under_q(log_p, log_q)
        value = value + _weighted(under_q, log_q + log_unit)
    return value


def _excess(log_p, log_q, log_unit):
    """p log(p / q) − p + q, that is p (e^(-r) − 1 + r) with r = log(p / q)."""
    ratio = log_p - log_q
    p, q = np.exp(log_p + log_unit), np.exp(log_q + log_unit)
    apart = _weighted(ratio, log_p + log_unit) + (q - p)
    return np.where(np.abs(ratio) < 1.0, p * exp_excess(-ratio), apart)


def _weighted(value, log_weight):
    """value · exp(log_weight), 0 where the weight is; NaN for ∞ times nearly 0."""
    in_logs = np.sign(value) * np.exp(np.log(np.abs(value)) + log_weight)
    small = np.where(np.isinf(value), np.nan, in_logs)
    small = np.where(np.isneginf(log_weight), 0.0, small)
    return np.where(log_weight > LEAST_LOG_WEIGHT, np.exp(log_weight) * value, small)


def _quadrature(functional, p, q):
    """I and its estimated error, for densities."""
    if not _are_remote(p, q):
        frame = p.own_frame if hasattr(p.distribution, "dist") else q.own_frame
        return _quadrature_in(frame, partial(_integrand, functional), p, q)

    def p_term(log_p, log_q, log_unit):
        return _weighted(functional.under_p(log_p, log_q), log_p + log_unit)

    def q_term(log_p, log_q, log_unit):
        return _weighted(functional.under_q(log_p, log_q), log_q + log_unit)

    integral, error = _quadrature_in(p.own_frame, p_term, p, q)
    if functional.needs_q:
        rest, rest_error = _quadrature_in(q.own_frame, q_term, p, q)
        integral, error = integral + rest, error + rest_error
    return integral, error


def _are_remote(p, q):
    """Whether points near q's middle are blurred where p is in standard form."""
    (loc, _), (other_loc, other_scale) = p.own_frame, q.own_frame
    return abs(loc - other_loc) > 1e4 * other_scale


def _quadrature_in(frame, integrand, p, q):
    """Integral in coordinates in which one distribution has standard form."""
    p, q = p.seen_in(frame), q.seen_in(frame)
    landmarks = np.concatenate([p.landmarks(), q.landmarks()])
    function = partial(integrand, log_unit=np.log(frame[1]))
    return sum_of_rays(function, rays_between(p, q), landmarks)


def _sum(functional, p, q):
    """I and its estimated error, for probabilities."""

    def function(x):
        return _integrand(functional, p.log_density(x), q.log_density(x))

    needs_q = functional.needs_q or functional.is_excess
    return sum_over_lattices(function, [p, q] if needs_q else [p])
