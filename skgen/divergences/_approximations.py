r"""What the literature has in closed form for mixtures: bounds and approximations.

None of them is a default: each is off by an amount that it does not tell.
With f_a the components of p, of weights π_a, and g_b those of q, of weights ω_b,
they are made of :math:`D(f_a \| f_{a'})`, :math:`D(f_a \| g_b)` and of the overlaps
:math:`\int f_a g_b`.
"""

import numpy as np
from scipy.special import logsumexp

from ._gaussians import (
    gaussian_entropies,
    kl_between_components,
    log_products,
)

# The variational upper bound is iterated until it falls by less than this share.
ENOUGH = 1e-10
MOST_ITERATIONS = 1000


def variational(p, q):
    """Hershey and Olsen's (2007) approximation, eq. 20."""
    within = logsumexp(-kl_between_components(p, p), axis=1, b=p.weights)
    between = logsumexp(-kl_between_components(p, q), axis=1, b=q.weights)
    return float(p.weights @ (within - between))


def variational_upper(p, q):
    """Hershey and Olsen's (2007) upper bound, section 8.

    Each component of p is split into shares φ that go to components of q, and
    those into shares ψ; the divergence of the pairs bounds that of the sums, and
    both are improved in turn.
    """
    distances = kl_between_components(p, q)
    log_p, log_q = np.log(p.weights)[:, None], np.log(q.weights)
    log_phi = log_p + log_q
    bound = np.inf
    for _ in range(MOST_ITERATIONS):
        log_psi = log_q + log_phi - logsumexp(log_phi, axis=0)
        log_phi = log_psi - distances
        log_phi = log_p + log_phi - logsumexp(log_phi, axis=1, keepdims=True)
        # a share of 0 counts for nothing, and its logarithm is −∞ in both
        live = np.exp(log_phi) > 0.0
        gap = np.where(live, log_phi - np.where(live, log_psi, 0.0) + distances, 0.0)
        last, bound = bound, float(np.sum(np.exp(log_phi) * gap))
        if last - bound <= ENOUGH * abs(bound):
            break
    return bound


def durrieu_lower(p, q):
    """The lower bound of Durrieu, Thiran and Kelly (2012), theorem 2."""
    within = logsumexp(-kl_between_components(p, p), axis=1, b=p.weights)
    between = logsumexp(log_products(p, q), axis=1, b=q.weights)
    return float(p.weights @ (within - between - gaussian_entropies(p)))


def durrieu_upper(p, q):
    """The upper bound of Durrieu, Thiran and Kelly (2012), theorem 2."""
    within = logsumexp(log_products(p, p), axis=1, b=p.weights)
    between = logsumexp(-kl_between_components(p, q), axis=1, b=q.weights)
    return float(p.weights @ (within - between + gaussian_entropies(p)))


def unscented(p, q):
    """The unscented approximation of Goldberger, Gordon and Greenspan (2003).

    Each component stands for 2d points at √d standard deviations along its axes.
    """
    d = p.n_features
    normals = np.sqrt(d) * np.vstack([np.eye(d), -np.eye(d)])
    variances, axes = np.linalg.eigh(p.covariances)
    roots = axes * np.sqrt(variances)[:, None, :]
    points = p.means[:, None] + np.einsum("nj,kij->kni", normals, roots)
    rows = points.reshape(-1, d)
    difference = p.log_density(rows) - q.log_density(rows)
    return float(p.weights @ difference.reshape(p.n_components, -1).mean(axis=1))


def moment_matching(p, q):
    """The divergence of the two Gaussians with the mixtures' moments."""
    distances = kl_between_components(p.moment_matched(), q.moment_matched())
    return float(distances[0, 0])


def bounds(p, q):
    """The largest lower and the least upper bound known of D(p ‖ q)."""
    if p.n_components == q.n_components == 1:
        exact = float(kl_between_components(p, q)[0, 0])
        return exact, exact
    lower = max(0.0, durrieu_lower(p, q))
    if q.n_components == 1:
        # log q is quadratic: D(p ‖ q) = D(p ‖ p's moments) + D(p's moments ‖ q)
        lower = max(lower, moment_matching(p, q))
    upper = min(durrieu_upper(p, q), variational_upper(p, q))
    return lower, max(upper, lower)


APPROXIMATIONS = {
    "durrieu_lower": durrieu_lower,
    "durrieu_upper": durrieu_upper,
    "moment_matching": moment_matching,
    "unscented": unscented,
    "variational": variational,
    "variational_upper": variational_upper,
}
