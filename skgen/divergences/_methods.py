"""The ways to compute a functional of two distributions, and which one to take.

A method takes a `Question` and returns an `Estimate`, or raises NotApplicable with
the reason. Left to itself the first that applies answers, in the order of `AUTO`.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from . import _families as families
from . import _geometric as geometric
from ._approximations import APPROXIMATIONS
from ._densities import (
    UNIVARIATE,
    as_density,
    as_gaussian_mixture,
    batch_shape,
    check_same_columns,
    check_same_kind,
    is_frozen,
    is_multivariate_normal,
    is_of_new_kind,
    is_singular,
    moments_of_multivariate_normal,
)
from ._functionals import (
    CrossEntropy,
    Entropy,
    Functional,
    Jeffreys,
    JensenShannon,
    KullbackLeibler,
    Renyi,
)
from ._gaussian_mixtures import GaussianMixtureDensity
from ._gaussians import (
    gaussian_cross_entropy,
    gaussian_entropies,
    kl_between_components,
    kl_of_singular,
    renyi_between_gaussians,
    renyi_is_infinite,
)
from ._line_mixture import LineMixture
from ._quadrature import RADIUS, quadrature
from ._registry import registered_kl
from ._result import Estimate
from ._sampling import monte_carlo, sobol
from ._torch import as_scipy
from ._torch_densities import is_torch, torch_entropy, torch_kl
from ._univariate import Univariate, integrate

# Errors of quadrature that are fine whatever the value.
ROUGH = 1e-9


class NotApplicable(Exception):
    """A method cannot answer; the message says why."""


@dataclass(frozen=True)
class Question:
    """A functional of two distributions, and what is asked of the answer.

    Parameters
    ----------
    functional : Functional
        What to compute.

    p, q : object
        Distributions as the user gave them; q is None for functionals of p alone.

    tol : float
        Relative standard error at which sampling may stop.

    generator : numpy.random.Generator
        Source of randomness.
    """

    functional: Functional
    p: object
    q: object
    tol: float
    generator: np.random.Generator

    @property
    def given(self):
        """The distributions that there are."""
        return (self.p,) if isinstance(self.functional, Entropy) else (self.p, self.q)

    @cached_property
    def frozen(self):
        """The distributions as scipy's frozen ones, None for others."""
        return [as_scipy(d) if is_torch(d) else d for d in self.given]

    @cached_property
    def is_frozen(self):
        """Whether scipy knows all the distributions."""
        return all(is_frozen(d) for d in self.frozen)

    @cached_property
    def is_batch(self):
        """Whether one of them is a batch of distributions."""
        return any(
            batch_shape(frozen if is_frozen(frozen) else given) != ()
            for frozen, given in zip(self.frozen, self.given)
        )

    @cached_property
    def densities(self):
        """The distributions as densities of rows; q may be None."""
        densities = [as_density(d, name) for d, name in zip(self.given, "pq")]
        check_same_kind(*densities)
        check_same_columns(*self.given)
        return [*densities, None][:2]

    @property
    def are_mixtures(self):
        """Whether all the densities are mixtures of Gaussians."""
        return not self.is_batch and all(
            isinstance(d, GaussianMixtureDensity) for d in self.densities if d
        )

    @property
    def are_gaussians(self):
        """Whether all of them are single Gaussians."""
        return self.are_mixtures and all(
            d.n_components == 1 for d in self.densities if d
        )


def closed_form(question):
    """The exact answer, where one is known."""
    value = _known(question)
    if value is None:
        raise NotApplicable("no closed form is known for them")
    return Estimate(value, "closed_form", exact=True)


def _known(question):
    """What the first closed form that applies gives, or None."""
    for rule in CLOSED_FORMS.get(type(question.functional), ()):
        value = rule(question)
        if value is not None:
            return value


def _zero_to_itself(question):
    """A distribution is at distance 0 from itself, once it is known to be one."""
    if question.p is question.q and not question.is_batch and all(question.densities):
        return 0.0


def _kl_by_registry(question):
    return registered_kl(question.p, question.q)


def _kl_of_families(question):
    if question.is_frozen:
        return families.kl(*question.frozen)


def _kl_of_torch(question):
    if is_torch(question.p) and is_torch(question.q):
        value = torch_kl(question.p, question.q)
        return None if value is None else value.detach().cpu().numpy()


def _kl_of_singular(question):
    p, q = question.given
    if not is_singular(p) and not is_singular(q):
        return None
    if is_multivariate_normal(p) and is_multivariate_normal(q):
        return kl_of_singular(
            moments_of_multivariate_normal(p), moments_of_multivariate_normal(q)
        )
    other = q if is_singular(p) else p
    if as_gaussian_mixture(other, "a mixture") is not None:
        return np.inf  # one lives on a flat, the other one does not


def _kl_of_gaussians(question):
    if question.are_gaussians:
        return kl_between_components(*question.densities)[0, 0]


def _jeffreys_of_both(question):
    """The divergences both ways, if both are known."""
    there = _known(replace(question, functional=KullbackLeibler()))
    back = _known(
        replace(question, functional=KullbackLeibler(), p=question.q, q=question.p)
    )
    if there is not None and back is not None:
        return there + back


def _entropy_of_family(question):
    if question.is_frozen:
        return families.entropy(*question.frozen)


def _entropy_of_torch(question):
    if is_torch(question.p):
        value = torch_entropy(question.p)
        return None if value is None else value.detach().cpu().numpy()


def _entropy_of_gaussian(question):
    if question.are_gaussians:
        return gaussian_entropies(question.densities[0])[0]


def _cross_entropy_of_families(question):
    if question.is_frozen:
        return families.cross_entropy(*question.frozen)


def _cross_entropy_to_gaussian(question):
    if question.are_mixtures and question.densities[1].n_components == 1:
        return gaussian_cross_entropy(*question.densities)


def _renyi_of_families(question):
    if question.is_frozen:
        return families.renyi(*question.frozen, question.functional.alpha)


def _renyi_of_gaussians(question):
    if question.are_gaussians:
        return renyi_between_gaussians(*question.densities, question.functional.alpha)
    if question.are_mixtures and renyi_is_infinite(
        *question.densities, question.functional.alpha
    ):
        return np.inf


CLOSED_FORMS = {
    KullbackLeibler: (
        _kl_by_registry,
        _kl_of_singular,
        _zero_to_itself,
        _kl_of_families,
        _kl_of_torch,
        _kl_of_gaussians,
    ),
    Jeffreys: (_jeffreys_of_both,),
    JensenShannon: (_zero_to_itself,),
    Entropy: (_entropy_of_family, _entropy_of_torch, _entropy_of_gaussian),
    CrossEntropy: (_cross_entropy_of_families, _cross_entropy_to_gaussian),
    Renyi: (_zero_to_itself, _renyi_of_families, _renyi_of_gaussians),
}


def on_a_line(question):
    """Sums and integrals over one variable, for univariate distributions."""
    lines = [_line(d, frozen) for d, frozen in zip(question.given, question.frozen)]
    if not all(lines):
        raise NotApplicable("they are not all univariate distributions")
    batch = np.broadcast_shapes(*(line.batch for line in lines))
    estimates = []
    for index in np.ndindex(batch):
        elements = [line.element(index, batch) for line in lines]
        try:
            estimate = integrate(question.functional, *elements)
        except ValueError as error:  # a sum is too long, a density is not told
            raise NotApplicable(str(error)) from None
        if estimate.standard_error > max(question.tol * abs(estimate.value), ROUGH):
            raise NotApplicable("it comes out with a large error")
        estimates.append(estimate)
    return estimates[0] if batch == () else _stacked(estimates, batch)


@dataclass(frozen=True)
class _Line:
    """A univariate distribution of scipy, perhaps a batch of them."""

    frozen: object

    @property
    def batch(self):
        return batch_shape(self.frozen)

    def element(self, index, batch):
        """One of the batch."""
        if self.batch == ():
            return Univariate(self.frozen)

        def pick(parameter):
            return np.broadcast_to(parameter, batch)[index]

        args = [pick(parameter) for parameter in self.frozen.args]
        kwds = {name: pick(value) for name, value in self.frozen.kwds.items()}
        return Univariate(self.frozen.dist(*args, **kwds))


@dataclass(frozen=True)
class _MixtureLine:
    """A mixture of Gaussians of one feature."""

    mixture: GaussianMixtureDensity
    batch = ()

    def element(self, index, batch):
        return LineMixture(self.mixture)


def _line(source, frozen):
    """What a distribution is on a line, or None."""
    if isinstance(frozen, UNIVARIATE) or is_of_new_kind(frozen):
        return _Line(frozen)
    mixture = as_gaussian_mixture(source, "a mixture")
    if mixture is not None and mixture.n_features == 1:
        return _MixtureLine(mixture)


def _stacked(estimates, batch):
    """Estimates of a batch as one."""
    values = np.array([estimate.value for estimate in estimates]).reshape(batch)
    errors = np.array([estimate.standard_error for estimate in estimates])
    errors = errors.reshape(batch)
    return Estimate(
        values,
        estimates[0].method,
        standard_error=errors,
        interval=lambda level: (values - errors, values + errors),
    )


def _integral(question):
    """What is integrated and under what: for distant mixtures, what lies between."""
    p, q = question.densities
    if isinstance(question.functional, Renyi) and question.are_mixtures:
        between = geometric.between(p, q, question.functional.alpha)
        if between is not None:
            return between
    return question.functional, p, q


def of_mixtures(question):
    """The trapezoidal rule under mixtures of Gaussians of few dimensions."""
    _refuse_batches(question)
    sources = question.densities[: 1 + question.functional.needs_q]
    if not all(isinstance(source, GaussianMixtureDensity) for source in sources):
        raise NotApplicable("they are not mixtures of Gaussians")
    if sources[0].n_features not in RADIUS:
        raise NotApplicable(f"they have more than {max(RADIUS)} features")
    estimate = quadrature(*_integral(question), tol=question.tol)
    if estimate is None:
        raise NotApplicable("it would take more points than the budget allows")
    return estimate


def by_sobol(question):
    """Scrambled Sobol' points of mixtures of Gaussians."""
    _refuse_batches(question)
    if not isinstance(question.densities[0], GaussianMixtureDensity):
        raise NotApplicable("p is not a mixture of Gaussians")
    if question.functional.needs_q and not question.are_mixtures:
        raise NotApplicable("q is not a mixture of Gaussians")
    return sobol(*_integral(question), tol=question.tol, generator=question.generator)


def by_monte_carlo(question):
    """Independent rows of whatever can be sampled."""
    _refuse_batches(question)
    p, q = question.densities
    if not p.can_sample:
        raise NotApplicable("p cannot be sampled")
    if question.functional.needs_q and not q.can_sample:
        raise NotApplicable("q cannot be sampled, and rows of both are needed")
    return monte_carlo(
        question.functional, p, q, tol=question.tol, generator=question.generator
    )


def _refuse_batches(question):
    if question.is_batch:
        raise NotApplicable("batches are computed in closed form or on a line only")


def numerical(question):
    """Over a line where one is no mixture, under mixtures otherwise."""
    # p may be a mixture that is compared with a model, or one of many components
    attempts = (of_mixtures, on_a_line)
    first, second = attempts if question.are_mixtures else reversed(attempts)
    try:
        return first(question)
    except NotApplicable as reason:
        try:
            return second(question)
        except NotApplicable:
            raise reason from None


def _approximate(function):
    def approximation(question):
        if not isinstance(question.functional, KullbackLeibler):
            raise NotApplicable("it approximates Kullback-Leibler divergences only")
        if question.is_batch or not question.are_mixtures:
            raise NotApplicable("they are not mixtures of Gaussians")
        value = function(*question.densities)
        return Estimate(
            value,
            function.__name__,
            standard_error=np.nan,  # nobody knows
            interval=lambda level: (np.nan, np.nan),
        )

    return approximation


AUTO = {
    "closed_form": closed_form,
    "quadrature": numerical,
    "sobol": by_sobol,
    "monte_carlo": by_monte_carlo,
}

METHODS = {
    **AUTO,
    **{name: _approximate(function) for name, function in APPROXIMATIONS.items()},
}


def computed(question, method):
    """The answer by a method, or by the first that applies for 'auto'."""
    if method != "auto":
        try:
            return METHODS[method](question)
        except NotApplicable as reason:
            kinds = " and ".join(type(d).__name__ for d in question.given)
            raise ValueError(
                f"method={method!r} does not apply to {kinds}: {reason}. "
                "method='auto' takes the first that does."
            ) from None
    reasons = []
    for name, attempt in AUTO.items():
        try:
            return attempt(question)
        except NotApplicable as reason:
            reasons.append(f"{name}: {reason}")
    kinds = " and ".join(type(d).__name__ for d in question.given)
    raise ValueError(
        f"No method applies to {kinds} ({'; '.join(reasons)}). register_kl takes a "
        "closed form of your own."
    )
