"""Two ways to evaluate a Gaussian mixture on a block of rows, and their mixture.

`FeatureForm` writes every log-density as a product of features of the row,
[1, x, x_i x_j], and natural parameters: two matrix products a block. `WhitenedForm`
standardises the rows by each component in turn: dearer in few columns, but no
digit is lost to squares about a distant origin. `MixedForm` takes the second for
those components alone that need it. All answer the same questions, about blocks
that stand on their side: a row of the table is a column here, so that sums over
components and columns run along contiguous memory.
"""

from itertools import pairwise

import numpy as np

# Squared distances beyond this are cut: the log-density of a row that far away
# is finite, and equal under all components, instead of NaN.
LARGEST_SQUARE = 1e300

# Responsibilities below this change no sum of ordinary numbers.
NEGLIGIBLE = 1e-17

# exp below this is next to a subnormal number, on which processors are slow.
LEAST_EXPONENT = -690.0


# Beyond this many columns products of columns cost more than whitening.
MOST_FEATURE_COLUMNS = 20

# Rounding errors of the feature form stay below about 1e-10 up to this.
LARGEST_AMPLIFICATION = 1e6


def form_for(parameters):
    """The fastest form that evaluates a mixture, or several, to rounding errors.

    Parameters
    ----------
    parameters : MixtureParameters
        The mixtures, in the frame of the rows.

    Returns
    -------
    form : FeatureForm, WhitenedForm or MixedForm
        The form.
    """
    structure, n_features = parameters.structure, parameters.means.shape[1]
    if structure.n_quadratic(n_features) > n_features > MOST_FEATURE_COLUMNS:
        return WhitenedForm(parameters)
    tight = parameters.amplification > LARGEST_AMPLIFICATION
    if not tight.any():
        return FeatureForm(parameters)
    if tight.all() or structure.shared or parameters.n_groups > 1:
        return WhitenedForm(parameters)
    return MixedForm(parameters, tight)


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
        width = self.width(self.structure, self.n_features)
        self.coefficients = np.empty((len(linear), width))
        self.coefficients[:, 0] = parameters.log_scales - 0.5 * square
        self.coefficients[:, 1 : 1 + self.n_features] = linear
        self.coefficients[:, 1 + self.n_features :] = quadratic
        self.factors = parameters.factors

    @staticmethod
    def width(structure, n_features):
        """Number of features."""
        return 1 + n_features + structure.n_quadratic(n_features)

    @classmethod
    def block_size(cls, structure, n_components, n_features):
        """Rows that keep threads busy between turns of the interpreter.

        Smaller blocks would stay in a core's own cache, but then threads spend
        longer waiting for each other than computing.
        """
        width = cls.width(structure, n_features) + 2 * n_components
        return max(1024, min(420_000 // width, 12_288))

    @staticmethod
    def complete(structure, n_features, features):
        """Add the quadratic features to the constant and linear ones."""
        linear, quadratic = features[1 : 1 + n_features], features[1 + n_features :]
        structure.fill_quadratic(linear, quadratic)

    def log_joint(self, features, out):
        """Log of weight times density, (n_components, n_rows).

        Less the part that a shared covariance makes equal for all components.
        """
        return np.matmul(self.coefficients, features, out=out)

    def common(self, features):
        """The part that is equal for all components of a group, or 0."""
        if not self.structure.shared:
            return 0.0
        white = np.swapaxes(self.factors, 1, 2) @ features[1 : 1 + self.n_features]
        return -0.5 * np.einsum("gin,gin->gn", white, white)

    def no_sums(self):
        """Sums over no rows."""
        return (np.zeros(self.coefficients.T.shape),)

    def add(self, sums, responsibilities, features):
        """Add a block's features, weighted by responsibilities, to the sums."""
        sums[0][...] += features @ responsibilities.T

    def moments(self, sums, scatter):
        """Counts, first and second moments, and the reference they are about.

        ``scatter`` is the second moment of all rows, which is all that a shared
        covariance needs.
        """
        by_component = sums[0].T
        first = by_component[:, 1 : 1 + self.n_features]
        second = by_component[:, 1 + self.n_features :]
        if self.structure.shared:
            second = np.repeat(scatter[None], len(self.factors), axis=0)
        else:
            second = self.structure.second_from_sums(second, self.n_features)
        return by_component[:, 0], first, second, np.zeros_like(first)

    def common_total(self, scatter):
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

    # Whitened coordinates of one matrix product, over as many components as it takes,
    # and the rows of the table that it is for.
    HEIGHT = 512
    TILE = 1024

    def __init__(self, parameters):
        self.structure = parameters.structure
        self.means = parameters.means
        self.n_groups = parameters.n_groups
        self.log_scales = parameters.log_scales
        self.factors = self.structure.each(parameters.factors, len(self.means))
        if self.structure.matrices:
            self._slabs = self._triangular_slabs()

    def _triangular_slabs(self):
        """Transposed factors cut into slabs of rows, without the zeros behind them.

        The first column of each slab is the offset of the mean, so that
        ``slab @ [1, x]`` is ``factorᵀ (x - mean)``.
        """
        n_features = self.means.shape[1]
        offsets = -(self.means[:, None, :] @ self.factors)
        stacked = np.concatenate([offsets, self.factors], axis=1)
        n_slabs = max(1, min(8, n_features // 8))
        edges = [n_features * i // n_slabs for i in range(n_slabs + 1)]
        return [
            np.ascontiguousarray(
                np.swapaxes(stacked[:, : 1 + stop, start:stop], 1, 2)
            ).reshape(-1, 1 + stop)
            for start, stop in pairwise(edges)
        ]

    @staticmethod
    def width(structure, n_features):
        """Number of coordinates, the constant one included."""
        return 1 + n_features

    @staticmethod
    def complete(structure, n_features, rows):
        """The constant and linear coordinates are all that it takes."""

    @staticmethod
    def block_size(structure, n_components, n_features):
        """Rows enough for each component to find some of its own."""
        return max(1024, min(4096, 2**21 // (n_features + 2 * n_components)))

    def log_joint(self, rows, out):
        """Log of weight times density, (n_components, n_rows)."""
        square = (
            self._squares_by_matrices
            if self.structure.matrices
            else self._squares_by_columns
        )
        for start in range(0, rows.shape[1], self.TILE):
            tile = slice(start, start + self.TILE)
            square(rows[:, tile], out[:, tile])
        np.minimum(out, LARGEST_SQUARE, out=out)
        out *= -0.5
        out += self.log_scales[:, None]
        return out

    def _squares_by_matrices(self, rows, out):
        n_components = len(self.means)
        out[...] = 0.0
        for slab in self._slabs:
            height = len(slab) // n_components
            step = max(1, self.HEIGHT // height)
            for start in range(0, n_components, step):
                stop = min(start + step, n_components)
                white = slab[start * height : stop * height] @ rows[: slab.shape[1]]
                white = white.reshape(stop - start, height, -1)
                out[start:stop] += np.einsum("khn,khn->kn", white, white)

    def _squares_by_columns(self, rows, out):
        for k, mean in enumerate(self.means):
            white = (rows[1:] - mean[:, None]) * self.factors[k][..., None]
            np.einsum("in,in->n", white, white, out=out[k])

    def common(self, rows):
        """Nothing is left out of `log_joint`."""
        return 0.0

    def no_sums(self):
        """Sums over no rows."""
        return no_moments(self.structure, self.means.shape, self.n_groups)

    def add(self, sums, responsibilities, rows):
        """Add a block's moments about the means, weighted by responsibilities."""
        add_moments(self.structure, sums, responsibilities, rows[1:], self.means)

    def moments(self, sums, scatter):
        """Counts, first and second moments, and the reference they are about."""
        return *sums, self.means

    def common_total(self, scatter):
        """Nothing is left out of `log_joint`."""
        return 0.0


class MixedForm(FeatureForm):
    """Features for most components, whitened rows for those that are tight.

    Parameters
    ----------
    parameters : MixtureParameters
        A mixture whose components do not share their covariance.

    tight : ndarray of bool of shape (n_components,)
        The components to whiten rows for.
    """

    def __init__(self, parameters, tight):
        self.structure = parameters.structure
        self.n_features = parameters.means.shape[1]
        self._tight, self._loose = np.flatnonzero(tight), np.flatnonzero(~tight)
        self._features = FeatureForm(parameters.components(self._loose))
        self._whitened = WhitenedForm(parameters.components(self._tight))
        self._n_linear = 1 + self.n_features

    def log_joint(self, features, out):
        """Log of weight times density, (n_components, n_rows)."""
        out[self._loose] = self._features.coefficients @ features
        joint = np.empty((len(self._tight), features.shape[1]))
        out[self._tight] = self._whitened.log_joint(features[: self._n_linear], joint)
        return out

    def no_sums(self):
        """Sums over no rows."""
        return *self._features.no_sums(), *self._whitened.no_sums()

    def add(self, sums, responsibilities, features):
        """Add a block's weighted features and moments to the sums."""
        self._features.add(sums, responsibilities[self._loose], features)
        rows = features[: self._n_linear]
        self._whitened.add(sums[1:], responsibilities[self._tight], rows)

    def moments(self, sums, scatter):
        """Counts, first and second moments, and the reference they are about."""
        order = np.argsort(np.r_[self._loose, self._tight])
        loose = self._features.moments(sums[:1], scatter)
        tight = self._whitened.moments(sums[1:], scatter)
        return tuple(np.concatenate(pair)[order] for pair in zip(loose, tight))


def no_moments(structure, shape, n_groups=1):
    """Counts, first and second moments of no rows."""
    n_components, n_features = shape
    second = structure.shape(n_components, n_features)
    if structure.shared:
        second = (n_groups, *second)
    return np.zeros(n_components), np.zeros(shape), np.zeros(second)


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
            weights, taken = weights[kept], rows.take(kept, axis=1)
            taken -= reference[k][:, None]
        else:
            taken = rows - reference[k][:, None]
        first[k] += taken @ weights
        place = k * len(second) // len(counts) if structure.shared else k
        second[place] += structure.scatter(taken, weights)


def normalise(log_joint, n_groups, weights=None, background=None):
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

    background : ndarray of shape (n_rows,), default=None
        Log of weight times density of what rows may come from besides the components;
        its responsibility is what those of the components leave of 1.

    Returns
    -------
    log_density : ndarray of shape (n_groups, n_rows)
        Log of the mixtures' densities.
    """
    grouped = log_joint.reshape(n_groups, -1, log_joint.shape[1])
    peak = grouped.max(axis=1)
    if background is not None:
        np.maximum(peak, background, out=peak)
    grouped -= peak[:, None]
    np.maximum(grouped, LEAST_EXPONENT, out=grouped)
    np.exp(grouped, out=grouped)
    total = grouped.sum(axis=1)
    if background is not None:
        total += np.exp(np.maximum(background - peak, LEAST_EXPONENT))
    grouped *= ((1.0 if weights is None else weights) / total)[:, None]
    np.log(total, out=total)
    total += peak
    return total
