"""Distributions of torch as frozen ones of scipy.

torch itself is not imported here: a distribution of torch's brings all that is needed.
"""

import numpy as np
from scipy import stats
from scipy.special import expit


def as_scipy(distribution):
    """The frozen distribution of `scipy.stats` that equals one of torch's.

    Parameters
    ----------
    distribution : torch.distributions.Distribution
        The distribution; a batch is one of scipy's whose parameters are arrays.

    Returns
    -------
    frozen : frozen distribution or None
        With parameters in float64; None if scipy has no such family, or has it without
        batches and this is one.
    """
    maker = _MAKERS.get(_family(distribution))
    return None if maker is None else maker(distribution)


def _family(distribution):
    """Name of the first class from torch itself among those it is derived from."""
    for each in type(distribution).__mro__:
        if each.__module__.startswith("torch.distributions"):
            return each.__name__
    return None


def _numbers(tensor):
    """A tensor as float64, a number rather than an array of no dimensions."""
    if hasattr(tensor, "detach"):
        tensor = tensor.detach().cpu().double().numpy()
    return np.asarray(tensor, dtype=np.float64)[()]


def _probability(distribution, sign=1.0):
    """The probability of success; with sign −1 that of failure.

    Of logits float64 keeps what 1 − p, and p in float32, would round away.
    """
    if "probs" not in vars(distribution):
        return expit(sign * _numbers(distribution.logits))
    probability = _numbers(distribution.probs)
    return probability if sign > 0.0 else 1.0 - probability


def _located(family):
    """Maker for families of a location and a scale."""
    return lambda d: family(loc=_numbers(d.loc), scale=_numbers(d.scale))


def _shaped(family, *names, **scales):
    """Maker from the names of torch's parameters."""

    def make(distribution):
        shapes = [_numbers(getattr(distribution, name)) for name in names]
        rest = {
            keyword: _numbers(getattr(distribution, name))
            for keyword, name in scales.items()
        }
        return family(*shapes, **rest)

    return make


def _uniform(distribution):
    low = _numbers(distribution.low)
    return stats.uniform(loc=low, scale=_numbers(distribution.high) - low)


def _exponential(distribution):
    return stats.expon(scale=1.0 / _numbers(distribution.rate))


def _gamma(distribution):
    rate = _numbers(distribution.rate)
    return stats.gamma(_numbers(distribution.concentration), scale=1.0 / rate)


def _lognormal(distribution):
    with np.errstate(over="ignore", under="ignore"):
        scale = np.exp(_numbers(distribution.loc))
    if not np.all(np.isfinite(scale) & (scale > 0.0)):
        return None  # a median beyond the floating point numbers
    return stats.lognorm(_numbers(distribution.scale), scale=scale)


def _bernoulli(distribution):
    return stats.bernoulli(_probability(distribution))


def _binomial(distribution):
    return stats.binom(_numbers(distribution.total_count), _probability(distribution))


def _geometric(distribution):
    # torch counts failures alone, scipy the success, too
    return stats.geom(_probability(distribution), loc=-1)


def _negative_binomial(distribution):
    # torch waits for so many failures, scipy for so many successes
    failure = _probability(distribution, sign=-1.0)
    return stats.nbinom(_numbers(distribution.total_count), failure)


def _single(maker):
    """Maker for families that scipy has without batches."""
    return lambda d: None if len(d.batch_shape) else maker(d)


def _multivariate_normal(distribution):
    covariance = _numbers(distribution.covariance_matrix)
    return stats.multivariate_normal(_numbers(distribution.loc), covariance)


def _multinomial(distribution):
    # scipy makes the last probability what float32 has left of 1
    probabilities = _numbers(distribution.probs)
    probabilities = probabilities / probabilities.sum()
    return stats.multinomial(int(distribution.total_count), probabilities)


_MAKERS = {
    "Normal": _located(stats.norm),
    "Laplace": _located(stats.laplace),
    "Gumbel": _located(stats.gumbel_r),
    "Cauchy": _located(stats.cauchy),
    "Uniform": _uniform,
    "Exponential": _exponential,
    "Gamma": _gamma,
    "Chi2": _shaped(stats.chi2, "df"),
    "Beta": _shaped(stats.beta, "concentration1", "concentration0"),
    "HalfNormal": _shaped(stats.halfnorm, scale="scale"),
    "HalfCauchy": _shaped(stats.halfcauchy, scale="scale"),
    "LogNormal": _lognormal,
    "Pareto": _shaped(stats.pareto, "alpha", scale="scale"),
    "Weibull": _shaped(stats.weibull_min, "concentration", scale="scale"),
    "InverseGamma": _shaped(stats.invgamma, "concentration", scale="rate"),
    "StudentT": _shaped(stats.t, "df", loc="loc", scale="scale"),
    "FisherSnedecor": _shaped(stats.f, "df1", "df2"),
    "VonMises": _shaped(stats.vonmises, "concentration", loc="loc"),
    "Poisson": _shaped(stats.poisson, "rate"),
    "Bernoulli": _bernoulli,
    "Binomial": _binomial,
    "Geometric": _geometric,
    "NegativeBinomial": _negative_binomial,
    "Dirichlet": _single(_shaped(stats.dirichlet, "concentration")),
    "Multinomial": _single(_multinomial),
    "MultivariateNormal": _single(_multivariate_normal),
    "LowRankMultivariateNormal": _single(_multivariate_normal),
    "Wishart": _single(_shaped(stats.wishart, "df", "covariance_matrix")),
}
