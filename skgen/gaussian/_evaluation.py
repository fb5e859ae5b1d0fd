"""A fitted mixture asked about rows: densities, responsibilities, labels."""

import numpy as np

from ._columns import Conditionals, Marginals, column_block_size
from ._expectation import Rows
from ._forms import WhitenedForm, form_for, normalise

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
    """

    def __init__(self, parameters, frame, workers):
        self.parameters = parameters
        self.structure = parameters.structure
        self.frame = frame
        self.workers = workers
        self.n_components, self.n_features = parameters.means.shape
        self._form = form_for(parameters)
        self._whitened = self._form
        if not isinstance(self._form, WhitenedForm):
            self._whitened = WhitenedForm(parameters)

    def log_densities(self, X):
        """Log-density of each row, in units of the data."""
        out = np.empty(len(X), dtype=X.dtype)

        def fill(block):
            joint, common = self._log_joint(X, block)
            out[block] = normalise(joint, 1)[0] + common - self.frame.log_volume

        self._each(fill, X)
        return out

    def responsibilities(self, X):
        """Posterior probabilities (n_samples, n_components)."""
        out = np.empty((len(X), self.n_components), dtype=X.dtype)

        def fill(block):
            joint, _ = self._log_joint(X, block)
            normalise(joint, 1)
            out[block] = np.where(joint > LEAST_PROBABILITY, joint, 0.0).T

        self._each(fill, X)
        return out

    def labels(self, X):
        """The likeliest component of each row."""
        out = np.empty(len(X), dtype=np.int64)

        def fill(block):
            out[block] = self._log_joint(X, block)[0].argmax(axis=0)

        self._each(fill, X)
        return out

    def posterior_divergences(self, X):
        """Divergence of each row's responsibilities from the weights, float64 nats."""
        out = np.empty(len(X))
        log_weights = self.parameters.log_weights[:, None]

        def fill(block):
            joint, _ = self._log_joint(X, block)
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
        size = self._form.block_size(self.structure, self.n_components, self.n_features)
        self.workers.each(fill, len(X), size)

    def _log_joint(self, X, block):
        """Log of weight times density, and what is left out of it in each row."""
        columns = Rows(X, None, self.frame).columns(block)
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


def _within_reach(columns):
    """Coordinates no larger than what can be squared, in place."""
    return np.clip(columns, -LARGEST_COORDINATE, LARGEST_COORDINATE, out=columns)
