"""Windows of rows against a reference: the partition, the scores, the p-values.

What is computed of a window lives in `_window_statistics`; here it is compared with
what windows of calibration rows would have shown.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from itertools import islice
from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state

from ._window_statistics import (
    ROUNDING,
    Groups,
    RowFeatures,
    SortedSample,
    mixture_deviations,
    moments_of_counts,
    window_moments,
)

# Calibration rows without which resampling them tells too little of other rows: of
# p-values below .05 there were up to 11 % with 50 rows, and 3 to 6 % with 100.
LEAST_CALIBRATION = 100

# Calibration rows that are kept, drawn at random where there are more.
MOST_CALIBRATION = 10_000

# Sizes of windows are simulated at these multiples of powers of ten; between them
# p-values are interpolated.
SIMULATED = np.array([1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0])

# Windows larger than the calibration part by this factor are known so well that only
# the calibration part leaves doubts, and a larger size makes no difference.
LARGEST_FACTOR = 100

# Share of the simulated windows beyond which a statistic's p-value is extrapolated, so
# that statistics can be compared where none of the simulated windows is.
TAIL = 0.1

# Drawn windows by which statistics are made comparable, at least.
LEAST_SCALING = 100

# Windows with less than one in so many of the calibration rows are summed over their
# own rows, larger ones over all of them, many windows at a time.
FEW = 10

# Numbers held in memory at a time.
BLOCK = 1 << 22


@dataclass(frozen=True)
class Windows:
    """Which row is in which window.

    Parameters
    ----------
    names : ndarray of shape (n_windows,)
        The groups, or the first rows of the windows.

    labels : ndarray of shape (n_rows,)
        Number of the window of each row.
    """

    names: np.ndarray
    labels: np.ndarray

    def rows(self):
        """Indices of the rows of each window, in their order."""
        order = np.argsort(self.labels, kind="stable")
        return np.split(order, np.bincount(self.labels).cumsum()[:-1])


def windows_of(n_rows, groups=None, window=100):
    """Rows parted into windows: by groups, or consecutive ones of one size.

    Parameters
    ----------
    n_rows : int
        How many there are.

    groups : array-like of shape (n_rows,) or None
        A label for each row, of any hashable kind; rows of the same label are a
        window. Windows come in the order in which their labels first appear.

    window : int
        Rows in a window, where there are no groups; the last one may have fewer.

    Returns
    -------
    windows : Windows
        The partition.

    Raises
    ------
    ValueError
        Where there are no rows, `window` is not a positive integer, or `groups` is
        not one label for each row.
    """
    if n_rows < 1:
        raise ValueError("windows need at least one row, and there is none")
    if groups is not None:
        return _windows_of_groups(n_rows, groups)
    if not isinstance(window, Integral) or isinstance(window, bool) or window < 1:
        raise ValueError(
            f"window must be a positive integer, the number of rows; got {window!r}"
        )
    labels = np.arange(n_rows) // window
    return Windows(np.arange(0, n_rows, window), labels)


def _windows_of_groups(n_rows, groups):
    groups = _one_dimensional(groups)
    if len(groups) != n_rows:
        raise ValueError(
            f"groups must have one label for each of the {n_rows} rows; got "
            f"{len(groups)} labels"
        )
    numbers, firsts = {}, []
    labels = np.empty(n_rows, dtype=int)
    for row, label in enumerate(groups.tolist()):
        _check_label(label, row)
        labels[row] = numbers.setdefault(label, len(numbers))
        if labels[row] == len(firsts):
            firsts.append(row)
    return Windows(groups[firsts], labels)


def _one_dimensional(groups):
    """Labels as an array, of objects where NumPy would change them."""
    if hasattr(groups, "dtype"):
        array = np.asarray(groups)
        if array.ndim != 1:
            raise ValueError(
                f"groups must be one-dimensional; got {array.ndim} dimensions"
            )
        return array
    groups = list(groups)
    if len({type(label) for label in groups}) == 1 and isinstance(
        groups[0], str | Integral
    ):
        return np.asarray(groups)
    array = np.empty(len(groups), dtype=object)
    array[:] = groups
    return array


def _check_label(label, row):
    if not isinstance(label, Hashable):
        raise ValueError(
            f"labels of groups must be hashable; that of row {row} is a "
            f"{type(label).__name__}"
        )
    if _is_missing(label):
        raise ValueError(
            f"groups must not have missing labels; that of row {row} is {label!r}: "
            "give it a label, or leave the row out"
        )


def _is_missing(label):
    """Whether a label is None, or differs from itself or from nothing, as NaN or NA.

    pd.NA is told by its answer, which is neither true nor false, without pandas.
    """
    if label is None:
        return True
    same = label == label
    if isinstance(same, bool | np.bool_):
        return not same
    return type(label).__name__ == "NAType"


@dataclass(frozen=True)
class WindowScores:
    """How far windows are from the reference, one entry per window in each array.

    Parameters
    ----------
    names : ndarray of shape (n_windows,)
        The groups, or the first rows of the windows.

    n_rows : ndarray of shape (n_windows,)
        Rows in each window.

    kl_occupancy, kl_mean, kl_covariance : ndarray of shape (n_windows,)
        The parts of the Kullback-Leibler divergence from window to reference, nats:
        by how often parts of the table occur, where their rows are, and how they
        spread. None is negative. Small windows have larger ones by chance.

    typicality_gap : ndarray of shape (n_windows,)
        Distance of the mean surprise from that of the calibration rows, nats.

    p_value : ndarray of shape (n_windows,)
        How often a window of as many rows like those of the calibration part would
        look as strange.
    """

    names: np.ndarray
    n_rows: np.ndarray
    kl_occupancy: np.ndarray
    kl_mean: np.ndarray
    kl_covariance: np.ndarray
    typicality_gap: np.ndarray
    p_value: np.ndarray

    def __len__(self):
        return len(self.names)

    @property
    def kl(self):
        """The divergence of each window: the sum of its parts."""
        return self.kl_occupancy + self.kl_mean + self.kl_covariance

    def to_frame(self):
        """A pandas data frame with one row for each window, indexed by its name."""
        import pandas as pd

        columns = ("n_rows", "kl", "kl_occupancy", "kl_mean", "kl_covariance")
        columns += ("typicality_gap", "p_value")
        index = pd.Index(self.names, name="window", tupleize_cols=False)
        return pd.DataFrame({name: getattr(self, name) for name in columns}, index)


class WindowReference:
    """What windows are compared with, and how they look when nothing has changed.

    Eight statistics are computed of a window: the gap of its mean surprise, rows within
    the range of the fit rows; the three
    parts of its divergence from the mixture, merged to a few groups; the distance of
    Kolmogorov and Smirnov between its surprises and those of the calibration rows; and
    T² of the means of features, those of `RowFeatures`. Each is compared with its
    distribution over windows of the same size, and the least of the eight p-values is
    compared with its own distribution, which makes it a p-value again.

    Windows to compare with are drawn from the calibration rows, with replacement. What
    statistics compare a window with (the mean surprise, the means of features) comes
    from the calibration rows, too, and is as random as they are. Hence each drawn
    window is compared with calibration rows that are drawn anew as well: against
    the very rows it is from, a window looks less strange than new rows do.

    Parameters
    ----------
    weights : ndarray of shape (n_components,)
        Those of the reference mixture, in the units of the coordinates.

    means : ndarray of shape (n_components, n_features)
        Those of the reference mixture.

    covariances : ndarray of shape (n_components, n_features, n_features)
        Those of the reference mixture.

    fit : RowEvidence
        Of rows that the reference was fitted to, or some of them: at least two.

    calibration : RowEvidence
        Of other rows like them, at least `LEAST_CALIBRATION`.

    n_simulated : int, default=999
        Windows drawn for each size. The least p-value is 1 / (n_simulated + 1).

    random_state : int, RandomState instance or None, default=None
        Seed of the drawn windows. What is told of a window depends neither on other
        windows nor on what was asked before.

    Notes
    -----
    Of the calibration rows at most `MOST_CALIBRATION` are kept, and of the fit rows
    nothing but moments. Of simulated windows eight numbers are kept at most.

    P-values are approximate, and with few calibration rows that shows. For mixtures of
    t distributions with 4 degrees of freedom and 100 calibration rows, windows of 100
    further rows have p-values up to .05 in 5.8 % of cases in one column, 3.4 % in three
    and 2.9 % in ten (standard error .7), and p-values up to .01 in 2.0 %, 0.6 % and
    0.5 %.
    """

    def __init__(
        self,
        weights,
        means,
        covariances,
        *,
        fit,
        calibration,
        n_simulated=999,
        random_state=None,
    ):
        _check_rows(fit, "fit", 2)
        _check_rows(calibration, "calibration", LEAST_CALIBRATION)
        random_state = check_random_state(random_state)
        if len(calibration) > MOST_CALIBRATION:
            kept = random_state.choice(len(calibration), MOST_CALIBRATION, False)
            calibration = calibration.take(kept)
        self._calibration = calibration.take(calibration.surprise.argsort())
        self._seed = random_state.randint(np.iinfo(np.int32).max)
        self._groups = Groups(weights, means, covariances)
        deviations = mixture_deviations(weights, means, covariances)
        self._features = RowFeatures(fit, deviations)
        self._center = self._features.of(self._calibration).mean(axis=0)
        self._surprises = SortedSample(self._calibration.surprise)
        self.n_simulated = n_simulated
        self._null_distributions = {}

    def score(self, evidence, windows):
        """How far windows are from the reference.

        Parameters
        ----------
        evidence : RowEvidence
            Of the rows.

        windows : Windows
            The partition of the rows.

        Returns
        -------
        scores : WindowScores
            Divergences, gaps and p-values.
        """
        _check_rows(evidence, "windows'", 1)
        parts = [evidence.take(rows) for rows in windows.rows()]
        sizes = np.array([len(part) for part in parts])
        statistics = self._statistics(parts)
        surprises = np.array([part.surprise.mean() for part in parts])
        return WindowScores(
            windows.names,
            sizes,
            kl_occupancy=statistics[:, 1],
            kl_mean=statistics[:, 2],
            kl_covariance=statistics[:, 3],
            typicality_gap=np.abs(surprises - self._surprises.values.mean()),
            p_value=self._p_values(statistics, sizes),
        )

    def _statistics(self, parts):
        """The statistics of windows, shape (n_windows, 8)."""
        groups = self._groups
        distances = [self._surprises.distance(part.surprise) for part in parts]
        means = np.stack([self._features.of(part).mean(axis=0) for part in parts])
        deviations = means - self._center
        moments = (
            window_moments(
                groups.responsibilities(part), groups.whitened(part.coordinates)
            )
            for part in parts
        )
        return np.column_stack(
            [
                np.abs(deviations[:, 0]),
                self._divergences(moments),
                distances,
                self._features.squared_distances(deviations),
            ]
        )

    def _divergences(self, moments):
        """Parts of the divergence of windows, shape (n_windows, 3)."""
        n_groups, n_features = self._groups.means.shape
        size = max(1, BLOCK // (n_groups * n_features**2))
        parts = []
        while block := list(islice(moments, size)):
            parts.append(self._groups.divergences(map(np.stack, zip(*block))))
        return np.concatenate(parts, axis=1).T

    def _p_values(self, statistics, sizes):
        """P-values of windows, between simulated sizes by the logarithm of the size."""
        p_values = np.empty(len(sizes))
        for size in np.unique(sizes):
            mine = sizes == size
            low, high, share = _neighbours(
                min(size, LARGEST_FACTOR * len(self._calibration))
            )
            p_values[mine] = self._null(low).p_values(statistics[mine])
            if share > 0:
                above = self._null(high).p_values(statistics[mine])
                p_values[mine] **= 1 - share
                p_values[mine] *= above**share
        return p_values

    def _null(self, size):
        """The distribution of statistics of windows of a size."""
        if size not in self._null_distributions:
            drawn = self._simulated_statistics(size)
            self._null_distributions[size] = NullDistribution(
                drawn[self.n_simulated :], drawn[: self.n_simulated]
            )
        return self._null_distributions[size]

    def _simulated_statistics(self, size):
        """The statistics of windows that are drawn, half as many more than asked for.

        Those beyond `n_simulated` make the eight statistics comparable.
        """
        rng = np.random.default_rng([self._seed, size])
        rows, n = self._calibration, len(self._calibration)
        features = self._features.of(rows)
        moments_of = self._moments_of_drawn(size)
        step = max(1, BLOCK // max(n, self._groups.precision_roots.size))
        n_windows = self.n_simulated + self._n_scaling
        blocks = []
        for start in range(0, n_windows, step):
            counts, kept = resampled_pairs(rng, n, size, min(step, n_windows - start))
            differences = counts / size - kept / n
            deviations = differences @ features
            statistics = (
                np.abs(deviations[:, 0]),
                self._divergences(moments_of(counts)),
                self._surprises.distances_of_resamples(differences),
                self._features.squared_distances(deviations),
            )
            blocks.append(np.column_stack(statistics))
        return np.concatenate(blocks)

    def _moments_of_drawn(self, size):
        """How moments of windows come from counts: alone if they have few rows."""
        rows = self._calibration
        responsibilities = self._groups.responsibilities(rows)
        whitened = self._groups.whitened(rows.coordinates)

        def moments(counts):
            for row in counts:
                drawn = np.flatnonzero(row)
                yield window_moments(
                    responsibilities[drawn], whitened[:, drawn], row[drawn]
                )

        if FEW * size < len(rows):
            return moments
        return lambda counts: zip(
            *moments_of_counts(responsibilities, whitened, counts)
        )

    @property
    def _n_scaling(self):
        return max(LEAST_SCALING, self.n_simulated // 2)


def _check_rows(evidence, name, least):
    if len(evidence) < least:
        raise ValueError(
            f"scoring windows needs at least {least} {name} rows; got "
            f"{len(evidence)}: give more rows, or keep a larger share of them"
        )
    for part, values in vars(evidence).items():
        if not np.isfinite(values).all():
            raise ValueError(f"{part} of the {name} rows must be finite, and is not")


def _neighbours(size):
    """Simulated sizes around a size, and its way between them, from 0 to 1."""
    power = 10 ** int(np.log10(size))
    candidates = np.r_[SIMULATED, 10.0] * power
    candidates = np.unique(candidates.round().astype(int)) if power > 1 else [size]
    place = np.searchsorted(candidates, size, side="right") - 1
    low = int(candidates[place])
    if low == size:
        return low, low, 0.0
    high = int(candidates[place + 1])
    return low, high, np.log(size / low) / np.log(high / low)


def resampled_pairs(rng, n, size, n_windows):
    """How often each of n rows is in drawn windows, and in references they are held to.

    Both are drawn from a resample of the rows, another one for each pair: other rows
    would spread a little more or less than these.

    Parameters
    ----------
    rng : Generator
        Draws.

    n, size : int
        Rows in the reference, and in a window.

    n_windows : int
        How many pairs.

    Returns
    -------
    windows, references : ndarray of shape (n_windows, n)
        Counts.
    """
    population = rng.integers(n, size=(n_windows, n))
    return tuple(_counts(rng, population, drawn) for drawn in (size, n))


def _counts(rng, population, size):
    """How often each row is among `size` rows that are drawn from resamples."""
    n_windows, n = population.shape
    first = n * np.arange(n_windows)[:, None]
    if size > n:
        drawn = first + population
        counts = np.bincount(drawn.ravel(), minlength=population.size)
        return rng.multinomial(size, counts.reshape(population.shape) / n)
    places = rng.integers(n, size=(n_windows, size))
    drawn = first + np.take_along_axis(population, places, axis=1)
    counts = np.bincount(drawn.ravel(), minlength=population.size)
    return counts.reshape(population.shape)


class NullDistribution:
    """Statistics of windows from nothing but the reference, and p-values by them.

    Parameters
    ----------
    scaling : ndarray of shape (n_scaling, n_statistics)
        Statistics of drawn windows, large ones strange, by which p-values of single
        statistics are told.

    simulated : ndarray of shape (n_simulated, n_statistics)
        Those of further windows, in which the least of the p-values is looked up. Were
        they the same windows, these would look less strange than new ones: 6 % instead
        of 5 % of alarms with 299 of them.
    """

    def __init__(self, scaling, simulated):
        self._sorted = np.sort(scaling, axis=0)
        place = len(scaling) - int(TAIL * len(scaling)) - 1
        self._tail_starts = self._sorted[place]
        self._tail_scales = (self._sorted[place:] - self._tail_starts).mean(axis=0)
        self._strangeness = np.sort(self.strangeness(simulated))

    def strangeness(self, statistics):
        """Minus the logarithm of the least of each window's p-values.

        Beyond the last `TAIL` of the drawn windows the tails are exponential.
        """
        strangest = np.zeros(len(statistics))
        columns = zip(
            statistics.T, self._sorted.T, self._tail_starts, self._tail_scales
        )
        for values, drawn, start, scale in columns:
            rounding = ROUNDING * max(1.0, abs(start))
            below = np.searchsorted(drawn, values - rounding)
            share = np.maximum(1 - below / len(drawn), TAIL)
            excess = np.maximum(values - rounding - start, 0.0)
            logs = excess / (scale + rounding) - np.log(share)
            strangest = np.maximum(strangest, logs)
        return strangest

    def p_values(self, statistics):
        """Calibrated p-values of windows, each in (0, 1]."""
        n = len(self._strangeness)
        below = np.searchsorted(self._strangeness, self.strangeness(statistics))
        return (1 + n - below) / (n + 1)
