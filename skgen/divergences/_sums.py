"""Sums over whole numbers, outwards from where distributions have their bulk."""

from itertools import pairwise

import numpy as np

#: What the bulk leaves out on either side; scipy's quantiles of counts take the upper
#: tail from 1 and lose smaller ones.
TAIL = 1e-10

#: What a block adds, beside all before it, once terms died out.
NEGLIGIBLE = 1e-18

MOST_TERMS = 10_000_000
SHORTEST_BLOCK, LONG_BLOCK, LONGEST_BLOCK = 1 << 6, 1 << 14, 1 << 21

#: How far to look for the bulk of a distribution that has no formula for quantiles.
LONGEST_REACH = 1 << 17


class TooManyTermsError(ValueError):
    """A sum is too long to be taken term by term."""


def sum_over_lattices(function, laws):
    """Sum of a function over the points of some distributions, and its error.

    Parameters
    ----------
    function : callable
        From points to terms; one that is infinite or NaN makes the sum infinite.

    laws : list of Univariate
        Distributions on the whole numbers, or on these and a location.
    """
    offsets = np.unique(np.remainder([law.own_frame[0] for law in laws], 1.0))
    bulks = _bulks(laws)
    _check_count(sum(high - low + 1.0 for low, high in bulks), laws)
    total = size = count = 0.0
    for blocks, is_bulk in _marches(bulks, laws):
        before = 0.0
        for low, high in blocks:
            count += high - low + 1.0
            _check_count(count, laws)
            terms = function(np.arange(low, high + 1.0)[:, np.newaxis] + offsets)
            if not np.isfinite(terms).all():
                return np.inf, 0.0
            part = np.sum(np.abs(terms))
            total, size = total + np.sum(terms), size + part
            if is_bulk:
                continue
            if part <= NEGLIGIBLE * size:
                break
            if high - low >= LONG_BLOCK:
                _check_count(_terms_to_come(high - low, part, before, size), laws)
            before = part
    return total, np.finfo(np.float64).eps * size


def _terms_to_come(length, part, before, size):
    """How many it takes if each block, twice as long, is as much less as the last."""
    if part >= before:
        return np.inf
    doublings = np.log(part / (NEGLIGIBLE * size)) / np.log(before / part)
    return length * 2.0**doublings


def _bulks(laws):
    """Intervals with all but a negligible part, merged where they overlap."""
    intervals = [_bulk(law) for law in laws]
    merged = []
    for low, high in sorted(intervals):
        if merged and low <= merged[-1][1] + 1.0:
            merged[-1] = merged[-1][0], max(merged[-1][1], high)
        else:
            merged.append((low, high))
    return merged


def _bulk(law):
    """Interval that has all but a negligible part of the probability."""
    low, high = law.support()
    if law.has_quantiles:
        quantiles = float(law.quantile(TAIL)), float(law.upper_quantile(TAIL))
        if not np.isnan(quantiles).any():
            low, high = max(low, quantiles[0]), min(high, quantiles[1])
            return np.floor(low), np.ceil(high)
    # a search for quantiles would sum the same probabilities again and again
    middle = low if np.isfinite(low) else np.floor(law.own_frame[0])
    reach, mass = SHORTEST_BLOCK, 0.0
    while mass < 1.0 - TAIL and reach <= LONGEST_REACH:
        first, last = max(low, middle - reach), min(high, middle + reach)
        mass = np.sum(np.exp(law.log_density(np.arange(first, last + 1.0))))
        if (first, last) == (low, high):
            break
        reach *= 2
    return first, last


def _marches(bulks, laws):
    """Blocks of the bulks, then of what lies between and beyond, outwards."""
    supports = [law.support() for law in laws]
    fences = [np.floor(min(low for low, _ in supports))]
    for (_, high), (low, _) in pairwise(bulks):
        fences.append(np.ceil(0.5 * (high + low)))
    fences.append(np.ceil(max(high for _, high in supports)) + 1.0)
    for low, high in bulks:
        yield _upwards(low, high), True
    for (low, high), first, last in zip(bulks, fences[:-1], fences[1:]):
        yield _upwards(high + 1.0, last - 1.0), False
        mirrored = _upwards(1.0 - low, -first)
        yield ((-end, -start) for start, end in mirrored), False


def _upwards(low, high):
    """Blocks from low to high, each longer than the one before."""
    length = SHORTEST_BLOCK
    while low <= high:
        end = min(low + length - 1.0, high)
        yield low, end
        low, length = end + 1.0, min(2 * length, LONGEST_BLOCK)


def _check_count(count, laws):
    if not count <= MOST_TERMS:
        names = " and ".join(repr(law.distribution) for law in laws)
        raise TooManyTermsError(
            f"the sum over the support of {names} would have more than {MOST_TERMS} "
            f"terms: use a sample of the distributions instead."
        )
