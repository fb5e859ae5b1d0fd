"""Generative models that behave like scikit-learn estimators.

Every model is a fitted distribution p(x) that answers the same few questions:
``fit``, ``score_samples`` (log-density per row, in nats), ``score``, ``sample``
and ``transform``.
"""

from importlib import import_module

from .anomaly import KLAnomalyDetector
from .imputation import GenerativeImputer
from .mixture import EMGaussianMixture, GaussianMixtureRegressor, reduce_mixture

__version__ = "0.1.0.dev0"

__all__ = [
    "EMGaussianMixture",
    "GaussianMixtureRegressor",
    "GenerativeImputer",
    "KLAnomalyDetector",
    "VariationalAutoencoder",
    "__version__",
    "reduce_mixture",
]

# What needs torch is imported on first use: mixtures must not wait for it.
_ON_FIRST_USE = {"VariationalAutoencoder": ".autoencoder"}


def __getattr__(name):
    if name in _ON_FIRST_USE:
        return getattr(import_module(_ON_FIRST_USE[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
