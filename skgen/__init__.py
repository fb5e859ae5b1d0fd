"""Generative models that behave like scikit-learn estimators.

Every model is a fitted distribution p(x) that answers the same few questions:
``fit``, ``score_samples`` (log-density per row, in nats), ``score``, ``sample``
and ``transform``.
"""

from .mixture import EMGaussianMixture, reduce_mixture

__version__ = "0.1.0.dev0"

__all__ = ["EMGaussianMixture", "__version__", "reduce_mixture"]
