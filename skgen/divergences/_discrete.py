r"""Divergences between probability vectors, batched along an axis.

Everything is told in excesses of convex functions, term by term: with
:math:`u = (q - p) / p`, the Kullback-Leibler divergence of two vectors of sum 1 is
:math:`\sum p \, [u - \log(1 + u)]`, where no term is negative. The sum :math:`\sum p
\log(p / q)` is the same number with terms of both signs, which swamp a small
divergence in rounding errors.

Sums of 1 within rounding leave a trace of their own; with P and Q the sums as they
are and :math:`e = Q / P - 1` it is :math:`e - \log(1 + e)`, and it is taken off. What
is returned belongs to the vectors divided by their sums.
"""

from collections import Counter

import numpy as np
from numpy.lib.array_utils import normalize_axis_index
from scipy.special import logsumexp

from ._excess import log_ratio, relative_excess
from ._functionals import (
    CrossEntropy,
    Entropy,
    Jeffreys,
    JensenShannon,
    KullbackLeibler,
    Renyi,
)
from ._result import Estimate

# Numbers in a block of rows: its temporaries stay in the cache.
BLOCK = 1 << 15

# Sums of excesses below this are computed again, with care, which takes six times as
# long: rounding errors are about 1e-16, and 1e-10 of this.
SMALL = 1e-6

METHOD = "closed_form"


def over_vectors(functional, p, q=None, *, axis=-1, normalize=False):
    """A functional of probability vectors.

    Parameters
    ----------
    functional : Functional
        What to compute.

    p, q : array-like
        Probability vectors along `axis`; the other axes broadcast. For functionals
        of p alone q is None.

    axis : int, default=-1
        The axis along which probabilities sum to one.

    normalize : bool, default=False
        Whether to divide by the sums instead of insisting on them.

    Returns
    -------
    estimate : Estimate
        Exact; its value has the shape of the batch.
    """
    vectors, batch = _side_by_side(p, q, axis)
    out = np.empty(len(vectors[0]))
    rows_of = ROWS[type(functional)]
    step = max(1, BLOCK // max(1, vectors[0].shape[1]))
    for start in range(0, len(out), step):
        block = slice(start, start + step)
        checked = [
            _probabilities(vector[block], name, start, normalize)
            for vector, name in zip(vectors, "pq")
        ]
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            out[block] = rows_of(functional, *checked)
    return Estimate(out.reshape(batch), METHOD, exact=True)


def _side_by_side(p, q, axis):
    """Views of shape (n_vectors, n_outcomes), and the batch's shape."""
    given = {"p": p} if q is None else {"p": p, "q": q}
    _check_order_of_outcomes(*given.values(), axis=axis)
    arrays = [_numeric(array, name) for name, array in given.items()]
    shapes = " and ".join(str(array.shape) for array in arrays)
    moved = [
        np.moveaxis(array, normalize_axis_index(axis, array.ndim), -1)
        for array in arrays
    ]
    if len({array.shape[-1] for array in moved}) > 1:
        raise ValueError(
            f"p and q must have the same number of outcomes along axis {axis}; got "
            f"arrays of shapes {shapes}."
        )
    try:
        moved = np.broadcast_arrays(*moved)
    except ValueError:
        raise ValueError(
            f"p and q are batches that do not broadcast; got arrays of shapes {shapes}."
        ) from None
    *batch, n_outcomes = moved[0].shape
    return [array.reshape(-1, n_outcomes) for array in moved], tuple(batch)


def _check_order_of_outcomes(*given, axis):
    """Raise where tables name the same outcomes in different orders."""
    names = [_names_of_outcomes(array, axis) for array in given]
    if any(each is None for each in names):
        return
    first, last = names[0], names[-1]
    if first != last and Counter(first) == Counter(last):
        raise ValueError(
            "p and q must have the same outcomes in the same order; p has "
            f"{first} and q has {last}. They are compared by position: reindex one."
        )


def _names_of_outcomes(array, axis):
    """Labels along the axis of outcomes, None for what has none."""
    if hasattr(array, "axes"):  # pandas
        axes = array.axes
    elif hasattr(array, "columns"):  # other tables have rows without names
        axes = [None, array.columns]
    else:
        return None
    names = axes[normalize_axis_index(axis, len(axes))]
    return None if names is None else list(names)


def _numeric(array, name):
    """An array of real numbers with at least one axis and one outcome."""
    if isinstance(array, np.ma.MaskedArray):  # asarray would bring back what is masked
        raise TypeError(
            f"{name} is a masked array, and what is masked has no probability. Pass "
            f"{name}.filled(0.0) with normalize=True, or leave those outcomes out."
        )
    array = np.asarray(array)
    if array.dtype.kind not in "fiu":
        raise TypeError(
            f"{name} must hold real numbers to be read as probabilities; got "
            f"dtype {array.dtype}."
        )
    if array.ndim == 0 or array.size == 0:
        raise ValueError(
            f"{name} must be a probability vector, or an array of them along an axis; "
            f"got an array of shape {array.shape}."
        )
    return array


def _probabilities(block, name, start, normalize):
    """Rows in float64 and their sums, checked."""
    # as numpy.random.Generator.choice tolerates it
    tolerance = np.sqrt(np.finfo(np.float64).eps)
    if block.dtype.kind == "f":
        tolerance = max(tolerance, np.sqrt(np.finfo(block.dtype).eps))
    block = np.asarray(block, dtype=np.float64)
    if not block.min() >= 0.0:  # NaN fails as well
        row = start + int(np.flatnonzero(~(block >= 0.0).all(axis=1))[0])
        raise ValueError(
            f"{name} holds entries that are negative or NaN (first in vector {row}); "
            "probabilities are numbers from 0 to 1."
        )
    if normalize:
        return _normalized(block, name, start)
    sums = block @ np.ones(block.shape[1])
    wrong = ~(np.abs(sums - 1.0) <= tolerance)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            f"{name} must sum to 1 along the axis of outcomes; vector {start + row} "
            f"sums to {sums[row]:.9g}. Pass normalize=True to divide by the sums."
        )
    return block, sums


def _normalized(block, name, start):
    """Rows divided by their sums."""
    with np.errstate(over="ignore", invalid="ignore"):
        largest = block.max(axis=1, keepdims=True)
        scaled = block / largest  # sums of large numbers may overflow
        sums = scaled.sum(axis=1, keepdims=True)
        block = scaled / sums
    wrong = ~np.isfinite(block).all(axis=1)
    if wrong.any():
        row = start + int(np.flatnonzero(wrong)[0])
        raise ValueError(
            f"{name} cannot be normalized: vector {row} is zero everywhere, or holds "
            "infinity."
        )
    return block, block @ np.ones(block.shape[1])


def _excess(p, q):
    """Terms p (u − log(1 + u)), as (q − p) − p log(q / p); their sum in each row."""
    ratio = q / p
    terms = np.log(ratio)
    terms *= p
    np.subtract(q - p, terms, out=terms)
    if not p.min() > 0.0:
        np.copyto(terms, q, where=p == 0.0)
    overflown = np.isposinf(ratio) & (p > 0.0)
    if overflown.any():
        few, many = p[overflown], q[overflown]
        terms[overflown] = (many - few) - few * (np.log(many) - np.log(few))
    sums = terms @ np.ones(terms.shape[1])
    near = np.flatnonzero(sums < SMALL)
    if near.size:
        sums[near] = relative_excess(p[near], q[near]).sum(axis=1)
    return sums


def _less_trace(excess, p_sums, q_sums):
    """An excess of vectors of about sum 1 as that of vectors of sum 1."""
    e = q_sums / p_sums - 1.0
    return np.maximum(excess / p_sums - (e - np.log1p(e)), 0.0)


def _kullback_leibler(functional, p, q):
    (p, p_sums), (q, q_sums) = p, q
    return _less_trace(_excess(p, q), p_sums, q_sums)


def _jeffreys(functional, p, q):
    return _kullback_leibler(None, p, q) + _kullback_leibler(None, q, p)


def _jensen_shannon(functional, p, q):
    """Excesses of p and of q over their midpoint, half of each."""
    (p, p_sums), (q, q_sums) = p, q
    middle, sums = 0.5 * (p + q), 0.5 * (p_sums + q_sums)
    to_p = _less_trace(_excess(p, middle), p_sums, sums)
    to_q = _less_trace(_excess(q, middle), q_sums, sums)
    return 0.5 * (to_p + to_q)


def _entropy(functional, p):
    p, sums = p
    information = np.where(p > 0.0, -p * np.log(p), 0.0)
    return information @ np.ones(p.shape[1]) / sums + np.log(sums)


def _cross_entropy(functional, p, q):
    (p, p_sums), (q, q_sums) = p, q
    information = np.where(p > 0.0, -p * np.log(q), 0.0)
    return information @ np.ones(p.shape[1]) / p_sums + np.log(q_sums)


def _renyi(functional, p, q):
    r"""With β = 1 − α, Σ p^α q^β = 1 + Σ p [(1 + u)^β − 1 − βu], of one sign."""
    (p, p_sums), (q, q_sums) = p, q
    alpha, beta = functional.alpha, 1.0 - functional.alpha
    if alpha == 0.0:
        shared = np.where(p > 0.0, q, 0.0) @ np.ones(p.shape[1])
        return np.maximum(-np.log(shared / q_sums), 0.0)
    if np.isposinf(alpha):
        ratio = np.where(p > 0.0, p / q, 0.0).max(axis=1)
        return np.maximum(np.log(ratio * (q_sums / p_sums)), 0.0)
    p, q = p / p_sums[:, None], q / q_sums[:, None]
    u = (q - p) / p
    terms = p * (np.expm1(beta * log_ratio(q, p)) - beta * u)
    # p^α q^β is 0 where p is 0; what remains of the term is −βq
    np.copyto(terms, -beta * q, where=p == 0.0)
    excess = terms @ np.ones(terms.shape[1]) + beta * (q.sum(axis=1) - p.sum(axis=1))
    log_integral = np.log1p(excess)
    far = np.flatnonzero(~(np.abs(excess) < 0.5))  # NaN is far as well
    log_integral[far] = _log_sum_of_powers(p[far], q[far], alpha)
    return np.maximum(log_integral / (alpha - 1.0), 0.0)


def _log_sum_of_powers(p, q, alpha):
    """Log of Σ p^α q^(1-α), to its last digit where it is nothing like 0."""
    powers = alpha * np.log(p) + (1.0 - alpha) * np.log(q)
    return logsumexp(np.where(p > 0.0, powers, -np.inf), axis=1)


ROWS = {
    KullbackLeibler: _kullback_leibler,
    Jeffreys: _jeffreys,
    JensenShannon: _jensen_shannon,
    Renyi: _renyi,
    Entropy: _entropy,
    CrossEntropy: _cross_entropy,
}
