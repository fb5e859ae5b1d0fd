"""A fitted mixture asked about rows: densities, responsibilities, labels."""

import numpy as np

from ..em import Workers
from ._columns import Conditionals, Marginals, column_block_size
from ._expectation import Rows
from ._forms import WhitenedForm, form_for, normalise
from ._holes import HoleFilling, batches, holes_form

# Rows further out than this many standard deviations of their column are
# evaluated without features, whose squares would swamp small differences.
FAR_OUT = 1e3

# Less is zero: `normalise` keeps clear of numbers too small to compute with.
LEAST_PROBABILITY = 1e-290

# Keeps squares finite for rows at the edge of what floats can hold.
LARGEST_COORDINATE = 1e140


class Evaluation:
    """Answers about rows, block by block in threads.

    What is said of a row depends on that row alone, to rounding.

    Parameters
    ----------
    parameters : MixtureParameters
        A mixture, in units of the frame.

    frame : Frame
        The frame of reference.

    workers : Workers
        The threads.

    noise : UniformNoise or None, default=None
        What rows may come from besides the components, in units of the frame.
    """

    def __init__(self, parameters, frame, workers, noise=None):
        self.parameters = parameters
        self.structure = parameters.structure
        self.frame = frame
        self.workers = workers
        self.noise = noise
        self.n_components, self.n_features = parameters.means.shape
        self._form = form_for(parameters)
        self._whitened = self._form
        if not isinstance(self._form, WhitenedForm):
            self._whitened = WhitenedForm(parameters)

    def log_densities(self, X):
        """Log-density of each row, in units of the data."""
        out = np.empty(len(X), dtype=X.dtype)

        def fill(block):
            columns, joint, common = self._log_joint(X, block)
            background = self._background(columns, common)
            density = normalise(joint, 1, background=background)[0] + common
            out[block] = density - self._log_volume(columns)

        self._each(fill, X)
        return out

    def responsibilities(self, X):
        """Posterior probabilities (n_samples, n_components), then that of noise."""
        n_components = self.n_components
        out = np.empty((len(X), n_components + (self.noise is not None)), X.dtype)

        def fill(block):
            columns, joint, common = self._log_joint(X, block)
            normalise(joint, 1, background=self._background(columns, common))
            found = np.where(joint > LEAST_PROBABILITY, joint, 0.0).T
            out[block, :n_components] = found
            if self.noise is not None:
                out[block, n_components] = np.maximum(1.0 - found.sum(axis=1), 0.0)

        self._each(fill, X)
        return out

    def labels(self, X):
        """The likeliest component of each row, -1 for noise."""
        out = np.empty(len(X), dtype=np.int64)

        def fill(block):
            columns, joint, common = self._log_joint(X, block)
            out[block] = joint.argmax(axis=0)
            if self.noise is not None:
                likelier = self._background(columns, common) > joint.max(axis=0)
                out[block][likelier] = -1

        self._each(fill, X)
        return out

    def posterior_divergences(self, X):
        """Divergence of each row's responsibilities from the weights, float64 nats."""
        out = np.empty(len(X))
        log_weights = self.parameters.log_weights[:, None]

        def fill(block):
            joint = self._log_joint(X, block)[1]
            normalise(joint, 1)
            taken = joint > LEAST_PROBABILITY
            ratios = np.log(joint, where=taken, out=np.zeros_like(joint)) - log_weights
            terms = np.multiply(joint, ratios, where=taken, out=np.zeros_like(joint))
            out[block] = np.maximum(terms.sum(axis=0), 0.0)

        self._each(fill, X)
        return out

    def column_log_densities(self, X):
        """Log-density of each entry under its column alone, float64.

        In units of the data; (n_samples, n_features).
        """
        answer = Marginals(self.parameters).log_densities
        return self._of_columns(answer, X, np.log(self.frame.scale))

    def conditional_log_densities(self, X):
        """Log-density of each entry given the others of its row, float64.

        In units of the data; (n_samples, n_features).
        """
        answer = Conditionals(self.parameters).log_densities
        return self._of_columns(answer, X, np.log(self.frame.scale))

    def conditional_probabilities(self, X):
        """Probability of an entry no larger, given the others of its row, float64."""
        return self._of_columns(Conditionals(self.parameters).probabilities, X)

    def completed(self, X, generator=None):
        """Rows with their missing cells filled, in units of the data, float64.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Rows, NaN where a cell is missing.

        generator : RandomState, default=None
            Draws from the distribution of the missing cells given those observed, row
            by row in one thread; None takes its mean.

        Returns
        -------
        filled : ndarray of shape (n_samples, n_features)
            Observed cells as they were.
        """
        out = X.astype(np.float64)
        rows, fill_in = Rows(X, None, self.frame), HoleFilling(self, generator)

        def fill(block):
            missing = np.isnan(X[block])
            holes = missing.any(axis=1)
            if not holes.any():
                return
            positions = np.arange(block.start, block.stop)[holes]
            cells = fill_in(_within_reach(rows.columns(positions))).T
            missing = missing[holes]
            out[positions[missing.nonzero()[0]], missing.nonzero()[1]] = (
                self.frame.outside(cells)[missing]
            )

        # Draws have an order.
        workers = self.workers if generator is None else Workers(n_threads=1)
        workers.each(fill, len(X), self._block_size)
        return out

    def _of_columns(self, answer, X, less=0.0):
        """What ``answer`` says of every entry, less a number for each column."""
        out = np.empty(X.shape)
        rows = Rows(X, None, self.frame)

        def fill(block):
            out[block] = answer(_within_reach(rows.columns(block))).T - less

        size = column_block_size(self.n_components, self.n_features)
        self.workers.each(fill, len(X), size)
        return out

    def _each(self, fill, X):
        self.workers.each(fill, len(X), self._block_size)

    @property
    def _block_size(self):
        shape = self.n_components, self.n_features
        return self._form.block_size(self.structure, *shape)

    def _log_volume(self, columns):
        """Log of the volume that one unit of the frame has, in the cells observed."""
        if not _has_holes(columns):
            return self.frame.log_volume
        return np.log(self.frame.scale) @ ~np.isnan(columns)

    def _background(self, columns, common):
        """Log of the noise's joint density, as `_log_joint` has others; or None."""
        if self.noise is None:
            return None
        return self.noise.log_joint(columns, self.parameters.weights) - common

    def _log_joint(self, X, block):
        """Rows of a block on their side, with the log of weight times density.

        Then what is left out of that in each row.
        """
        columns = Rows(X, None, self.frame).columns(block)
        if not _has_holes(columns):
            return columns, *self._complete_log_joint(columns)
        holes = np.isnan(columns).any(axis=0)
        joint = np.empty((self.n_components, len(holes)))
        common = np.zeros(len(holes))
        joint[:, holes] = self._log_joint_with_holes(columns[:, holes])
        if not holes.all():
            joint[:, ~holes], rest = self._complete_log_joint(columns[:, ~holes])
            common[~holes] = rest
        return columns, joint, common

    def _log_joint_with_holes(self, columns):
        columns = _within_reach(columns)
        form = holes_form(self.parameters)
        joint = np.empty((self.n_components, columns.shape[1]))
        for batch in batches(columns, None, self.n_components):
            joint[:, batch.positions] = form.log_joint(batch)[0]
        return joint

    def _complete_log_joint(self, columns):
        """Log of weight times density, and what is left out of it in each row."""
        if self._form is self._whitened:
            return self._whitened_log_joint(columns), 0.0
        far = np.abs(columns).max(axis=0) > FAR_OUT
        if not far.any():
            return self._feature_log_joint(columns)
        joint = np.empty((self.n_components, len(far)))
        common = np.zeros(len(far))
        joint[:, far] = self._whitened_log_joint(columns[:, far])
        if not far.all():
            joint[:, ~far], rest = self._feature_log_joint(columns[:, ~far])
            common[~far] = rest
        return joint, common

    def _whitened_log_joint(self, columns):
        rows = self._loaded(self._whitened, _within_reach(columns))
        return self._whitened.log_joint(rows, self._joint(columns))

    def _feature_log_joint(self, columns):
        features = self._loaded(self._form, columns)
        common = self._form.common(features)
        if self.structure.shared:
            common = common[0]
        return self._form.log_joint(features, self._joint(columns)), common

    def _loaded(self, form, columns):
        width = form.width(self.structure, self.n_features)
        loaded = self.workers.scratch("in", width, columns.shape[1])
        loaded[0] = 1.0
        loaded[1 : 1 + self.n_features] = columns
        form.complete(self.structure, self.n_features, loaded)
        return loaded

    def _joint(self, columns):
        return self.workers.scratch("joint", self.n_components, columns.shape[1])


def _has_holes(columns):
    """Whether a cell is missing: a block is looked at for each answer."""
    return np.isnan(columns.min())


def _within_reach(columns):
    """Coordinates no larger than what can be squared, in place."""
    return np.clip(columns, -LARGEST_COORDINATE, LARGEST_COORDINATE, out=columns)
