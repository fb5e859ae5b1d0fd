r"""Rényi divergences of order below 1 between mixtures that lie far apart.

The mass of :math:`p^\alpha q^{1-\alpha}` then lies between the two, where neither has
points. For mixtures :math:`p = \sum_a \pi_a p_a` and :math:`q = \sum_b \omega_b q_b`,

.. math::

    p^\alpha q^{1-\alpha} \leq
    \sum_{ab} \pi_a^\alpha \omega_b^{1-\alpha} p_a^\alpha q_b^{1-\alpha},

a sum of multiples of Gaussians. Points of that mixture see all of the integral, with
weights of at most 1.
"""

import numpy as np
from scipy.special import logsumexp

from ._functionals import Functional
from ._gaussian_mixtures import GaussianMixtureDensity

# Above so many nats the bound shows that p and q share little.
FAR_APART = 1.0

# Pairs of components that the mixture may have, and the share below which one of
# them is left out.
MOST_PAIRS = 1024
LEAST_SHARE = 1e-18


class GeometricRenyi(Functional):
    r"""The divergence, from the mean of :math:`p^\alpha q^{1-\alpha} / (Z r)` under r.

    Parameters
    ----------
    alpha : float
        The order.

    log_total : float
        Log of Z, the integral of the bound; r is the bound divided by it.
    """

    def __init__(self, alpha, log_total):
        self.alpha = alpha
        self.log_total = log_total

    def under_p(self, log_p, log_q):
        return np.exp(np.minimum(log_q - log_p - self.log_total, 0.0))

    def finish(self, integral):
        return (self.log_total + np.log(integral)) / (self.alpha - 1.0)

    def slope(self, integral):
        return 1.0 / (integral * (self.alpha - 1.0))


class PowerDensity:
    """The product of powers of two densities, which is no density itself."""

    can_sample = False

    def __init__(self, p, q, alpha):
        self.p, self.q, self.alpha = p, q, alpha
        self.n_features = p.n_features
        self.n_components = p.n_components + q.n_components

    def log_density(self, X):
        """Log of p^α q^(1−α)."""
        log_p, log_q = self.p.log_density(X), self.q.log_density(X)
        return self.alpha * log_p + (1.0 - self.alpha) * log_q


def between(p, q, alpha):
    """What to integrate, under which mixture, if p and q lie far apart.

    Parameters
    ----------
    p, q : GaussianMixtureDensity
        The mixtures.

    alpha : float
        The order.

    Returns
    -------
    functional, r, power : GeometricRenyi, GaussianMixtureDensity and PowerDensity
        Or None where points of p and q will do, or pairs are too many.
    """
    if not 0.0 < alpha < 1.0 or p.n_components * q.n_components > MOST_PAIRS:
        return None
    parts = [_pairs(p, q, b, alpha) for b in range(q.n_components)]
    logs, means, covariances = (np.concatenate(each) for each in zip(*parts))
    log_total = float(logsumexp(logs))
    if -log_total / (1.0 - alpha) < FAR_APART:
        return None
    shares = np.exp(logs - log_total)
    kept = shares > LEAST_SHARE
    r = GaussianMixtureDensity.of_covariances(
        shares[kept] / shares[kept].sum(), means[kept], covariances[kept]
    )
    return GeometricRenyi(alpha, log_total), r, PowerDensity(p, q, alpha)


def _pairs(p, q, b, alpha):
    """Log-integrals, means and covariances of p_a^α q_b^(1−α), for each a."""
    beta = 1.0 - alpha
    crossed = alpha * q.covariances[b] + beta * p.covariances  # Σ*
    shifts = p.means - q.means[b]
    solved = np.linalg.solve(crossed, shifts[:, :, None])[:, :, 0]
    # Λ⁻¹ = Σ_a Σ*⁻¹ Σ_b, and the mean moves from μ_b by α Σ_b Σ*⁻¹ (μ_a − μ_b)
    covariances = p.covariances @ np.linalg.solve(crossed, q.covariances[b][None])
    covariances = 0.5 * (covariances + np.swapaxes(covariances, 1, 2))
    means = q.means[b] + alpha * solved @ q.covariances[b]
    log_volume = np.linalg.slogdet(crossed)[1] - (
        beta * p.log_determinants + alpha * q.log_determinants[b]
    )
    distances = alpha * beta * np.sum(shifts * solved, axis=1)
    log_weights = alpha * np.log(p.weights) + beta * np.log(q.weights[b])
    return log_weights - 0.5 * (distances + log_volume), means, covariances
