r"""Integrals over the line whose integrands may have poles at ends and heavy tails.

The line is cut at the ends of the supports, and each piece in its middle, into *rays*.
A ray has a coordinate u ≥ 0 in which powers are exponentials: towards a finite end the
distance to it is D e^(-u), towards infinity the distance to the middle is
D (e^u − 1). So poles and heavy tails are exponential decays; `remainder` continues them
beyond what floating point numbers resolve, or finds that they do not decay.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

#: Where rays end: e^230 is 1e100, at which densities can still be told.
FARTHEST = 230.0

EPS = np.finfo(np.float64).eps

#: Panels of equal length in u that show how an integrand decays.
CHUNKS = 24

#: Of their sums so many are extrapolated.
LAST_SUMS = 9

#: A ray that had to end early grows at least like e^(0.1 u) if it is to be divergent.
LEAST_GROWTH = 0.1

TOLERANCE = 1e-14
MOST_HALVINGS = 50
MOST_PANELS = 5000

NODES, WEIGHTS = np.polynomial.legendre.leggauss(20)
NODES, WEIGHTS = 0.5 * (NODES + 1.0), 0.5 * WEIGHTS


@dataclass(frozen=True)
class Ray:
    """From the middle of a piece of the line to one of its ends.

    Parameters
    ----------
    middle, end : float
        Where it starts, where it goes; the end may be infinite.

    width : float
        The D of the coordinate: the distance between them if that is finite.

    p, q : Univariate or None
        The distributions, None outside their support.
    """

    middle: float
    end: float
    width: float
    p: object
    q: object

    @cached_property
    def direction(self):
        """The sign of the end as seen from the middle."""
        return np.sign(self.end - self.middle)

    def length_per_u(self, u):
        """Length of x per u."""
        return self.width * np.exp(u if np.isinf(self.end) else -u)

    def log_densities(self, u):
        """Those of p and q."""
        return self._log_density(self.p, u), self._log_density(self.q, u)

    def _log_density(self, law, u):
        if law is None:
            return np.full(np.shape(u), -np.inf)
        if np.isinf(self.end):
            x = self.middle + self.direction * self.width * np.expm1(u)
            return law.log_density(x)
        log_distance = np.log(self.width) - u
        if law.ends_at(self.end, self.direction):
            return law.log_density_beside_end(log_distance, self.direction)
        return law.log_density(self.end - self.direction * np.exp(log_distance))

    def coordinates(self, x):
        """The u of those points that lie on the ray."""
        from_middle = self.direction * (x - self.middle)
        to_end = self.direction * (self.end - x)
        on_ray = (from_middle > 0.0) & (to_end > 0.0)
        if np.isinf(self.end):
            return np.log1p(from_middle[on_ray] / self.width)
        return np.log(self.width / to_end[on_ray])


def rays_between(p, q):
    """The rays that make up the two supports.

    Parameters
    ----------
    p, q : Univariate
        The distributions.
    """
    supports = [p.support(), q.support()]
    cuts = np.unique(np.concatenate(supports))
    rays = []
    for low, high in pairwise(cuts):
        if high - low <= 8.0 * EPS * np.abs([low, high]).max() < np.inf:
            continue  # one end, rounded twice
        middle, widths = _middle(low, high, p, q)
        inside = [
            law if first <= middle <= last else None
            for law, (first, last) in zip((p, q), supports)
        ]
        if inside == [None, None]:
            continue
        for end, width in zip((low, high), widths):
            width = abs(end - middle) if np.isfinite(end) else width
            rays.append(Ray(middle, end, width, *inside))
    return rays


def _middle(low, high, p, q):
    """A point well inside a piece of the line, and the scales to its left and right."""
    # the one whose points are resolved best
    for law in sorted((p, q), key=lambda law: abs(law.median())):
        median = law.median()
        if low < median < high and min(median - low, high - median) > 0.0:
            near = law.quantile(0.25), law.upper_quantile(0.25)
            widths = [abs(float(quartile) - median) for quartile in near]
            return median, [width if 0.0 < width < np.inf else 1.0 for width in widths]
    if np.isfinite(low) and np.isfinite(high):
        return 0.5 * (low + high), [1.0, 1.0]
    if np.isfinite(low):
        return low + max(1.0, abs(low)), [1.0, 1.0]
    if np.isfinite(high):
        return high - max(1.0, abs(high)), [1.0, 1.0]
    return 0.0, [1.0, 1.0]


def sum_of_rays(integrand, rays, landmarks):
    """Integral over all rays and its estimated error.

    Parameters
    ----------
    integrand : callable
        Of the log-densities of p and q; NaN where it cannot be told.

    rays : list of Ray
        Where to integrate.

    landmarks : ndarray
        Points to make edges of panels.
    """
    parts = [_along(integrand, ray, landmarks) for ray in rays]
    size = sum(np.sum(np.abs(chunks)) for chunks, *_ in parts)
    total = error = 0.0
    for chunks, chunk_error, length in parts:
        is_cut = length < FARTHEST
        rest, rest_error = remainder(chunks, size, length if is_cut else None)
        total += np.sum(chunks) + rest
        error += chunk_error + rest_error
    return total, error + EPS * size


def _along(integrand, ray, landmarks):
    """Integrals over the ray's chunks, the error of their sum, and how far they go."""

    def along(u):
        return ray.length_per_u(u) * integrand(*ray.log_densities(u))

    length = FARTHEST
    grid = np.linspace(0.0, length, 2001)[1:]
    unknown = ~np.isfinite(along(grid))
    if unknown.any():
        length = grid[np.argmax(unknown)] - grid[0]
    if length <= 0.0:
        return np.zeros(CHUNKS), np.inf, FARTHEST
    edges = np.linspace(0.0, length, CHUNKS + 1)
    marks = ray.coordinates(landmarks)
    panels = np.unique(np.concatenate([edges, marks[marks < length]]))
    values, error = _adaptive(along, panels)
    owner = np.searchsorted(edges, 0.5 * (panels[:-1] + panels[1:])) - 1
    return np.bincount(owner, weights=values, minlength=CHUNKS), error, length


def _adaptive(integrand, edges):
    """Integrals between the edges, halving panels until halves agree with wholes."""
    owner, low, high = np.arange(len(edges) - 1), edges[:-1], edges[1:]
    whole = _gauss(integrand, low, high)
    total, error = np.zeros(len(owner)), 0.0
    size = np.sum(np.abs(whole))
    for _ in range(MOST_HALVINGS):
        middle = 0.5 * (low + high)
        left, right = _gauss(integrand, low, middle), _gauss(integrand, middle, high)
        change = np.abs(left + right - whole)
        settled = change <= TOLERANCE * size
        if 2 * np.sum(~settled) > MOST_PANELS:
            settled[:] = True
        np.add.at(total, owner[settled], (left + right)[settled])
        error += np.sum(change[settled])
        going = ~settled
        if not going.any():
            return total, error
        owner = np.repeat(owner[going], 2)
        whole = np.column_stack([left[going], right[going]]).ravel()
        low, high = (
            np.column_stack([low[going], middle[going]]).ravel(),
            np.column_stack([middle[going], high[going]]).ravel(),
        )
        size = max(size, np.sum(np.abs(total)) + np.sum(np.abs(whole)))
    np.add.at(total, owner, whole)
    return total, error + np.sum(np.abs(whole))


def _gauss(integrand, low, high):
    """Gauss-Legendre sums, one per panel."""
    length = high - low
    values = integrand(low[:, np.newaxis] + length[:, np.newaxis] * NODES)
    return length * (np.nan_to_num(values, posinf=0.0, neginf=0.0) @ WEIGHTS)


def remainder(chunks, size, cut=None):
    """What comes after the last chunk, and its error.

    Parameters
    ----------
    chunks : ndarray
        Integrals over panels of equal length.

    size : float
        What is negligible is so beside this.

    cut : float or None, default=None
        Where the ray had to end early, if it had, because the integrand could not be
        told from there on. Only strong growth is then a sign of divergence.

    Returns
    -------
    rest, error : float
        The first is infinite where the chunks do not decay, the second where it cannot
        be told.
    """
    last, before = chunks[-1], chunks[-2]
    ratio = last / before if last != 0.0 else 0.0
    if cut is not None and ratio >= np.exp(LEAST_GROWTH * cut / CHUNKS):
        return np.copysign(np.inf, last), 0.0
    if abs(last) <= EPS * size:
        return 0.0, abs(last)
    if cut is not None:
        return _remainder_of_cut(chunks, ratio)
    exponent = _algebraic_exponent(chunks) if ratio > 0.0 else None
    if ratio >= 1.0 - 1e-7 or (exponent is not None and exponent < 1.05):
        return np.copysign(np.inf, last), 0.0
    if exponent is not None:
        rest = last * len(chunks) / (exponent - 1.0)
        return rest, abs(rest)
    return _extrapolate(np.cumsum(chunks))


def _remainder_of_cut(chunks, ratio):
    """As `remainder`, of a ray that ended too early for its decay to be trusted."""
    if ratio >= 1.0:
        return 0.0, np.inf
    rest, error = _extrapolate(np.cumsum(chunks))
    return rest, max(error, abs(rest), abs(chunks[-1]))


def _algebraic_exponent(chunks):
    """The m of a decay like u^(-m), None if it is not of that kind.

    Of such a decay k (1 − ratio) tends to m, while for an exponential it grows with k.
    """
    with np.errstate(all="ignore"):
        ratios = chunks[1:] / chunks[:-1]
    steps = np.arange(1, len(chunks))
    exponents = steps * (1.0 - ratios)
    early, late = exponents[len(steps) // 2], exponents[-1]
    steady = np.isfinite(early) and abs(late - early) < 0.1 * abs(late)
    return late if steady else None


def _extrapolate(sums):
    """Limit of partial sums less the last one, by Wynn's epsilon algorithm.

    It is exact for sums of exponentials, and where they coincide of products of
    exponentials and powers.
    """
    last = sums[-1]
    older, newer = np.zeros(LAST_SUMS + 1), sums[-LAST_SUMS:]
    best, best_error = newer[-1], abs(newer[-1] - newer[-2])
    for order in range(1, LAST_SUMS):
        steps = np.diff(newer)
        if np.any(steps == 0.0):
            break
        older, newer = newer, older[1:-1] + 1.0 / steps
        if order % 2 == 0:
            error = abs(newer[-1] - best)
            if len(newer) > 1:
                error = abs(newer[-1] - newer[-2])
            if error < best_error:
                best, best_error = newer[-1], error
    return best - last, best_error
