"""Two ways to evaluate a Gaussian mixture on a block of rows.

`FeatureForm` writes every log-density as a product of features of the row,
[1, x, x_i x_j], and natural parameters: two matrix products a block. `WhitenedForm`
standardises the rows by each component in turn: dearer in few columns, but no
digit is lost to squares about a distant origin. Both offer the same questions.
"""

from itertools import pairwise

import numpy as np

# Squared distances beyond this are cut: the log-density of a row that far away
# is finite, and equal under all components, instead of NaN.
LARGEST_SQUARE = 1e300

# Responsibilities below this change no sum of ordinary numbers.
NEGLIGIBLE = 1e-17


class FeatureForm:
    """Log-densities as products of features and natural parameters.

    Parameters
    ----------
    parameters : MixtureParameters
        The mixtures.
    """

    def __init__(self, parameters):
        self.structure = parameters.structure
        self.n_features = parameters.means.shape[1]
        linear, quadratic = self.structure.natural(parameters.means, parameters.factors)
        square = np.einsum("ki,ki->k", linear, parameters.means)
        constant = parameters.log_scales - 0.5 * square
        self.coefficients = np.hstack([constant[:, None], linear, quadratic])
        self.factors = parameters.factors

    @staticmethod
    def block_size(structure, n_components, n_features):
        """Rows whose features and responsibilities fit in a core's cache."""
        width = 1 + n_features + structure.n_quadratic(n_features) + 2 * n_components
        return int(np.clip(2**16 // width, 256, 4096))

    @staticmethod
    def load(structure, columns):
        """Features (n_functions, n_rows) of standardised columns."""
        n_features, n_rows = columns.shape
        n_linear = 1 + n_features
        features = np.empty((n_linear + structure.n_quadratic(n_features), n_rows))
        features[0] = 1.0
        features[1:n_linear] = columns
        structure.fill_quadratic(columns, features[n_linear:])
        return features

    def log_joint(self, features):
        """Log of weight times density, (n_components, n_rows).

        Less the part that a shared covariance makes equal for all components.
        """
        return self.coefficients @ features

    def common(self, features):
        """The part that is equal for all components of a group, or 0."""
        if not self.structure.shared:
            return 0.0
        white = features[1 : 1 + self.n_features].T @ self.factors
        return -0.5 * np.einsum("gni,gni->gn", white, white)

    def no_sums(self):
        """Sums over no rows."""
        return (np.zeros_like(self.coefficients),)

    def add(self, sums, responsibilities, features):
        """Add a block's features, weighted by responsibilities, to the sums."""
        sums[0][...] += responsibilities @ features.T

    def moments(self, sums, scatter):
        """Counts, first and second moments, and the reference they are about.

        ``scatter`` is the second moment of all rows, which is all that a shared
        covariance needs.
        """
        counts, first, second = np.split(sums[0], [1, 1 + self.n_features], axis=1)
        if self.structure.shared:
            second = np.repeat(scatter[None], len(self.factors), axis=0)
        else:
            second = self.structure.second_from_sums(second, self.n_features)
        return counts[:, 0], first, second, np.zeros_like(first)

    def common_total(self, scatter, total):
        """Sum over all rows of `common`, from their second moment."""
        if not self.structure.shared:
            return 0.0
        precisions = self.structure.precisions(self.factors)
        return -0.5 * np.einsum("gij,ij->g", precisions, scatter)


class WhitenedForm:
    """Log-densities from rows standardised by each component.

    Parameters
    ----------
    parameters : MixtureParameters
        The mixtures.
    """

    # Columns of one matrix product, over as many components as it takes.
    WIDTH = 512

    def __init__(self, parameters):
        self.structure = parameters.structure
        self.means = parameters.means
        self.n_groups = parameters.n_groups
        self.log_scales = parameters.log_scales
        self.factors = self.structure.each(parameters.factors, len(self.means))
        if self.structure.matrices:
            self._slabs = self._triangular_slabs()

    def _triangular_slabs(self):
        """Factors cut into slabs of columns, without the zeros below them.

        The first row of each slab is the offset of the mean, so that
        ``[1, x] @ slab`` is ``(x - mean) @ factor``.
        """
        n_features = self.means.shape[1]
        offsets = -(self.means[:, None, :] @ self.factors)
        stacked = np.concatenate([offsets, self.factors], axis=1)
        n_slabs = 1 if n_features < 16 else 2 if n_features < 48 else 4
        edges = [n_features * i // n_slabs for i in range(n_slabs + 1)]
        return [
            np.ascontiguousarray(
                np.moveaxis(stacked[:, : 1 + stop, start:stop], 0, 1)
            ).reshape(1 + stop, -1)
            for start, stop in pairwise(edges)
        ]

    @staticmethod
    def block_size(structure, n_components, n_features):
        """Rows whose whitened columns fit in a core's cache."""
        return int(np.clip(2**16 // (n_features + n_components), 256, 1024))

    @staticmethod
    def load(structure, columns):
        """Rows (n_rows, 1 + n_features), a one in front of each."""
        rows = np.empty((columns.shape[1], 1 + len(columns)))
        rows[:, 0] = 1.0
        rows[:, 1:] = columns.T
        return rows

    def log_joint(self, rows):
        """Log of weight times density, (n_components, n_rows)."""
        squares = (
            self._squares_by_matrices(rows)
            if self.structure.matrices
            else self._squares_by_columns(rows)
        )
        np.minimum(squares, LARGEST_SQUARE, out=squares)
        squares *= -0.5
        squares += self.log_scales[:, None]
        return squares

    def _squares_by_matrices(self, rows):
        n_components = len(self.means)
        squares = np.zeros((n_components, len(rows)))
        for slab in self._slabs:
            width = slab.shape[1] // n_components
            step = max(1, self.WIDTH // width)
            for start in range(0, n_components, step):
                stop = min(start + step, n_components)
                white = rows[:, : len(slab)] @ slab[:, start * width : stop * width]
                white = white.reshape(len(rows), stop - start, width)
                squares[start:stop] += np.vecdot(white, white).T
        return squares

    def _squares_by_columns(self, rows):
        squares = np.empty((len(self.means), len(rows)))
        for k, mean in enumerate(self.means):
            white = (rows[:, 1:] - mean) * self.factors[k]
            squares[k] = np.vecdot(white, white)
        return squares

    def common(self, rows):
        """Nothing is left out of `log_joint`."""
        return 0.0

    def no_sums(self):
        """Sums over no rows."""
        n_components, n_features = self.means.shape
        shape = self.structure.shape(n_components, n_features)
        if self.structure.shared:
            shape = (self.n_groups, *shape)
        return np.zeros(n_components), np.zeros_like(self.means), np.zeros(shape)

    def add(self, sums, responsibilities, rows):
        """Add a block's moments about the means, weighted by responsibilities."""
        add_moments(self.structure, sums, responsibilities, rows[:, 1:], self.means)

    def moments(self, sums, scatter):
        """Counts, first and second moments, and the reference they are about."""
        return *sums, self.means

    def common_total(self, scatter, total):
        """Nothing is left out of `log_joint`."""
        return 0.0


def add_moments(structure, sums, responsibilities, rows, reference):
    """Add a block's weighted moments about ``reference`` to sums, in place.

    Rows of negligible responsibility are passed over where they are many: late in
    a fit most rows belong to few components.
    """
    counts, first, second = sums
    counts += responsibilities.sum(axis=1)
    for k, weights in enumerate(responsibilities):
        kept = np.flatnonzero(weights > NEGLIGIBLE)
        if kept.size == 0:
            continue
        if kept.size < 0.5 * weights.size:
            weights, differences = weights[kept], rows[kept] - reference[k]
        else:
            differences = rows - reference[k]
        first[k] += weights @ differences
        place = k * len(second) // len(counts) if structure.shared else k
        second[place] += structure.scatter(differences, weights)


def normalise(log_joint, n_groups, weights=None):
    """Turn log joint densities into responsibilities, in place.

    Parameters
    ----------
    log_joint : ndarray of shape (n_components, n_rows)
        Log of weight times density. Overwritten by responsibilities, times the
        rows' weights where given.

    n_groups : int
        Number of mixtures behind each other.

    weights : ndarray of shape (n_rows,), default=None
        Weights of the rows.

    Returns
    -------
    log_density : ndarray of shape (n_groups, n_rows)
        Log of the mixtures' densities.
    """
    grouped = log_joint.reshape(n_groups, -1, log_joint.shape[1])
    peak = grouped.max(axis=1)
    grouped -= peak[:, None]
    np.exp(grouped, out=grouped)
    total = grouped.sum(axis=1)
    grouped *= ((1.0 if weights is None else weights) / total)[:, None]
    np.log(total, out=total)
    total += peak
    return total
