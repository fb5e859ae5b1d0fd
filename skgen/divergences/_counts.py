"""Families of distributions on the whole numbers; see `_laws` for the idea.

Their location is a whole number and their scale is 1.
"""

import numpy as np
from scipy.special import gammaln

from ._excess import log_ratio, relative_excess
from ._laws import UNKNOWN, Law


def categorical_divergence(probabilities, other):
    """Between categorical laws, from lists of probabilities."""
    return sum(relative_excess(p, q) for p, q in zip(probabilities, other))


def bernoulli_divergence(p, q):
    """Between Bernoulli laws, from the probabilities of 1."""
    return categorical_divergence([p, 1.0 - p], [q, 1.0 - q])


def log_blend(p, q, alpha):
    """Logarithm of p^α q^(1-α), of which p or q may be 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.log(q) + alpha * log_ratio(p, q)
    value = np.where(np.equal(q, 0.0), -np.inf if alpha < 1.0 else np.inf, value)
    return np.where(np.equal(p, 0.0), -np.inf, value)


class CountLaw(Law):
    """What distributions on the whole numbers share."""

    def is_apart_from(self, other):
        (low, high), (other_low, other_high) = self.support(), other.support()
        return (other_low > high) | (other_high < low)

    def above(self, number):
        """E x − number."""
        return self.mean() - number

    def below(self, number):
        """number − E x."""
        return number - self.mean()

    def log_factorial(self):
        """E log x!."""
        return UNKNOWN

    def log_choose(self, n):
        """E log of n over x."""
        return UNKNOWN

    def log_rising(self, n):
        """E log of x + n − 1 over x."""
        return np.where(np.equal(n, 1.0), 0.0, UNKNOWN)


class Binomial(CountLaw):
    """Binomial distributions of n trials, Bernoulli distributions for n = 1."""

    @property
    def ends(self):
        n, p = self.shapes
        return np.where(p == 1.0, n, 0.0), np.where(p == 0.0, 0.0, n)

    def minus_log_density(self):
        n, p = self.shapes
        terms = [(-np.log(p), "mean"), (-np.log1p(-p), "below", n)]
        return 0.0, [*terms, (-1.0, "log_choose", n)]

    def moments(self):
        n, p = self.shapes
        return n * p, n * p * (1.0 - p)

    def log_factorial(self):
        return self.over_two_points(lambda x: gammaln(x + 1.0))

    def log_choose(self, n):
        def log_choose(x):
            return gammaln(n + 1.0) - gammaln(x + 1.0) - gammaln(n - x + 1.0)

        return self.over_two_points(log_choose)

    def log_rising(self, n):
        def log_rising(x):
            return gammaln(x + n) - gammaln(n) - gammaln(x + 1.0)

        return self.over_two_points(log_rising)

    def over_two_points(self, function):
        """Expectation of any function, for one trial."""
        n, p = self.shapes
        value = (1.0 - p) * function(self.loc) + p * function(self.loc + 1.0)
        return np.where(n == 1.0, value, UNKNOWN)

    def divergence(self, other):
        (n, p), (other_n, other_p) = self.shapes, other.shapes
        known = (n == other_n) & (self.loc == other.loc)
        return np.where(known, n * bernoulli_divergence(p, other_p), UNKNOWN)

    def blend(self, other, alpha):
        (n, p), (other_n, other_p) = self.shapes, other.shapes
        ones = log_blend(p, other_p, alpha)
        zeros = log_blend(1.0 - p, 1.0 - other_p, alpha)
        known = (n == other_n) & (self.loc == 0.0)
        exists = np.isfinite(np.maximum(ones, zeros)) | ~known
        log_odds = np.where(exists, ones - zeros, 0.0)
        blend = np.where(known, 1.0 / (1.0 + np.exp(-log_odds)), UNKNOWN)
        return Binomial(self.loc, self.scale, (n, blend)), exists


class Poisson(CountLaw):
    """Poisson distributions."""

    @property
    def ends(self):
        (rate,) = self.shapes
        return 0.0, np.where(rate == 0.0, 0.0, np.inf)

    def minus_log_density(self):
        (rate,) = self.shapes
        return rate, [(-np.log(rate), "mean"), (1.0, "log_factorial")]

    def moments(self):
        (rate,) = self.shapes
        return rate, rate

    def divergence(self, other):
        value = relative_excess(self.shapes[0], other.shapes[0])
        return np.where(self.loc == other.loc, value, UNKNOWN)

    def blend(self, other, alpha):
        log_rate = log_blend(self.shapes[0], other.shapes[0], alpha)
        known = self.loc == 0.0
        exists = np.less(log_rate, np.inf) | ~known
        rate = np.where(known, np.exp(np.where(exists, log_rate, 0.0)), UNKNOWN)
        return Poisson(self.loc, self.scale, (rate,)), exists


class NegativeBinomial(CountLaw):
    """Failures before the n-th success of probability p."""

    @property
    def ends(self):
        _, p = self.shapes
        return 0.0, np.where(p == 1.0, 0.0, np.inf)

    def minus_log_density(self):
        n, p = self.shapes
        return -n * np.log(p), [(-np.log1p(-p), "mean"), (-1.0, "log_rising", n)]

    def moments(self):
        n, p = self.shapes
        return n * (1.0 - p) / p, n * (1.0 - p) / p**2

    def divergence(self, other):
        (n, p), (other_n, other_p) = self.shapes, other.shapes
        known = (n == other_n) & (self.loc == other.loc)
        return np.where(known, n / p * bernoulli_divergence(p, other_p), UNKNOWN)

    def blend(self, other, alpha):
        (n, p), (other_n, other_p) = self.shapes, other.shapes
        log_failure = log_blend(1.0 - p, 1.0 - other_p, alpha)
        known = (n == other_n) & (self.loc == 0.0)
        exists = (log_failure < 0.0) | ~known
        blend = -np.expm1(np.where(exists & known, log_failure, -1.0))
        shapes = n, np.where(known, blend, UNKNOWN)
        return NegativeBinomial(self.loc, self.scale, shapes), exists


class DiscreteUniform(CountLaw):
    """Uniform distributions on so many numbers in a row."""

    @property
    def ends(self):
        return 0.0, self.shapes[0] - 1.0

    def minus_log_density(self):
        return np.log(self.shapes[0]), []

    def moments(self):
        (count,) = self.shapes
        return 0.5 * (count - 1.0), (count**2 - 1.0) / 12.0

    def divergence(self, other):
        return log_ratio(other.shapes[0], self.shapes[0])

    def blend(self, other, alpha):
        (low, high), (other_low, other_high) = self.support(), other.support()
        low, high = np.maximum(low, other_low), np.minimum(high, other_high)
        return DiscreteUniform(low, 1.0, (high - low + 1.0,)), True
