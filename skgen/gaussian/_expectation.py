"""The E-step over all rows: one pass, blocks in threads, nothing kept per row."""

import numpy as np

from ._forms import FeatureForm, WhitenedForm, add_moments, normalise
from ._statistics import GaussianStatistics

# Beyond this many columns the features outgrow the cache.
MOST_FEATURE_COLUMNS = 24

# Rounding errors of the feature form stay below about 1e-10 up to this.
LARGEST_AMPLIFICATION = 1e6

# Numbers up to which a table's features are kept instead of made in each pass.
KEPT_FEATURES = 2**20


class Rows:
    """Rows of a table, standardised block by block as they are needed.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        The table; it may be a memory map, of either float type, and read-only.

    weights : ndarray of shape (n_samples,) or None
        Weights of the rows.

    frame : Frame
        The frame of reference.
    """

    def __init__(self, X, weights, frame):
        self.X = X
        self.weights = weights
        self.frame = frame
        self.n_rows, self.n_features = X.shape
        self.total = float(self.n_rows if weights is None else weights.sum())
        self._inverse_scale = 1.0 / frame.scale

    def columns(self, block):
        """Standardised columns (n_features, n_rows) of a block, in float64."""
        columns = np.empty((self.n_features, block.stop - block.start))
        np.subtract(self.X[block].T, self.frame.center[:, None], out=columns)
        columns *= self._inverse_scale[:, None]
        return columns

    def weights_of(self, block):
        """Weights of a block, or None."""
        return None if self.weights is None else self.weights[block]


class Expectation:
    """Expected sufficient statistics of rows under a Gaussian mixture.

    Parameters
    ----------
    rows : Rows
        The data.

    structure : CovarianceStructure
        The covariances' structure.

    workers : Workers
        The threads.

    form : {"auto", "feature", "whitened"}, default="auto"
        How densities are evaluated; "auto" takes features where columns are few
        and components neither tight nor far out.
    """

    def __init__(self, rows, structure, workers, form="auto"):
        self.rows = rows
        self.structure = structure
        self.workers = workers
        self.form = form
        self._scatter = self._total_scatter() if structure.shared else None
        self._kept = {}

    def __call__(self, parameters):
        """One pass over the data.

        Parameters
        ----------
        parameters : MixtureParameters
            Where to take the expectation.

        Returns
        -------
        statistics : GaussianStatistics
            Moments, and the weighted sum of log-densities in units of the frame.
        """
        form = self._choose_form(parameters)(parameters)
        load = self._loader(form, len(parameters.means))

        def lane_total(blocks):
            total = _Total(form.no_sums(), np.zeros(parameters.n_groups))
            for block in blocks:
                loaded, weights = load(block), self.rows.weights_of(block)
                joint = form.log_joint(loaded)
                density = normalise(joint, parameters.n_groups, weights)
                form.add(total.sums, joint, loaded)
                total.log_likelihood += (
                    density.sum(axis=1) if weights is None else density @ weights
                )
            return total

        total = self._sum(lane_total, form, len(parameters.means))
        counts, first, second, reference = form.moments(total.sums, self._scatter)
        return GaussianStatistics(
            self.structure,
            counts,
            first,
            second,
            reference,
            self.rows.total,
            total.log_likelihood
            + form.common_total(self._scatter, self.rows.total),
        )

    def of_responsibilities(self, responsibilities, n_components):
        """Statistics of given responsibilities.

        Parameters
        ----------
        responsibilities : callable
            From a block, a slice of rows, to an array (n_components, n_rows).

        n_components : int
            Number of components.

        Returns
        -------
        statistics : GaussianStatistics
            Moments about the components' means; the log-likelihood is NaN.
        """
        reference = np.zeros((n_components, self.rows.n_features))
        for _ in range(2):  # about the origin, for the means; then about the means
            counts, first, second = self._moments(responsibilities, reference)
            seen = counts > 0.0
            shift = np.zeros_like(first)
            shift[seen] = first[seen] / counts[seen, None]
            statistics = GaussianStatistics(
                self.structure,
                counts,
                first,
                second,
                reference,
                self.rows.total,
                np.full(1, np.nan),
            )
            reference = reference + shift
        return statistics

    def _moments(self, responsibilities, reference):
        structure = self.structure
        n_components, n_features = reference.shape
        shape = structure.shape(n_components, n_features)
        block_size = WhitenedForm.block_size(structure, n_components, n_features)

        def lane_total(blocks):
            second = np.zeros((1, *shape) if structure.shared else shape)
            sums = np.zeros(n_components), np.zeros_like(reference), second
            for block in blocks:
                given, weights = responsibilities(block), self.rows.weights_of(block)
                if weights is not None:
                    given = given * weights
                rows = self.rows.columns(block).T
                add_moments(structure, sums, given, rows, reference)
            return _Total(sums, 0.0)

        return self.workers.sum(lane_total, self.rows.n_rows, block_size).sums

    def _choose_form(self, parameters):
        if self.form != "auto":
            return FeatureForm if self.form == "feature" else WhitenedForm
        few = self.rows.n_features <= MOST_FEATURE_COLUMNS
        if (few or self.structure.n_quadratic(2) < 3) and (
            parameters.amplification <= LARGEST_AMPLIFICATION
        ):
            return FeatureForm
        return WhitenedForm

    def _loader(self, form, n_components):
        """From a block to what the form takes in, kept where the table is small."""
        structure, n_features = self.structure, self.rows.n_features
        width = 1 + n_features + structure.n_quadratic(n_features)
        small = width * self.rows.n_rows <= KEPT_FEATURES

        def load(block):
            key = type(form), block.start, block.stop
            if key in self._kept:
                return self._kept[key]
            loaded = form.load(structure, self.rows.columns(block))
            if small:
                self._kept[key] = loaded
            return loaded

        return load

    def _sum(self, lane_total, form, n_components):
        block_size = form.block_size(
            self.structure, n_components, self.rows.n_features
        )
        return self.workers.sum(lane_total, self.rows.n_rows, block_size)

    def _total_scatter(self):
        """Second moment of all rows about the frame's origin."""
        everything = self._moments(
            lambda block: np.ones((1, block.stop - block.start)),
            np.zeros((1, self.rows.n_features)),
        )
        return everything[2][0]


class _Total:
    """What one lane has summed up; lanes add."""

    def __init__(self, sums, log_likelihood):
        self.sums = sums
        self.log_likelihood = log_likelihood

    def __add__(self, other):
        sums = tuple(a + b for a, b in zip(self.sums, other.sums))
        return _Total(sums, self.log_likelihood + other.log_likelihood)
