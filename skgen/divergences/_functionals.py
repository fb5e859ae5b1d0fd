r"""The quantities of this room as integrals, apart from how they are integrated.

Each is a function of

.. math:: I = E_p[f(\log p, \log q)] + E_q[g(\log p, \log q)],

and f and g are all that sums, quadrature and sampling need to know of it.
"""

from abc import ABC, abstractmethod

import numpy as np

from ._excess import exp_excess, relative_excess

LOG_2 = np.log(2.0)


class Functional(ABC):
    """A quantity that depends on two densities p and q through I.

    `log_p` and `log_q` are log-densities at points of one kind: where `under_p` is
    asked, p is not 0, where `under_q` is asked, q is not 0; the other one may be,
    and its logarithm is then minus infinity.
    """

    #: Smallest and largest value, in nats.
    lowest, highest = 0.0, np.inf

    #: Whether `under_q` contributes.
    needs_q = False

    #: Whether I is :math:`E_p[\log p - \log q]`, to which (q − p) adds nothing but the
    #: certainty that no term is negative.
    is_excess = False

    #: Whether the quantity may be small because p and q are alike; errors are then
    #: relative to it. Others are of the size of an entropy.
    compares = True

    @abstractmethod
    def under_p(self, log_p, log_q):
        """The function f."""

    def under_q(self, log_p, log_q):
        """The function g."""
        return np.zeros(np.broadcast(log_p, log_q).shape)

    def under_midpoint(self, log_p, log_q):
        r"""A function whose mean under m = (p + q) / 2 is I, at points of m.

        Functions of mean zero, :math:`(q - p) / m` above all, are added where that
        leaves nothing but terms of one sign: two densities that are alike then differ
        by little and certainly.
        """
        log_m = log_midpoint(log_p, log_q)
        return _times(np.exp(log_p - log_m), self.under_p(log_p, log_q)) + _times(
            np.exp(log_q - log_m), self.under_q(log_p, log_q)
        )

    def near(self, log_p, log_q):
        """A function whose mean under p is I where p and q nearly agree.

        Functions of mean zero are added as in `under_midpoint`, and every term is of
        second order in log(q / p): small divergences keep their relative accuracy.
        None where there is no such function.
        """
        return None

    def finish(self, integral):
        """The quantity, from I."""
        return integral

    def slope(self, integral):
        """Derivative of the quantity with respect to I."""
        return np.ones_like(integral)

    def finish_near(self, integral):
        """The quantity, from the mean of `near`."""
        return integral


class Entropy(Functional):
    r""":math:`H(p) = -E_p[\log p]`, in [-∞, ∞] for densities."""

    lowest = -np.inf
    compares = False

    def under_p(self, log_p, log_q):
        return -log_p


class CrossEntropy(Functional):
    r""":math:`H(p, q) = -E_p[\log q]`."""

    lowest = -np.inf
    compares = False

    def under_p(self, log_p, log_q):
        return -log_q


class KullbackLeibler(Functional):
    r""":math:`D(p \| q) = E_p[\log p - \log q]`."""

    is_excess = True

    def under_p(self, log_p, log_q):
        return log_p - log_q

    def under_midpoint(self, log_p, log_q):
        log_m = log_midpoint(log_p, log_q)
        only_q = np.isneginf(log_p)
        difference = np.where(only_q, 0.0, log_q - np.where(only_q, 0.0, log_p))
        # e^x − 1 − x of x = log(q / p); a large x has a p / m to match
        share = np.exp(log_p - log_m)
        excess = np.exp(log_q - log_m) - share * (1.0 + difference)
        near = np.abs(difference) < 1.0
        np.copyto(excess, share * exp_excess(difference), where=near & ~only_q)
        return np.where(only_q, 2.0, excess)

    def near(self, log_p, log_q):
        return exp_excess(log_q - log_p)


class Jeffreys(Functional):
    r""":math:`D(p \| q) + D(q \| p)`."""

    needs_q = True

    def under_p(self, log_p, log_q):
        return log_p - log_q

    def under_q(self, log_p, log_q):
        return log_q - log_p

    def near(self, log_p, log_q):
        return (log_q - log_p) * np.expm1(log_q - log_p)


class JensenShannon(Functional):
    r""":math:`\frac12 D(p \| m) + \frac12 D(q \| m)` with :math:`m = (p + q) / 2`."""

    highest = LOG_2
    needs_q = True

    def under_p(self, log_p, log_q):
        # log(p / m) from log(q / p), so that it is 0 where p = q
        return 0.5 * (LOG_2 - np.logaddexp(0.0, log_q - log_p))

    def under_q(self, log_p, log_q):
        return 0.5 * (LOG_2 - np.logaddexp(0.0, log_p - log_q))

    def near(self, log_p, log_q):
        u = np.expm1(log_q - log_p)  # q / p − 1, and the midpoint's is half of it
        to_p = relative_excess(1.0, 1.0 + 0.5 * u)
        return 0.5 * (to_p + relative_excess(1.0 + u, 1.0 + 0.5 * u))


class Renyi(Functional):
    r""":math:`\frac{1}{\alpha - 1} \log \int p^\alpha q^{1 - \alpha}`, α not 0 or 1.

    The integral is taken under the midpoint m: its integrand there,
    :math:`p^\alpha q^{1 - \alpha} / m`, is at most 2 for α in (0, 1).

    Parameters
    ----------
    alpha : float
        The order.
    """

    needs_q = True

    def __init__(self, alpha):
        self.alpha = alpha

    def under_p(self, log_p, log_q):
        with np.errstate(over="ignore"):  # an integral may be infinite for α > 1
            return 0.5 * np.exp(self._log_ratio(log_p, log_q))

    under_q = under_p

    def under_midpoint(self, log_p, log_q):
        """With α p + (1 − α) q taken off and its integral, 1, put back."""
        log_m = log_midpoint(log_p, log_q)
        both = self.alpha * np.exp(log_p - log_m)
        both += (1.0 - self.alpha) * np.exp(log_q - log_m)
        with np.errstate(over="ignore"):
            return 1.0 + (np.exp(self._log_ratio(log_p, log_q)) - both)

    def near(self, log_p, log_q):
        """Without the 1: `finish_near` knows of it."""
        beta, difference = 1.0 - self.alpha, log_q - log_p
        return exp_excess(beta * difference) - beta * exp_excess(difference)

    def log_power(self, log_p, log_q):
        """Log of p^α q^(1-α), of which each factor may be 0."""
        without_q = np.isneginf(log_q)
        nothing = np.isneginf(log_p) | without_q
        infinite = without_q & ~np.isneginf(log_p) & (self.alpha > 1.0)
        log_p = np.where(nothing, 0.0, log_p)
        log_q = np.where(nothing, 0.0, log_q)
        power = self.alpha * log_p + (1.0 - self.alpha) * log_q
        return np.where(nothing, np.where(infinite, np.inf, -np.inf), power)

    def _log_ratio(self, log_p, log_q):
        """Log of p^α q^(1-α) / m."""
        log_m = log_midpoint(log_p, log_q)
        # where neither has mass, the power is −∞ already
        log_m = np.where(np.isneginf(log_m), 0.0, log_m)
        return self.log_power(log_p, log_q) - log_m

    def finish(self, integral):
        with np.errstate(divide="ignore"):
            return np.log(integral) / (self.alpha - 1.0)

    def finish_near(self, integral):
        return np.log1p(integral) / (self.alpha - 1.0)

    def slope(self, integral):
        with np.errstate(divide="ignore"):
            return 1.0 / (integral * (self.alpha - 1.0))


def log_midpoint(log_p, log_q):
    """Log-density of (p + q) / 2."""
    return np.logaddexp(log_p, log_q) - LOG_2


def _times(factor, value):
    """Product in which a factor of 0 wins over infinity."""
    return np.where(factor == 0.0, 0.0, factor * np.where(factor == 0.0, 0.0, value))
