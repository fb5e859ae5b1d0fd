"""What a covariance may look like: scikit-learn's four, one small class for each.

Others, which differ in the M-step alone, are stored as one of these.
"""

from functools import lru_cache

import numpy as np

from ._covariance_structure import CovarianceStructure, IllDefinedCovarianceError

# Columns whose deviations lie further apart are drawn in units of their own: the
# decomposition behind draws would drown the smaller in rounding errors. Else draws
# are scikit-learn's, for the same seed.
MOST_UNLIKE_UNITS = 1e4


class _Matrices(CovarianceStructure):
    """What structures with covariance matrices have in common."""

    matrices = True

    def scatter(self, differences, responsibilities):
        half = differences * np.sqrt(responsibilities)
        return half @ half.T

    def add_to_variances(self, covariances, amount):
        return covariances + np.diag(amount)

    def raise_to_floor(self, covariances, floor):
        if floor == 0.0 or _surely_above(covariances, floor):
            return covariances
        values, vectors = np.linalg.eigh(covariances)
        low = values[:, 0] < floor
        covariances = covariances.copy()
        raised = np.maximum(values[low], floor)
        covariances[low] = self.of_spectrum(raised, vectors[low])
        return covariances

    def spectrum(self, covariances):
        return np.linalg.eigh(covariances)

    def of_spectrum(self, values, vectors):
        half = vectors * values[..., None, :]
        return _symmetric(half @ np.swapaxes(vectors, -1, -2))

    def directions_below(self, covariances, floor):
        if _surely_above(covariances, floor):
            return np.zeros(len(covariances), dtype=int)
        return (np.linalg.eigvalsh(covariances) < floor).sum(axis=1)

    def factor(self, covariances):
        try:
            lower = np.linalg.cholesky(covariances)
        except np.linalg.LinAlgError as error:
            raise IllDefinedCovarianceError(str(error)) from None
        if not np.isfinite(lower).all():
            raise IllDefinedCovarianceError("covariance is not finite")
        return np.swapaxes(_invert_lower(lower), -1, -2)

    def factor_precisions(self, precisions):
        # An upper triangular U with U Uᵀ is the lower factor of the matrix with
        # rows and columns reversed, reversed back.
        return np.linalg.cholesky(precisions[..., ::-1, ::-1])[..., ::-1, ::-1]

    def are_factors(self, array):
        return not np.tril(array, -1).any()

    def precisions(self, factors):
        return factors @ np.swapaxes(factors, -1, -2)

    def covariances(self, factors):
        half = np.swapaxes(_invert_lower(np.swapaxes(factors, -1, -2)), -1, -2)
        return np.swapaxes(half, -1, -2) @ half

    def rescale(self, covariances, scale):
        return covariances * scale[:, None] * scale

    def rescale_factors(self, factors, scale):
        return factors * scale[:, None]

    def variances(self, covariances, n_components, n_features):
        diagonals = np.diagonal(covariances, axis1=-2, axis2=-1)
        return self.each(diagonals, n_components)

    def times(self, precisions, columns):
        products = precisions.reshape(-1, len(columns)) @ columns
        return products.reshape(*precisions.shape[:2], -1)

    def log_determinants(self, factors, n_features):
        return np.log(np.diagonal(factors, axis1=-2, axis2=-1)).sum(axis=-1)

    def traces(self, factors, covariance, n_features):
        return (self.precisions(factors) * covariance).sum(axis=(-2, -1))

    def draw(self, generator, covariance, n_samples, n_features):
        unit = np.ones(n_features)
        deviations = np.sqrt(np.diagonal(covariance))
        if deviations.max() > MOST_UNLIKE_UNITS * deviations.min():
            unit = deviations
        drawn = generator.multivariate_normal(
            np.zeros(n_features),
            covariance / unit[:, None] / unit,
            n_samples,
            check_valid="ignore",  # what was rounded to float32 need not pass
        )
        return drawn * unit


class Full(_Matrices):
    """Each component has a covariance matrix of its own."""

    def shape(self, n_components, n_features):
        return (n_components, n_features, n_features)

    def n_parameters(self, n_components, n_features):
        return n_components * n_features * (n_features + 1) // 2

    def fewest_rows(self, n_features):
        return n_features + 2

    def centred(self, counts, first, second):
        offset = first / counts[:, None]
        between = offset[:, :, None] * offset[:, None, :]
        return second - counts[:, None, None] * between

    def estimate(self, counts, scatters, previous=None, n_groups=1, floor=0.0):
        return self.raise_to_floor(scatters / counts[:, None, None], floor)

    def translate(self, counts, first, second, shift):
        cross = first[:, :, None] * shift[:, None, :]
        square = counts[:, None, None] * shift[:, :, None] * shift[:, None, :]
        return second + cross + np.swapaxes(cross, 1, 2) + square

    def n_quadratic(self, n_features):
        return n_features * (n_features + 1) // 2

    def fill_quadratic(self, columns, out):
        start = 0
        for i in range(len(columns)):
            stop = start + len(columns) - i
            np.multiply(columns[i:], columns[i], out=out[start:stop])
            start = stop

    def natural(self, means, factors):
        precisions = self.precisions(factors)
        upper, _, halves = _upper_triangle(means.shape[1])
        linear = (precisions @ means[:, :, None])[:, :, 0]
        flat = precisions.reshape(len(means), -1)
        return linear, flat[:, upper] * halves

    def second_from_sums(self, sums, n_features):
        _, places, _ = _upper_triangle(n_features)
        return sums[:, places].reshape(-1, n_features, n_features)


class Tied(_Matrices):
    """All components of a mixture share one covariance matrix."""

    shared = True

    def shape(self, n_components, n_features):
        return (n_features, n_features)

    def n_parameters(self, n_components, n_features):
        return n_features * (n_features + 1) // 2

    def centred(self, counts, first, second):
        by_group = (len(second), -1, first.shape[1])
        first = first.reshape(by_group)
        counts = counts.reshape(by_group[:2])[:, :, None]
        between = np.swapaxes(first / counts, 1, 2) @ first
        return _symmetric(second - between)

    def scatters_of(self, counts, covariances):
        totals = counts.reshape(len(covariances), -1).sum(axis=1)
        return covariances * totals[:, None, None]

    def estimate(self, counts, scatters, previous=None, n_groups=1, floor=0.0):
        totals = counts.reshape(len(scatters), -1).sum(axis=1)
        return self.raise_to_floor(scatters / totals[:, None, None], floor)

    def translate(self, counts, first, second, shift):
        by_group = (len(second), -1, first.shape[1])
        turned = np.swapaxes(shift.reshape(by_group), 1, 2)
        moved = (first + 0.5 * counts[:, None] * shift).reshape(by_group)
        cross = turned @ moved
        return second + cross + np.swapaxes(cross, 1, 2)

    def n_quadratic(self, n_features):
        # The quadratic term is the same for every component: it cancels in
        # responsibilities, and its sum over rows follows from the total scatter.
        return 0

    def fill_quadratic(self, columns, out):
        pass

    def natural(self, means, factors):
        by_group = (len(factors), -1, means.shape[1])
        linear = means.reshape(by_group) @ self.precisions(factors)
        return linear.reshape(means.shape), np.empty((len(means), 0))

    def second_from_sums(self, sums, n_features):
        raise NotImplementedError("the total scatter of the rows serves instead")


class _Variances(CovarianceStructure):
    """What structures without covariances between columns have in common."""

    def raise_to_floor(self, covariances, floor):
        return covariances if floor == 0.0 else np.maximum(covariances, floor)

    def spectrum(self, covariances):
        return covariances.reshape(len(covariances), -1), covariances.shape

    def of_spectrum(self, values, vectors):
        return values.reshape(vectors)

    def directions_below(self, covariances, floor):
        return (covariances < floor).reshape(len(covariances), -1).sum(axis=1)

    def factor(self, covariances):
        if not (np.isfinite(covariances) & (covariances > 0.0)).all():
            raise IllDefinedCovarianceError("variance not positive and finite")
        return 1.0 / np.sqrt(covariances)

    def factor_precisions(self, precisions):
        return np.sqrt(precisions)

    def are_factors(self, array):
        return bool((array > 0.0).all())

    def precisions(self, factors):
        return factors**2

    def covariances(self, factors):
        return 1.0 / factors**2

    def times(self, precisions, columns):
        return precisions.reshape(len(precisions), -1, 1) * columns

    def largest_precisions(self, factors):
        return np.square(factors).reshape(len(factors), -1).max(axis=1)


class Diagonal(_Variances):
    """Each component has a variance of its own for each column."""

    def shape(self, n_components, n_features):
        return (n_components, n_features)

    def n_parameters(self, n_components, n_features):
        return n_components * n_features

    def centred(self, counts, first, second):
        return second - counts[:, None] * (first / counts[:, None]) ** 2

    def estimate(self, counts, scatters, previous=None, n_groups=1, floor=0.0):
        return self.raise_to_floor(scatters / counts[:, None], floor)

    def translate(self, counts, first, second, shift):
        return second + 2.0 * first * shift + counts[:, None] * shift**2

    def scatter(self, differences, responsibilities):
        return differences**2 @ responsibilities

    def add_to_variances(self, covariances, amount):
        return covariances + amount

    def rescale(self, covariances, scale):
        return covariances * scale**2

    def rescale_factors(self, factors, scale):
        return factors * scale

    def variances(self, covariances, n_components, n_features):
        return covariances

    def log_determinants(self, factors, n_features):
        return np.log(factors).sum(axis=1)

    def traces(self, factors, covariance, n_features):
        return (factors**2 * covariance).sum(axis=1)

    def n_quadratic(self, n_features):
        return n_features

    def fill_quadratic(self, columns, out):
        np.multiply(columns, columns, out=out)

    def natural(self, means, factors):
        precisions = factors**2
        return means * precisions, -0.5 * precisions

    def second_from_sums(self, sums, n_features):
        return sums

    def draw(self, generator, covariance, n_samples, n_features):
        noise = generator.standard_normal(size=(n_samples, n_features))
        return noise * np.sqrt(covariance)


class Spherical(_Variances):
    """Each component has one variance for all columns."""

    isotropic = True

    def shape(self, n_components, n_features):
        return (n_components,)

    def n_parameters(self, n_components, n_features):
        return n_components

    def centred(self, counts, first, second):
        offset = first / counts[:, None]
        square = np.einsum("ki,ki->k", offset, offset)
        return (second - counts * square) / first.shape[1]

    def estimate(self, counts, scatters, previous=None, n_groups=1, floor=0.0):
        return self.raise_to_floor(scatters / counts, floor)

    def translate(self, counts, first, second, shift):
        cross = np.einsum("ki,ki->k", first, shift)
        square = np.einsum("ki,ki->k", shift, shift)
        return second + 2.0 * cross + counts * square

    def scatter(self, differences, responsibilities):
        return np.einsum("in,in->n", differences, differences) @ responsibilities

    def add_to_variances(self, covariances, amount):
        return covariances + amount.mean()

    def rescale(self, covariances, scale):
        return covariances * scale[0] ** 2

    def rescale_factors(self, factors, scale):
        return factors * scale[0]

    def variances(self, covariances, n_components, n_features):
        return np.repeat(covariances[:, None], n_features, axis=1)

    def log_determinants(self, factors, n_features):
        return n_features * np.log(factors)

    def traces(self, factors, covariance, n_features):
        return n_features * factors**2 * covariance

    def n_quadratic(self, n_features):
        return 1

    def fill_quadratic(self, columns, out):
        np.einsum("in,in->n", columns, columns, out=out[0])

    def natural(self, means, factors):
        precisions = factors[:, None] ** 2
        return means * precisions, -0.5 * precisions

    def second_from_sums(self, sums, n_features):
        return sums[:, 0]

    def draw(self, generator, covariance, n_samples, n_features):
        noise = generator.standard_normal(size=(n_samples, n_features))
        return noise * np.sqrt(covariance)


#: The structures under scikit-learn's names: those that others are stored as.
CLASSICAL = {
    "full": Full(),
    "tied": Tied(),
    "diag": Diagonal(),
    "spherical": Spherical(),
}


@lru_cache(maxsize=32)
def _upper_triangle(n_features):
    """Flat positions of the upper triangle, each entry's place in it, and factors.

    The factors turn a precision's entries into coefficients of x_i x_j, i ≤ j.
    """
    rows, columns = np.triu_indices(n_features)
    places = np.empty((n_features, n_features), dtype=np.intp)
    places[rows, columns] = places[columns, rows] = np.arange(len(rows))
    halves = np.where(rows == columns, -0.5, -1.0)
    return rows * n_features + columns, places.ravel(), halves


def _symmetric(matrices):
    return 0.5 * (matrices + np.swapaxes(matrices, -1, -2))


def _surely_above(covariances, floor):
    """Whether all eigenvalues are above ``floor``: a Cholesky factor exists."""
    try:
        np.linalg.cholesky(covariances - floor * np.eye(covariances.shape[-1]))
    except np.linalg.LinAlgError:
        return False
    return True


def _invert_lower(lower):
    """Inverses of lower triangular matrices, row by row, exactly triangular."""
    inverse = np.zeros_like(lower)
    reciprocals = 1.0 / np.diagonal(lower, axis1=-2, axis2=-1)
    for i in range(lower.shape[-1]):
        row = lower[..., i : i + 1, :i] @ inverse[..., :i, :i]
        inverse[..., i, :i] = row[..., 0, :] * -reciprocals[..., i : i + 1]
        inverse[..., i, i] = reciprocals[..., i]
    return inverse
