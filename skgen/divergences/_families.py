r"""Closed forms for frozen distributions of `scipy.stats`.

Every function answers in nats, a float or for batches an ndarray, or None where there
is no closed form (for one element of a batch at least). What the families know is in
`_continuous`, `_counts` (whole numbers) and `_matrix_laws` (vectors and
matrices); multivariate normal distributions live elsewhere.
"""

from functools import partial

import numpy as np
from scipy import stats

from . import _matrix_laws
from ._continuous import (
    Beta,
    GeneralisedGamma,
    Gumbel,
    HalfCauchy,
    Laplace,
    Logistic,
    LogNormal,
    Normal,
    Pareto,
    StudentT,
    Uniform,
    VonMises,
)
from ._counts import Binomial, DiscreteUniform, NegativeBinomial, Poisson
from ._laws import UNKNOWN

SQRT_2 = np.sqrt(2.0)


def _gamma(a, c, loc, scale):
    return GeneralisedGamma(loc, scale, (a, c))


def _with_shape(family):
    """Maker of laws with one shape parameter."""
    return lambda shape, loc, scale: family(loc, scale, (shape,))


# How scipy's parameters, shapes first, then loc and scale, make a law.
_MAKERS = [
    (stats.norm, Normal),
    (stats.laplace, Laplace),
    (stats.logistic, Logistic),
    (stats.uniform, Uniform),
    (stats.halfcauchy, HalfCauchy),
    (stats.lognorm, _with_shape(LogNormal)),
    (stats.vonmises, _with_shape(VonMises)),
    (stats.t, _with_shape(StudentT)),
    (stats.cauchy, lambda loc, scale: StudentT(loc, scale, (1.0,))),
    (stats.gumbel_r, Gumbel),
    (stats.gumbel_l, lambda loc, scale: Gumbel(loc, -scale)),
    (stats.pareto, _with_shape(Pareto)),
    (stats.beta, lambda a, b, loc, scale: Beta(loc, scale, (a, b))),
    (stats.powerlaw, lambda a, loc, scale: Beta(loc, scale, (a, 1.0))),
    (stats.arcsine, lambda loc, scale: Beta(loc, scale, (0.5, 0.5))),
    (stats.gengamma, _gamma),
    (stats.expon, lambda loc, scale: _gamma(1.0, 1.0, loc, scale)),
    (stats.gamma, lambda a, loc, scale: _gamma(a, 1.0, loc, scale)),
    (stats.erlang, lambda a, loc, scale: _gamma(a, 1.0, loc, scale)),
    (stats.chi2, lambda df, loc, scale: _gamma(0.5 * df, 1.0, loc, 2.0 * scale)),
    (stats.weibull_min, lambda c, loc, scale: _gamma(1.0, c, loc, scale)),
    (stats.weibull_max, lambda c, loc, scale: _gamma(1.0, c, loc, -scale)),
    (stats.rayleigh, lambda loc, scale: _gamma(1.0, 2.0, loc, SQRT_2 * scale)),
    (stats.halfnorm, lambda loc, scale: _gamma(0.5, 2.0, loc, SQRT_2 * scale)),
    (stats.maxwell, lambda loc, scale: _gamma(1.5, 2.0, loc, SQRT_2 * scale)),
    (stats.chi, lambda df, loc, scale: _gamma(0.5 * df, 2.0, loc, SQRT_2 * scale)),
    (stats.invgamma, lambda a, loc, scale: _gamma(a, -1.0, loc, scale)),
    (stats.invweibull, lambda c, loc, scale: _gamma(1.0, -c, loc, scale)),
    (stats.poisson, _with_shape(Poisson)),
    (stats.bernoulli, lambda p, loc, scale: Binomial(loc, scale, (1.0, p))),
    (stats.binom, lambda n, p, loc, scale: Binomial(loc, scale, (n, p))),
    (stats.nbinom, lambda n, p, loc, scale: NegativeBinomial(loc, scale, (n, p))),
    # counting the success, too
    (stats.geom, lambda p, loc, scale: NegativeBinomial(loc + 1.0, scale, (1.0, p))),
    (
        stats.randint,
        lambda low, high, loc, scale: DiscreteUniform(low + loc, scale, (high - low,)),
    ),
]

# By type, for a name is free to whoever derives a distribution of their own.
_LAWS = {type(distribution): maker for distribution, maker in _MAKERS}


def kl(p, q):
    """Kullback-Leibler divergence D(p ‖ q) in closed form.

    Parameters
    ----------
    p, q : frozen distribution of scipy.stats
        Parameters may be arrays, which broadcast.

    Returns
    -------
    divergence : float, ndarray or None
        In nats; None if there is no closed form. Exactly 0 where p and q have the
        same parameters.

    Raises
    ------
    ValueError
        If parameters are invalid, or if one of p and q has a density and the other
        probabilities.
    """
    return _closed_form(_kl, _matrix_laws.kl, p, q)


def cross_entropy(p, q):
    """Cross-entropy −E_p log q in closed form; as `kl`."""
    return _closed_form(_cross_entropy, _matrix_laws.cross_entropy, p, q)


def entropy(p):
    """Entropy −E_p log p in closed form; as `kl`."""
    return _closed_form(_entropy, _matrix_laws.entropy, p)


def renyi(p, q, alpha):
    r"""Rényi divergence :math:`\frac{1}{α - 1} \log \int p^α q^{1 - α}`; as `kl`.

    `alpha` is a number above 0 and other than 1.
    """
    return _closed_form(partial(_renyi, alpha=alpha), _matrix_laws.renyi, p, q)


def _closed_form(of_laws, of_matrix_laws, *frozen):
    """Call the function for numbers or the one for vectors; tell None for NaN."""
    if all(type(each) in _matrix_laws.DIVERGENCES for each in frozen):
        function, laws = of_matrix_laws, frozen
    else:
        _check_kinds(*frozen)
        function, laws = of_laws, [_law(each) for each in frozen]
    if any(law is None for law in laws):
        return None
    with np.errstate(all="ignore"):
        value = function(*laws)
    if np.isnan(value).any():
        return None
    return float(value) if np.ndim(value) == 0 else value


def _law(frozen):
    """The law of a frozen distribution, None if its family is not one of ours."""
    maker = _LAWS.get(type(getattr(frozen, "dist", None)))
    if maker is None:
        return None
    # scipy has no public way from positional and keyword arguments to parameters
    shapes, loc, scale = frozen.dist._parse_args(*frozen.args, **frozen.kwds)
    parameters = [np.asarray(each, dtype=np.float64) for each in (*shapes, loc, scale)]
    low, _ = frozen.support()
    if np.isnan(low).any() or not all(np.isfinite(each).all() for each in parameters):
        raise ValueError(
            f"the parameters of {describe(frozen)} are invalid: scipy gives NaN for "
            f"them."
        )
    return maker(*np.broadcast_arrays(*parameters))


def describe(frozen):
    """A frozen distribution as one would write it."""
    arguments = [repr(each) for each in frozen.args]
    arguments += [f"{name}={each!r}" for name, each in frozen.kwds.items()]
    return f"{frozen.dist.name}({', '.join(arguments)})"


def _check_kinds(*frozen):
    """Raise if one has a density and the other probabilities."""
    dists = [getattr(each, "dist", None) for each in frozen]
    continuous = [isinstance(dist, stats.rv_continuous) for dist in dists]
    discrete = [isinstance(dist, stats.rv_discrete) for dist in dists]
    if any(continuous) and any(discrete):
        raise ValueError(
            f"p and q must both have densities or both have probabilities, or there "
            f"is nothing to compare; got {' and '.join(map(describe, frozen))}."
        )


def _kl(p, q):
    within = p.divergence(q) if type(p) is type(q) else UNKNOWN
    across = np.maximum(_expected_minus_log(p, q) - _entropy(p), 0.0)
    value = np.where(np.isnan(within), across, within)
    return np.where(q.contains(p), value, np.inf)


def _cross_entropy(p, q):
    return np.where(q.contains(p), _expected_minus_log(p, q), np.inf)


def _entropy(p):
    value = p.standard_entropy() + np.log(np.abs(p.scale))
    return np.where(np.isnan(value), _expected_minus_log(p, p), value)


def _expected_minus_log(p, q):
    """−E_p log q where q has a density, term by term in q's coordinates."""
    seen = p.seen_from(q)
    constant, terms = q.minus_log_density()
    total, is_infinite = constant + np.log(np.abs(q.scale)), False
    for coefficient, statistic, *arguments in terms:
        expectation = getattr(seen, statistic)(*arguments)
        nothing = np.equal(coefficient, 0.0) | np.equal(expectation, 0.0)
        term = np.where(nothing, 0.0, coefficient * expectation)
        is_infinite = is_infinite | np.isposinf(term)
        total = total + term
    # Of the terms the one that grows fastest has a minus sign in log q, or q would have
    # no finite integral: if one term is +∞, then no other makes up for it.
    return np.where(is_infinite, np.inf, total)


def _renyi(p, q, alpha):
    value = UNKNOWN
    if type(p) is type(q):
        value = p.seen_from(q).renyi(q.seen_from(q), alpha)
    apart = p.is_apart_from(q)
    if alpha > 1.0:
        apart = apart | ~q.contains(p)
    return np.where(apart, np.inf, np.maximum(value, 0.0))
