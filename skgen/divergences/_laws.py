r"""A distribution as it looks in the coordinates of another one.

A divergence does not change under an affine map of both distributions, and every
family of scipy's has a location and a scale. Seen from q, that is, with q in standard
form, the log-density of q is a constant and a few *statistics* of x: x, x², log x, ...
Whichever family p is of, all it has to tell is their expectations. So n families
answer for n² pairs. The families are in `_continuous` and `_counts`.

In this room NaN is "has no closed form", and who calls it silences what numpy has to
say about dividing by 0.
"""

from dataclasses import dataclass

import numpy as np

UNKNOWN = np.nan
ROUNDING = 4.0 * np.finfo(np.float64).eps


@dataclass(frozen=True)
class Law:
    """One distribution, or a batch, of a family with location and scale.

    Parameters
    ----------
    loc, scale : ndarray
        Location and scale. A negative scale mirrors: the smallest-value Gumbel
        distribution is the mirrored largest-value one.

    shapes : tuple of ndarray, default=()
        Further parameters.
    """

    loc: np.ndarray
    scale: np.ndarray
    shapes: tuple = ()

    #: Ends of the standard form's support.
    ends = (-np.inf, np.inf)

    def seen_from(self, other):
        """This law in the coordinates in which `other` has standard form."""
        loc = (self.loc - other.loc) / other.scale
        return self.replace(loc, self.scale / other.scale)

    def replace(self, loc, scale):
        """The same shapes elsewhere."""
        return type(self)(loc, scale, self.shapes)

    def support(self):
        """Ends of the support, the lower one first."""
        first, last = (self.loc + self.scale * end for end in self.ends)
        return np.minimum(first, last), np.maximum(first, last)

    def rounding(self):
        """How far rounding may have moved an end: loc + scale · end is two steps."""
        low, high = self.support()
        finite = [np.where(np.isfinite(end), np.abs(end), 0.0) for end in (low, high)]
        size = np.maximum(np.abs(self.loc), np.maximum(*finite))
        return np.where(self.loc == 0.0, 0.0, ROUNDING * size)

    def contains(self, other):
        """Whether the support of `other` lies in this one's, up to rounding."""
        (low, high), (other_low, other_high) = self.support(), other.support()
        slack = np.maximum(self.rounding(), other.rounding())
        return (other_low >= low - slack) & (other_high <= high + slack)

    def is_apart_from(self, other):
        """Whether the two supports have nothing in common."""
        (low, high), (other_low, other_high) = self.support(), other.support()
        slack = np.maximum(self.rounding(), other.rounding())
        return (other_low >= high - slack) | (other_high <= low + slack)

    # The family itself

    def minus_log_density(self):
        """Of the standard form: a constant, and (coefficient, statistic, arguments)."""
        raise NotImplementedError

    def standard_entropy(self):
        """Entropy of the standard form, where `minus_log_density` would cancel."""
        return UNKNOWN

    def moments(self):
        """Mean and variance of the standard form."""
        return UNKNOWN, UNKNOWN

    def log_moments(self):
        """Mean and variance of the standard form's logarithm."""
        return UNKNOWN, UNKNOWN

    def raw_power(self, exponent):
        """Expectation of a power of the standard form."""
        return UNKNOWN

    def log_mgf(self, rate):
        """Logarithm of E exp(rate · x) for the standard form."""
        return UNKNOWN

    def divergence(self, other):
        """D(self ‖ other) within the family, to good relative accuracy."""
        return UNKNOWN

    def blend(self, other, alpha):
        """The law that is proportional to self^α other^(1-α), and where there is one.

        `other` is in standard form.
        """
        return self.replace(UNKNOWN, UNKNOWN), True

    def renyi(self, other, alpha):
        r"""Rényi divergence, by way of the blend m of the two.

        .. math:: D_α(p \| q) = D(m \| q) + \frac{α}{1 - α} D(m \| p),

        which keeps its accuracy as α → 1, where :math:`\log \int p^α q^{1-α}` and
        what it is divided by both go to 0.
        """
        blend, exists = self.blend(other, alpha)
        to_other, to_self = blend.divergence(other), blend.divergence(self)
        value = to_other + alpha / (1.0 - alpha) * to_self
        return np.where(exists, value, np.inf)

    # Expectations of statistics

    def mean(self):
        """E x."""
        mean, _ = self.moments()
        return self.loc + self.scale * mean

    def square(self):
        """E x²."""
        _, variance = self.moments()
        return self.mean() ** 2 + self.scale**2 * variance

    def magnitude(self):
        """E |x|."""
        low, high = self.support()
        mean = self.mean()
        across = self.magnitude_across()
        return np.where(low >= 0.0, mean, np.where(high <= 0.0, -mean, across))

    def magnitude_across(self):
        """E |x| where the support has numbers of either sign."""
        return UNKNOWN

    def log(self):
        """E log x."""
        mean, _ = self.log_moments()
        return np.where(self.starts_at_zero(), np.log(self.scale) + mean, UNKNOWN)

    def log_squared(self):
        """E log² x."""
        mean, variance = self.log_moments()
        value = (np.log(self.scale) + mean) ** 2 + variance
        return np.where(self.starts_at_zero(), value, UNKNOWN)

    def log_one_minus(self):
        """E log(1 − x)."""
        return self.replace(1.0 - self.loc, -self.scale).log()

    def power(self, exponent):
        """E x^exponent."""
        value = self.scale**exponent * self.raw_power(exponent)
        value = np.where(self.starts_at_zero(), value, UNKNOWN)
        value = np.where(np.equal(exponent, 2.0), self.square(), value)
        return np.where(np.equal(exponent, 1.0), self.mean(), value)

    def exponential(self, rate):
        """E exp(rate · x)."""
        return np.exp(rate * self.loc + self.log_mgf(rate * self.scale))

    def log_one_plus_square(self, df):
        """E log(1 + x² / df)."""
        return UNKNOWN

    def softplus(self):
        """E log(1 + exp(−x))."""
        return UNKNOWN

    def cosine(self):
        """E cos x."""
        return UNKNOWN

    def starts_at_zero(self):
        """Where multiples of the standard form are all there is."""
        return (self.loc == 0.0) & (self.scale > 0.0)
