"""How far one distribution is from another: functions, no estimator.

Distributions are read (`_densities`, `_torch`), a quantity is written as an integral
(`_functionals`), and `_methods` finds the way to compute it: closed forms
(`_discrete`, `_families`, `_gaussians`), sums and quadrature (`_univariate`,
`_quadrature`), sampling (`_sampling`). Samples without distributions are compared by
neighbours and classifiers (`_from_samples`). Nothing here fits a model.
"""

from ._from_samples import js_from_samples, kl_from_samples
from ._functions import (
    cross_entropy,
    entropy,
    jeffreys_divergence,
    js_distance,
    js_divergence,
    kl_bounds,
    kl_divergence,
    renyi_divergence,
)
from ._registry import register_kl
from ._result import DivergenceResult
from ._standard_normal import standard_normal_kl

__all__ = [
    "DivergenceResult",
    "cross_entropy",
    "entropy",
    "jeffreys_divergence",
    "js_distance",
    "js_divergence",
    "js_from_samples",
    "kl_bounds",
    "kl_divergence",
    "kl_from_samples",
    "register_kl",
    "renyi_divergence",
    "standard_normal_kl",
]
