"""Families of vectors and matrices, as `_continuous` has those of numbers.

They have no location. Entropies are scipy's own.
"""

import numpy as np
from scipy import stats
from scipy.linalg import eigh

from ._continuous import dirichlet_divergence
from ._counts import categorical_divergence
from ._excess import exp_excess, gamma_excess
from ._laws import UNKNOWN


def dirichlet(p, q):
    """Between Dirichlet distributions."""
    _check_dimensions(len(p.alpha), len(q.alpha))
    return dirichlet_divergence(list(p.alpha), list(q.alpha))


def multinomial(p, q):
    """Between multinomial distributions of as many trials."""
    _check_dimensions(p.p.shape[-1], q.p.shape[-1])
    divergence = categorical_divergence(
        np.moveaxis(p.p, -1, 0), np.moveaxis(q.p, -1, 0)
    )
    # with another number of trials no count of p's has a probability under q
    return np.where(np.equal(p.n, q.n), p.n * divergence, np.inf)


def wishart(p, q):
    """Between Wishart distributions."""
    return _wishart_divergence(p.df, q.df, _log_stretches(p.scale, q.scale))


def inverse_wishart(p, q):
    """Between inverse Wishart distributions: that between the inverses' laws."""
    return _wishart_divergence(p.df, q.df, _log_stretches(q.scale, p.scale))


def _wishart_divergence(df, other_df, log_stretches):
    r"""By the logarithms of the eigenvalues λ of :math:`V_q^{-1} V_p`.

    .. math:: \sum_i \tfrac n2 (\lambda_i - 1 - \log \lambda_i)
              + \tfrac{n - m}{2} \log \lambda_i + B_i,

    B_i the excess of log Γ at (m − i) / 2 above its tangent at (n − i) / 2.
    """
    order = np.arange(len(log_stretches))
    excess = gamma_excess(0.5 * (other_df - order), 0.5 * (df - order))
    terms = 0.5 * df * exp_excess(log_stretches) + excess
    value = np.sum(terms) + 0.5 * (df - other_df) * np.sum(log_stretches)
    return np.maximum(value, 0.0)


def _log_stretches(scale, other):
    """Logarithms of the generalised eigenvalues of two positive definite matrices."""
    _check_dimensions(len(scale), len(other))
    if np.array_equal(scale, other):
        return np.zeros(len(scale))
    return np.log(eigh(scale, other, eigvals_only=True))


def _check_dimensions(own, other):
    if own != other:
        raise ValueError(
            f"p and q must have the same dimension to be compared; got {own} and "
            f"{other}."
        )


#: From types of frozen distributions to their divergence.
DIVERGENCES = {
    type(stats.dirichlet([1.0, 1.0])): dirichlet,
    type(stats.multinomial(1, [0.5, 0.5])): multinomial,
    type(stats.wishart(1, 1)): wishart,
    type(stats.invwishart(1, 1)): inverse_wishart,
}


def kl(p, q):
    """D(p ‖ q), NaN where it has no closed form."""
    if type(p) is not type(q):
        return UNKNOWN
    return DIVERGENCES[type(p)](p, q)


def cross_entropy(p, q):
    """−E_p log q, NaN where it has no closed form."""
    divergence = kl(p, q)
    return divergence + p.entropy()


def entropy(p):
    """−E_p log p."""
    return p.entropy()


def renyi(p, q):
    """Rényi divergence, which none of these families has here."""
    return UNKNOWN
