r"""What convex functions leave above their tangents, without cancellation.

Divergences within a family are sums of these. Written as differences of logarithms
they would lose every digit for two distributions that nearly agree; as here they keep
their relative accuracy and are never negative.
"""

import numpy as np
from scipy.special import gammaln, polygamma, psi

# Below it the series of exp has 1e-17 left after 16 terms.
SMALL = 0.5

# Nodes and weights on [0, 1]. The curvatures integrated here are analytic in
# log t within π of the real line, so over a range of e^4 the rest is below 1e-18.
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)
NODES, WEIGHTS = 0.5 * (NODES + 1.0), 0.5 * WEIGHTS
LONGEST_LOG_RANGE = 4.0

# From here on Stirling's series for ψ'(t) − 1/t is exact to rounding.
STIRLING_FROM = 50.0


def exp_excess(x):
    r""":math:`e^x - 1 - x`."""
    x = np.asarray(x, dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        far = np.where(np.isinf(x), np.inf, np.expm1(x) - x)
    near = np.clip(x, -SMALL, SMALL)
    series = np.ones_like(near)
    for order in range(17, 2, -1):
        series = 1.0 + series * near / order
    return np.where(np.abs(x) < SMALL, 0.5 * near * near * series, far)


def log_ratio(x, y):
    r""":math:`\log(x / y)` for positive numbers, accurate where they nearly agree."""
    x, y = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        change = (x - y) / y
        far = np.log(x) - np.log(y)
        return np.where(np.abs(change) < SMALL, np.log1p(change), far)


def relative_excess(x, y):
    r""":math:`x \log(x / y) - x + y`, for numbers not below 0."""
    with np.errstate(invalid="ignore", over="ignore"):
        positive = x * exp_excess(log_ratio(y, x))
    return np.where(np.equal(x, 0.0), y, positive)


def gamma_excess(x, at):
    r"""Rise of :math:`\log \Gamma` at x above its tangent at `at`."""

    def trigamma(t):
        return polygamma(1, t)

    direct = gammaln(x) - gammaln(at) - (x - at) * psi(at)
    return _excess(trigamma, direct, x, at)


def stirling_excess(x, at):
    r"""As `gamma_excess`, of :math:`G(a) = \log \Gamma(a) - a \log a + a`.

    G is what gamma, beta and Dirichlet distributions add beyond the shapes' ratios.
    """
    direct = gammaln(x) - gammaln(at) - (x - at) * psi(at)
    direct = direct - relative_excess(x, at)
    return _excess(_stirling_curvature, direct, x, at)


def _stirling_curvature(t):
    r""":math:`\psi'(t) - 1/t`."""
    inverse = 1.0 / t
    square = inverse * inverse
    series = 1 / 6 - square * (1 / 30 - square * (1 / 42 - square / 30))
    series = square * (0.5 + inverse * series)
    return np.where(t > STIRLING_FROM, series, polygamma(1, t) - inverse)


def _excess(curvature, direct, x, at):
    r""":math:`\int_a^x (x - t) F''(t) \, dt`, in log t, or `direct` if x is far."""
    log_range = log_ratio(x, at)
    near = np.abs(log_range) < LONGEST_LOG_RANGE
    log_range = np.where(near, log_range, 0.0)[..., np.newaxis]
    at = np.asarray(at, dtype=np.float64)[..., np.newaxis]
    t = at * np.exp(log_range * NODES)
    left = t * np.expm1(log_range * (1.0 - NODES))  # x − t
    integral = np.sum(left * curvature(t) * t * log_range * WEIGHTS, axis=-1)
    return np.where(near, integral, np.maximum(direct, 0.0))
