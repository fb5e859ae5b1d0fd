"""What the laws are made of: kinds of distributions, and numbers with their errors."""

from dataclasses import dataclass

import hypothesis
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from skgen.divergences._families import describe
from skgen.divergences._gaussian_mixtures import GaussianMixtureDensity

from .strategies import counts, families, gaussians, mixtures, probability_vectors

orders = st.sampled_from([0.05, 0.3, 0.5, 0.9, 0.999, 1.001, 1.5, 2.0, 4.0])

# Strategies for several distributions of a kind, and the share of hypothesis's examples
# that one law is given: integrals over a plane take a tenth of a second.
KINDS = {
    "vectors": (probability_vectors, 2.0),
    "families": (families, 1.0),
    "counts": (counts, 0.5),
    "Gaussians": (gaussians, 1.0),
    "mixtures on a line": (mixtures, 1.0),
    "mixtures on a plane": (
        lambda n: mixtures(n, 2, most_components=2, floors=(1.0,)),
        0.1,
    ),
    "mixtures of many features": (
        lambda n: mixtures(n, st.integers(4, 6), floors=(1.0, 0.1)),
        0.2,
    ),
}
MIXTURES = [kind for kind in KINDS if kind.startswith("mixtures")]
BLENDABLE = ["vectors", *MIXTURES]
NORMAL_MIXTURES = ["Gaussians", *MIXTURES]


def law(n, kinds=KINDS, share=1.0):
    """Make a test, for each kind, of a law of n distributions and further draws."""

    def decorate(function):
        @pytest.mark.parametrize("kind", list(kinds))
        def test(kind):
            strategy, its_share = KINDS[kind]
            examples = max(3, int(share * its_share * settings.default.max_examples))

            @settings(max_examples=examples, database=None)
            @given(strategy(n), st.data())
            def holds(distributions, data):
                hypothesis.note(", ".join(map(written, distributions)))
                try:
                    function(*distributions, data)
                except ValueError as error:
                    # a refusal is no answer, and no law speaks of it
                    assume("cannot be told" not in str(error))
                    raise

            holds()

        test.__name__ = function.__name__
        return test

    return decorate


def written(distribution):
    """A distribution as one would write it."""
    if isinstance(distribution, GaussianMixtureDensity):
        parts = distribution.weights, distribution.means, distribution.covariances
        return f"mixture of {[part.tolist() for part in parts]}"
    is_frozen = hasattr(distribution, "dist")
    return describe(distribution) if is_frozen else repr(distribution)


# Errors


@dataclass
class Told:
    """A value and by how much it may be off.

    That is eight times the standard error (of sixteen nets; P(|t₁₅| > 8) < 1e-6, and
    for quadrature the error itself is estimated), and rounding.
    """

    value: float
    margin: float

    def __add__(self, other):
        return Told(self.value + other.value, self.margin + other.margin)

    def __sub__(self, other):
        return Told(self.value - other.value, self.margin + other.margin)

    def __rmul__(self, factor):
        return Told(factor * self.value, abs(factor) * self.margin)

    def __le__(self, other):
        return self.value <= other.value + self.margin + other.margin

    def equals(self, other):
        return self.value == other.value or (self <= other and other <= self)


def told(function, *distributions, **options):
    """What a divergence is told to be."""
    options = {"confidence_level": 0.95, "random_state": 0} | options
    return of(function(*distributions, **options), *distributions)


def of(result, *distributions):
    error = 8.0 * result.standard_error
    return Told(result.value, error + rounding(*distributions) * size(result.value))


def size(value):
    return 1.0 + (abs(value) if np.isfinite(value) else 0.0)


def rounding(*distributions):
    """The relative error that is allowed for.

    Special functions of scipy are good to about ten digits. Factors of covariances err
    by the condition of the correlations (Higham 2002, Accuracy and Stability of
    Numerical Algorithms, theorem 10.5), and
    quadrature stops at 1e-11 on a line and at 1e-10 in the plane.
    """
    worst = 1e-13
    for distribution in distributions:
        if isinstance(distribution, GaussianMixtureDensity):
            for covariance in distribution.covariances:
                units = np.sqrt(np.diag(covariance))
                correlations = covariance / np.outer(units, units)
                worst = max(worst, 1e-14 * np.linalg.cond(correlations))
            if distribution.n_components > 1:
                worst = max(
                    worst, {1: 1e-10, 2: 1e-9}.get(distribution.n_features, 0.0)
                )
        elif not isinstance(distribution, (float, np.ndarray)):
            worst = max(worst, 1e-10)
    return worst


def orders_for(p):
    """Orders that can be computed: above 1 sampled integrals have heavy tails."""
    return orders.filter(lambda alpha: alpha < 1.0) if is_sampled(p) else orders


def is_sampled(p):
    """Whether p has so many features that mixtures of them are sampled."""
    return getattr(p, "n_features", 1) > 3


def finite(*numbers):
    """Leave out what a law says nothing of: ∞ − ∞."""
    assume(all(np.isfinite(number.value) for number in numbers))
