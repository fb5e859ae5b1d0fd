"""The E-step over all rows: one pass, blocks in threads, nothing kept per row."""

import numpy as np

from ..em import Workers
from ._forms import (
    FeatureForm,
    WhitenedForm,
    add_moments,
    form_for,
    no_moments,
    normalise,
)
from ._statistics import GaussianStatistics

FORMS = {"auto": form_for, "feature": FeatureForm, "whitened": WhitenedForm}

# So many columns are read faster in the order of the rows that they lie in.
WIDE = 100

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

    def columns(self, positions, out=None):
        """Standardised columns (n_features, n_rows) of some rows, in float64.

        ``positions`` is a slice or an array of positions.
        """
        taken = self.X[positions].T
        out = np.empty(taken.shape) if out is None else out
        np.subtract(taken, self.frame.center[:, None], out=out)
        out *= self._inverse_scale[:, None]
        return out

    def take(self, chosen):
        """Some of the rows, a copy."""
        weights = None if self.weights is None else self.weights[chosen]
        return Rows(self.X[chosen], weights, self.frame)

    def load(self, form, structure, block, out):
        """What a form takes in of a block: a constant, columns, what else it needs."""
        out[0] = 1.0
        self.columns(block, out=out[1 : 1 + self.n_features])
        form.complete(structure, self.n_features, out)
        return out

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
        How densities are evaluated; "auto" leaves it to `form_for`.

    noise : UniformNoise or None, default=None
        What rows may come from besides the components.
    """

    def __init__(self, rows, structure, workers, form="auto", noise=None):
        self.rows = rows
        self.structure = structure
        self.workers = workers
        # beside noise, components do not share out the scatter of all rows
        self.form = "whitened" if structure.shared and noise is not None else form
        self.noise = noise
        self.log_volume = rows.frame.log_volume
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
        form = FORMS[self.form](parameters)
        load = self._loader(form)

        def lane_total(blocks):
            total = _Total(form.no_sums(), np.zeros(parameters.n_groups))
            for block in blocks:
                loaded, weights = load(block), self.rows.weights_of(block)
                shape = len(parameters.means), loaded.shape[1]
                joint = form.log_joint(loaded, self.workers.scratch("joint", *shape))
                background = self._background(form, loaded, parameters)
                density = normalise(joint, parameters.n_groups, weights, background)
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
            total.log_likelihood + form.common_total(self._scatter),
        )

    def of_responsibilities(
        self, responsibilities, n_components, *, n_groups=1, sequential=False
    ):
        """Statistics of given responsibilities.

        Parameters
        ----------
        responsibilities : callable
            From a block, a slice of rows, to an array (n_components, n_rows).

        n_components : int
            Number of components, of all groups together.

        n_groups : int, default=1
            Number of mixtures.

        sequential : bool, default=False
            Whether blocks must be asked for in order, one after the other.

        Returns
        -------
        statistics : GaussianStatistics
            Moments about the components' means; the log-likelihood is NaN.
        """
        reference = np.zeros((n_components, self.rows.n_features))
        for _ in range(2):  # about the origin, for the means; then about the means
            counts, first, second = self._moments(
                responsibilities, reference, n_groups, sequential
            )
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
                np.full(n_groups, np.nan),
            )
            reference = reference + shift
        return statistics

    def collapsed(self, parameters, floor):
        """Components that a floor on variances holds up, though not the data's fault.

        Directions in which all rows together have no variance do not count: every
        component is held up there, and none of them has collapsed.

        Parameters
        ----------
        parameters : MixtureParameters
            A mixture, fitted under the floor.

        floor : float
            The smallest variance.

        Returns
        -------
        components : ndarray of int
            Their numbers; for a shared covariance all of them.
        """
        structure, barely = self.structure, floor * (1.0 + 1e-6)
        held = structure.directions_below(parameters.covariances, barely)
        if not held.any():
            return np.flatnonzero(held)
        origin = np.zeros((1, self.rows.n_features))
        storage, moments = structure.storage, self._moments(_everything, origin)
        everything = storage.estimate(moments[0], storage.centred(*moments))
        flat = storage.directions_below(everything, barely)
        return np.flatnonzero(structure.each(held > flat, len(parameters.means)))

    def _moments(self, responsibilities, reference, n_groups=1, sequential=False):
        structure = self.structure
        block_size = WhitenedForm.block_size(structure, *reference.shape)

        def lane_total(blocks):
            sums = no_moments(structure, reference.shape, n_groups)
            for block in blocks:
                given, weights = responsibilities(block), self.rows.weights_of(block)
                if weights is not None:
                    given = given * weights
                add_moments(structure, sums, given, self.rows.columns(block), reference)
            return _Total(sums, 0.0)

        workers = Workers(n_threads=1) if sequential else self.workers
        return workers.sum(lane_total, self.rows.n_rows, block_size).sums

    def _background(self, form, loaded, parameters):
        """Log of the noise's joint density, less what the form leaves out, or None."""
        if self.noise is None:
            return None
        columns = loaded[1 : 1 + self.rows.n_features]
        joint = self.noise.log_joint(columns, parameters.weights)
        return joint - np.ravel(form.common(loaded))

    def _loader(self, form):
        """From a block to what the form takes in, kept where the table is small."""
        width = form.width(self.structure, self.rows.n_features)
        kept = self._kept.setdefault(type(form), {})
        small = width * self.rows.n_rows <= KEPT_FEATURES
        wide = isinstance(form, FeatureForm) and self.rows.n_features >= WIDE

        def allocate(n_rows):
            shape = (n_rows, width) if wide else (width, n_rows)
            out = np.empty(shape) if small else self.workers.scratch("in", *shape)
            return out.T if wide else out

        def load(block):
            loaded = kept.get((block.start, block.stop))
            if loaded is None:
                out = allocate(block.stop - block.start)
                loaded = self.rows.load(form, self.structure, block, out)
                if small:
                    kept[block.start, block.stop] = loaded
            return loaded

        return load

    def _sum(self, lane_total, form, n_components):
        block_size = form.block_size(self.structure, n_components, self.rows.n_features)
        return self.workers.sum(lane_total, self.rows.n_rows, block_size)

    def _total_scatter(self):
        """Second moment of all rows about the frame's origin."""
        origin = np.zeros((1, self.rows.n_features))
        return self._moments(_everything, origin)[2][0]


def _everything(block):
    """Responsibilities of a single component."""
    return np.ones((1, block.stop - block.start))


class _Total:
    """What one lane has summed up; lanes add."""

    def __init__(self, sums, log_likelihood):
        self.sums = sums
        self.log_likelihood = log_likelihood

    def __add__(self, other):
        sums = tuple(a + b for a, b in zip(self.sums, other.sums))
        return _Total(sums, self.log_likelihood + other.log_likelihood)
