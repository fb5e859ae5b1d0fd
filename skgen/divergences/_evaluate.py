"""From a public question to its answer: checks, the right room, the telling."""

from numbers import Integral, Real

import numpy as np

from ._approximations import APPROXIMATIONS
from ._discrete import over_vectors
from ._functionals import (
    CrossEntropy,
    Entropy,
    Jeffreys,
    JensenShannon,
    KullbackLeibler,
)
from ._methods import METHODS, NotApplicable, Question, closed_form, computed
from ._randomness import seed_of
from ._result import (
    DivergenceResult,
    Estimate,
    answer,
    check_base,
    check_confidence_level,
)
from ._torch_densities import (
    as_tensor,
    check_shapes,
    is_torch,
    needs_gradient,
    probabilities_of_tensor,
    probability_vectors,
    torch_entropy,
    torch_kl,
)

# The methods that may take a closed form.
EXACT = ("auto", "closed_form")


def evaluate(
    functional,
    p,
    q,
    method,
    axis,
    base,
    normalize,
    confidence_level,
    tol,
    random_state,
):
    """Check what the caller asks for, compute it, and tell it as asked."""
    _check_options(method, axis, normalize, tol)
    check_base(base)
    check_confidence_level(confidence_level)
    given = (p,) if isinstance(functional, Entropy) else (p, q)
    if any(is_array(d) for d in given):
        _check_arrays(given, method)
        given = [probabilities_of_tensor(d, name) for d, name in zip(given, "pq")]
        estimate = over_vectors(functional, *given, axis=axis, normalize=normalize)
    elif normalize:
        raise ValueError("normalize=True is for arrays; p and q are distributions.")
    else:
        check_shapes(p, q)
        if any(needs_gradient(d) for d in given):
            tensor = _with_gradient(functional, given, method)
            return _told_of_tensor(tensor, base, confidence_level)
        generator = np.random.default_rng(seed_of(random_state))
        estimate = _estimate(Question(functional, p, q, tol, generator), method)
    told = answer(
        estimate,
        base=base,
        confidence_level=confidence_level,
        # an approximation is shown as it is, also where it cannot be
        lowest=-np.inf if method in APPROXIMATIONS else functional.lowest,
        highest=functional.highest,
    )
    if not all(is_torch(d) for d in given):
        return told
    if isinstance(functional, JensenShannon) and confidence_level is not None:
        return told  # the distance is computed from it in numpy
    return _in_tensors(told, p)


def _estimate(question, method):
    """The answer without gradients, of torch's own where nothing here is closer."""
    if method in EXACT and all(is_torch(d) for d in question.given):
        estimate = _in_closed_form(question)
        if estimate is not None:
            return estimate
    return computed(question, method)


def _in_closed_form(question):
    """The exact answer for distributions of torch, or None."""
    vectors = probability_vectors(*question.given)
    if vectors is not None:
        # in float32 they sum to 1 within its rounding only
        return over_vectors(question.functional, *vectors, normalize=True)
    try:
        return closed_form(question)
    except NotApplicable:
        pass  # torch's entropy and divergence may still add up to a cross-entropy
    value = _tensor(question.functional, *question.given)
    return None if value is None else Estimate(value.numpy(), "closed_form", exact=True)


def _check_options(method, axis, normalize, tol):
    if not isinstance(method, str) or method not in ("auto", *METHODS):
        raise ValueError(
            f"method must be 'auto' or one of {sorted(METHODS)}; got {method!r}."
        )
    if not isinstance(axis, Integral):
        raise TypeError(f"axis must be an integer; got {axis!r}.")
    if not isinstance(normalize, (bool, np.bool_)):
        raise TypeError(f"normalize must be True or False; got {normalize!r}.")
    if not isinstance(tol, Real) or not 0.0 < tol < 1.0:
        raise ValueError(
            f"tol is a relative standard error, between 0 and 1; got {tol!r}."
        )


def is_array(source):
    """Whether something is to be read as probabilities."""
    return isinstance(source, (list, tuple)) or (
        hasattr(source, "__array__") and not hasattr(source, "score_samples")
    )


def _check_arrays(given, method):
    for name, other in zip("pq", given):
        if not is_array(other):
            raise TypeError(
                "p and q must both be arrays of probabilities or both be "
                f"distributions; {name} is of type {type(other).__name__}."
            )
    if method not in ("auto", "closed_form"):
        raise ValueError(
            f"method={method!r} is for distributions; for arrays the closed form is "
            "exact. Leave method='auto'."
        )


def _tensor(functional, p, q=None):
    """What torch has in closed form for its own distributions, or None."""
    if isinstance(functional, KullbackLeibler):
        return torch_kl(p, q)
    if isinstance(functional, Jeffreys):
        return _sum(torch_kl(p, q), torch_kl(q, p))
    if isinstance(functional, Entropy):
        return torch_entropy(p)
    if isinstance(functional, CrossEntropy):
        return _sum(torch_entropy(p), torch_kl(p, q))
    return None


def _sum(one, other):
    return None if one is None or other is None else one + other


def _with_gradient(functional, given, method):
    """Torch's own closed form; raises rather than drop a gradient in silence."""
    tensor = None
    if method in EXACT and all(is_torch(d) for d in given):
        tensor = _tensor(functional, *given)
    if tensor is None:
        kinds = " and ".join(type(d).__name__ for d in given)
        raise ValueError(
            "A parameter requires gradients, and only closed forms of torch's own "
            f"have them; there is none for {type(functional).__name__} of {kinds} "
            f"with method={method!r}. Detach the parameters, or call it under "
            "torch.no_grad(), for the value alone."
        )
    return tensor


def _in_tensors(told, distribution):
    """Arrays of an answer as tensors; single numbers stay floats."""
    if isinstance(told, float):
        return told
    if isinstance(told, np.ndarray):
        return as_tensor(told, distribution)
    low, high = (_in_tensors(end, distribution) for end in told.confidence_interval)
    return DivergenceResult(
        _in_tensors(told.value, distribution),
        _in_tensors(told.standard_error, distribution),
        (low, high),
        told.method,
        told.exact,
    )


def _told_of_tensor(tensor, base, confidence_level):
    """A tensor in the caller's units, with its gradient."""
    tensor = tensor if base is None else tensor / float(np.log(base))
    if confidence_level is None:
        return tensor
    zero = tensor.detach() * 0.0
    # in single precision torch's formulas may cancel down to rounding errors
    exact = tensor.element_size() >= 8
    return DivergenceResult(tensor, zero, (tensor, tensor), "closed_form", exact)
