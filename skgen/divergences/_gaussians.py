"""What is known in closed form between Gaussians, component by component."""

import numpy as np

from ._excess import exp_excess

# Variances below this share of the largest are zero in a singular covariance.
NOTHING = 1e-10

# Differences of variances below this share of them are rounding errors.
ROUNDING = 1e-14


def gaussian_cross_entropy(p, q):
    """Cross-entropy of any mixture p to one Gaussian q: moments of p are enough."""
    whiten = q.precision_roots[0].T
    spread = np.sum((whiten @ p.covariance) * whiten)
    distance = np.square(whiten @ (p.mean - q.means[0])).sum()
    constant = q.n_features * np.log(2.0 * np.pi) + q.log_determinants[0]
    return 0.5 * (constant + spread + distance)


def gaussian_entropies(mixture):
    """Entropy of each component."""
    d = mixture.n_features
    return 0.5 * (d * (1.0 + np.log(2.0 * np.pi)) + mixture.log_determinants)


def kl_between_components(p, q):
    r"""Matrix of :math:`D(p_a \| q_b)`, shape (p.n_components, q.n_components).

    With :math:`\Sigma_b = L_b L_b^T` and M the lower triangle :math:`L_b^{-1} L_a`,

    .. math::

        2 D = \sum_i (M_{ii}^2 - 1 - \log M_{ii}^2) + \sum_{i > j} M_{ij}^2
        + \|L_b^{-1} (\mu_a - \mu_b)\|^2,

    a sum of terms none of which is negative, so that no digits are lost where the
    components are close. Those too far apart for floats are infinitely far apart.
    """
    out = np.empty((p.n_components, q.n_components))
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        for b in range(q.n_components):
            whiten = q.precision_roots[b].T
            ratios = whiten @ p.roots
            diagonals = np.diagonal(ratios, axis1=1, axis2=2)
            below = np.tril(ratios, -1)
            off_diagonal = np.einsum("aij,aij->a", below, below)
            shifts = np.square((p.means - q.means[b]) @ whiten.T).sum(axis=1)
            out[:, b] = 0.5 * (
                exp_excess(2.0 * np.log(diagonals)).sum(axis=1) + off_diagonal + shifts
            )
    # parameters are finite: only what overflowed, ∞ − ∞, is no number
    return np.where(np.isnan(out), np.inf, out)


def log_products(p, q):
    r"""Matrix of :math:`\log \int p_a q_b`, which is the log-density of
    :math:`\mathcal N(\mu_b, \Sigma_a + \Sigma_b)` at :math:`\mu_a`."""
    out = np.empty((p.n_components, q.n_components))
    for b in range(q.n_components):
        roots = np.linalg.cholesky(p.covariances + q.covariances[b])
        shifts = np.linalg.solve(roots, (p.means - q.means[b])[:, :, None])[:, :, 0]
        half_log = np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(axis=1)
        distances = np.square(shifts).sum(axis=1)
        out[:, b] = -half_log - 0.5 * (distances + p.n_features * np.log(2.0 * np.pi))
    return out


def renyi_between_gaussians(p, q, alpha):
    r"""Rényi divergence of two single Gaussians, infinite where the integral is.

    With :math:`\Sigma^* = \alpha \Sigma_q + (1 - \alpha) \Sigma_p` it is
    :math:`\frac{\alpha}{2} \delta^T \Sigma^{*-1} \delta - \frac{1}{2(\alpha - 1)}
    \log \frac{|\Sigma^*|}{|\Sigma_p|^{1 - \alpha} |\Sigma_q|^\alpha}`
    (Gil, Alajaji and Linder 2013, doi:10.1016/j.ins.2013.06.018), infinite unless
    Σ* is positive definite.
    """
    whiten = q.precision_roots[0].T
    directions, deviations, _ = np.linalg.svd(whiten @ p.roots[0])
    variances = np.square(deviations)
    stretched = 1.0 + (1.0 - alpha) * (variances - 1.0)
    if (stretched <= ROUNDING * (1.0 + variances)).any():
        return np.inf
    shift = directions.T @ (whiten @ (p.means[0] - q.means[0]))
    distance = np.sum(shift**2 / stretched)
    volume = np.log(stretched) - (1.0 - alpha) * np.log(variances)
    return 0.5 * (alpha * distance - volume.sum() / (alpha - 1.0))


def renyi_is_infinite(p, q, alpha):
    """Whether a direction shows that the integral of p^α q^(1−α) diverges.

    Far out along u the density p falls like exp(−r²/2 · min_a uᵀ Λ_a u), and q
    likewise. The directions tried are those in which a precision of p and one of q
    differ most.
    """
    if alpha < 1.0:
        return False
    tried = [np.eye(p.n_features)]
    for a in range(p.n_components):
        whitened = np.swapaxes(p.roots[a], 0, 1) @ q.precision_roots
        directions = np.linalg.eigh(whitened @ np.swapaxes(whitened, 1, 2))[1]
        tried.append(np.hstack(p.roots[a] @ directions))
    directions = np.hstack(tried)
    tails = [
        np.square(np.swapaxes(d.precision_roots, 1, 2) @ directions).sum(1).min(0)
        for d in (p, q)
    ]
    return bool((alpha * tails[0] < (alpha - 1.0) * tails[1] * (1.0 - 1e-12)).any())


def kl_of_singular(p, q):
    """D(p ‖ q) of Gaussians of which one at least has a singular covariance.

    Finite only where both live on the same flat; there they are compared.

    Parameters
    ----------
    p, q : tuple of (mean, covariance)
        The Gaussians.

    Returns
    -------
    divergence : float or None
        None where they are of different numbers of features.
    """
    ranks = [np.sum(_variances(covariance) > NOTHING) for _, covariance in (p, q)]
    (mean_p, covariance_p), (mean_q, covariance_q) = p, q
    if len(mean_p) != len(mean_q):
        return None
    if ranks[0] != ranks[1]:
        return np.inf
    units = np.sqrt(np.diag(covariance_q) + np.diag(covariance_p))
    units[units == 0.0] = 1.0
    variances, axes = np.linalg.eigh(covariance_q / np.outer(units, units))
    flat = variances > NOTHING * variances.max(initial=0.0)
    shift = axes.T @ ((mean_p - mean_q) / units)
    other = axes.T @ (covariance_p / np.outer(units, units)) @ axes
    off = np.abs(other[~flat]).max(initial=0.0) + np.abs(shift[~flat]).max(initial=0.0)
    if off > np.sqrt(NOTHING):
        return np.inf
    scale = np.sqrt(variances[flat])
    ratio = other[np.ix_(flat, flat)] / np.outer(scale, scale)
    shift = shift[flat] / scale
    return 0.5 * float(
        exp_excess(np.log(np.linalg.eigvalsh(ratio))).sum() + shift @ shift
    )


def _variances(covariance):
    """Eigenvalues in units of the columns, the largest one being 1."""
    units = np.sqrt(np.diag(covariance))
    units = np.where(units > 0.0, units, 1.0)
    values = np.linalg.eigvalsh(covariance / np.outer(units, units))
    return values / max(values.max(), np.finfo(float).tiny)
