r"""Mixtures of factor analysers: a few common factors and noise of each column.

Each component has :math:`\Sigma_k = \Lambda_k \Lambda_k^\top + \Psi_k` with loadings
of shape (n_features, n_factors) and a diagonal noise (Ghahramani and Hinton, 1996;
McLachlan and Peel, 2000, :doi:`10.1002/0471721182`). In this room a covariance is
``[loadings | noise]``, of shape (n_features, n_factors + 1).

Given the noise the likeliest loadings are known: with θ_m, u_m the eigenvalues, from
the largest, and eigenvectors of Ψ^(-1/2) S Ψ^(-1/2), they are
Ψ^(1/2) u_m (θ_m - 1)^(1/2). What is left is a function of the noise alone (Jöreskog,
1967, :doi:`10.1007/BF02289658`), minimised here by Newton's steps in its logs, with
the exact second derivatives (Clarke, 1970, :doi:`10.1111/j.2044-8317.1970.tb00439.x`).
A step counts only where the function falls, so that EM stays monotone.
"""

from copy import copy

import numpy as np

from ._covariance_structure import IllDefinedCovarianceError
from ._structures import CLASSICAL, Full

# Newton steps from the noise before, and from scratch; fewer for mixtures that stand
# behind each other, which only race.
WARM_STEPS = 3
COLD_STEPS = 200
RACING_STEPS = 10

# Noise below this, in units of the frame, is a rounding error.
SMALLEST_NOISE = 1e-16

# First noise of a column, at least, as a share of its variance.
LEAST_FIRST_SHARE = 0.05

# The largest step of a log, and slopes that are rounding errors.
LARGEST_STEP = 3.0
FLAT = 1e-8

# What is added to the curvatures for each unit of slope, and at least.
DAMPING = 0.1
SMALLEST_DAMPING = 1e-12

# The share of a step below which a component is left where it is.
SHORTEST = 1e-8


def check_n_factors(n_factors, n_features):
    """Raise a ValueError unless there are fewer factors than columns, and one."""
    if not 1 <= n_factors < n_features:
        raise ValueError(
            "n_factors must be at least 1 and less than the number of columns; got "
            f"n_factors={n_factors} for n_features={n_features}. Set a smaller "
            "n_factors, or covariance_type='full', to which as many factors as "
            "columns amount."
        )


class Factor(Full):
    """Each component has loadings of a few factors and noise of its own.

    Parameters
    ----------
    n_factors : int
        Number of factors, at least 1 and less than the number of columns.
    """

    storage = CLASSICAL["full"]

    def __init__(self, n_factors):
        self.n_factors = n_factors

    def __eq__(self, other):
        return isinstance(other, Factor) and other.n_factors == self.n_factors

    def __hash__(self):
        return hash((Factor, self.n_factors))

    def n_parameters(self, n_components, n_features):
        q = self.n_factors
        return n_components * (n_features * q - q * (q - 1) // 2 + n_features)

    def fewest_rows(self, n_features):
        return self.n_factors + 2

    def estimate(self, counts, scatters, previous=None, n_groups=1, floor=0.0):
        each = scatters / counts[:, None, None]
        if not np.isfinite(each).all():
            raise IllDefinedCovarianceError("covariance is not finite")
        floor = max(floor, SMALLEST_NOISE)
        try:
            return self._climb(each, previous, n_groups, floor).covariances()
        except np.linalg.LinAlgError as error:
            raise IllDefinedCovarianceError(str(error)) from None

    def _climb(self, each, previous, n_groups, floor):
        """From the noise before where there is one; else from the best of guesses."""
        cold = np.ones(len(each), dtype=bool)
        if previous is not None:
            cold = ~np.any(self.loadings(previous), axis=(1, 2))
            noise = np.maximum(self.noise(previous), floor)
            if not cold.any():
                return _likeliest(each, self.n_factors, noise, floor, WARM_STEPS)
        racing = n_groups > 1
        n_steps = RACING_STEPS if racing else COLD_STEPS
        best = None
        for guess in _first_noises(each, floor)[: 1 if racing else None]:
            start = guess if cold.all() else np.where(cold[:, None], guess, noise)
            found = _likeliest(each, self.n_factors, start, floor, n_steps)
            better = None if best is None else found.height < best.height
            best = found if best is None else best.replaced(found, better)
        return best

    def loadings(self, covariances):
        """Loadings, of shape (n_components, n_features, n_factors)."""
        return covariances[..., :-1]

    def noise(self, covariances):
        """Variances of the noise, of shape (n_components, n_features)."""
        return covariances[..., -1]

    def unit(self, n_components, n_features, n_groups=1):
        covariances = np.zeros((n_components, n_features, self.n_factors + 1))
        covariances[..., -1] = 1.0
        return np.tile(covariances, (n_groups, 1, 1))

    def stored(self, covariances):
        loadings = self.loadings(covariances)
        common = loadings @ np.swapaxes(loadings, -1, -2)
        diagonal = np.arange(loadings.shape[-2])
        common[..., diagonal, diagonal] += self.noise(covariances)
        return common

    def of_matrices(self, matrices):
        """The likeliest covariances of this structure for given matrices."""
        return self.estimate(np.ones(len(matrices)), matrices)

    def factor(self, covariances):
        return super().factor(self.stored(covariances))

    def covariances(self, factors):
        return self.of_matrices(super().covariances(factors))

    def add_to_variances(self, covariances, amount):
        covariances = covariances.copy()
        covariances[..., -1] += amount
        return covariances

    def raise_to_floor(self, covariances, floor):
        covariances = covariances.copy()
        covariances[..., -1] = np.maximum(covariances[..., -1], floor)
        return covariances

    def directions_below(self, covariances, floor):
        return super().directions_below(self.stored(covariances), floor)

    def rescale(self, covariances, scale):
        rescaled = covariances * scale[:, None]
        rescaled[..., -1] *= scale
        return rescaled

    def variances(self, covariances, n_components, n_features):
        squares = np.square(self.loadings(covariances)).sum(axis=-1)
        return squares + self.noise(covariances)

    def draw(self, generator, covariance, n_samples, n_features):
        return super().draw(generator, self.stored(covariance), n_samples, n_features)


def factor_means(rows, means, loadings, noise):
    r"""Means of the factors given rows: :math:`\mathrm E[z \mid x, k]`.

    :math:`(I + \Lambda_k^\top \Psi_k^{-1} \Lambda_k)^{-1} \Lambda_k^\top \Psi_k^{-1}
    (x - \mu_k)`.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Rows.

    means : ndarray of shape (n_components, n_features)
        Means of the components.

    loadings : ndarray of shape (n_components, n_features, n_factors)
        Loadings.

    noise : ndarray of shape (n_components, n_features)
        Variances of the noise.

    Returns
    -------
    factors : ndarray of shape (n_rows, n_components, n_factors)
        The means, one for each component that a row may be of.
    """
    weighted = np.swapaxes(loadings / noise[:, :, None], 1, 2)
    precisions = np.eye(loadings.shape[2]) + weighted @ loadings
    towards = np.linalg.solve(precisions, weighted)
    found = [(rows - mean) @ part.T for mean, part in zip(means, towards)]
    return np.stack(found, axis=1)


class _Profile:
    """Minus twice the log-likelihood per row at some noise, the loadings at their best.

    Parameters
    ----------
    scatters : ndarray of shape (n_components, n_features, n_features)
        Scatters per row.

    n_factors : int
        Number of factors.

    logs : ndarray of shape (n_components, n_features)
        Logs of the noise.
    """

    def __init__(self, scatters, n_factors, logs):
        self.n_factors, self.logs = n_factors, logs
        inverse = np.exp(-0.5 * logs)
        white = scatters * inverse[:, :, None] * inverse[:, None, :]
        values, vectors = np.linalg.eigh(white)
        self.values, self.vectors = values[:, ::-1], vectors[:, :, ::-1]
        explained = np.maximum(self.values[:, :n_factors], 1.0)
        self.height = logs.sum(axis=1) + np.log(explained).sum(axis=1)
        self.height += (self.values[:, :n_factors] / explained).sum(axis=1)
        self.height += self.values[:, n_factors:].sum(axis=1)

    def covariances(self):
        """``[loadings | noise]``, each factor's loadings with a sum not negative."""
        lengths = np.maximum(self.values[:, : self.n_factors] - 1.0, 0.0)
        deviations = np.exp(0.5 * self.logs)[:, :, None]
        loadings = self.vectors[:, :, : self.n_factors] * np.sqrt(lengths)[:, None, :]
        loadings = loadings * deviations
        loadings *= np.where(loadings.sum(axis=1, keepdims=True) < 0.0, -1.0, 1.0)
        return np.concatenate([loadings, deviations**2], axis=2)

    def unexplained(self):
        """1 for the directions that no factor explains, 0 for the others."""
        found = np.ones_like(self.values)
        found[:, : self.n_factors] = self.values[:, : self.n_factors] < 1.0
        return found

    def slope(self):
        """Derivatives with respect to the logs of the noise."""
        amounts = self.unexplained() * (1.0 - self.values)
        return np.einsum("kjm,km->kj", np.square(self.vectors), amounts)

    def curvatures(self):
        """Second derivatives, and what they would be were the model the truth.

        With P and Q the sums of u u' and θ u u' over what no factor explains, they
        are P ∘ Q and, for each factor n, u_n u_n' ∘ Σ_m c_mn u_m u_m' with
        c_mn = (1 - θ_m) (θ_n + θ_m) / (θ_n - θ_m).
        """
        rest, values, vectors = self.unexplained(), self.values, self.vectors

        def summed(amounts):
            return (vectors * (rest * amounts)[:, None]) @ np.swapaxes(vectors, 1, 2)

        projection = summed(1.0)
        exact = projection * summed(values)
        for n in range(self.n_factors):
            value = values[:, n, None]
            gaps = np.maximum(value - values, 1e-8 * np.maximum(value, 1.0))
            outer = vectors[:, :, n, None] * vectors[:, None, :, n]
            outer *= 1.0 - rest[:, n, None, None]
            exact += outer * summed((1.0 - values) * (value + values) / gaps)
        return exact, np.square(projection)

    def step(self, low):
        """Newton's step, free of logs that are at their lowest, and what it gains."""
        slope = self.slope()
        fixed = (self.logs <= low) & (slope > 0.0)
        slope = np.where(fixed, 0.0, slope)
        largest = np.abs(slope).max(axis=1)
        exact, expected = (_freed(c, fixed, largest) for c in self.curvatures())
        step = -np.linalg.solve(exact, slope[:, :, None])[:, :, 0]
        rising = (step * slope).sum(axis=1) >= -1e-3 * np.square(slope).sum(axis=1)
        if rising.any():
            other = np.linalg.solve(expected[rising], slope[rising][:, :, None])
            step[rising] = -other[:, :, 0]
        longest = np.abs(step).max(axis=1, keepdims=True)
        step *= np.minimum(1.0, LARGEST_STEP / np.maximum(longest, LARGEST_STEP))
        return step, largest

    def some(self, chosen):
        """Some of the components."""
        part = copy(self)
        for name in ("logs", "values", "vectors", "height"):
            setattr(part, name, getattr(self, name)[chosen])
        return part

    def replaced(self, other, chosen):
        """This one, with some components of the other, of as many."""
        return self.with_part(other.some(chosen), chosen)

    def with_part(self, part, chosen):
        """This one, with a part in place of some components."""
        whole = copy(self)
        for name in ("logs", "values", "vectors", "height"):
            array = getattr(self, name).copy()
            array[chosen] = getattr(part, name)
            setattr(whole, name, array)
        return whole


def _freed(curvatures, fixed, slope):
    """Curvatures that leave fixed logs where they are, damped as slopes are large."""
    free = ~fixed
    curvatures = curvatures * (free[:, :, None] & free[:, None, :])
    diagonal = np.arange(curvatures.shape[1])
    damping = np.maximum(DAMPING * slope, SMALLEST_DAMPING)[:, None]
    curvatures[:, diagonal, diagonal] += np.where(fixed, 1.0, damping)
    return curvatures


def _likeliest(scatters, n_factors, noise, floor, n_steps):
    """The profile after some steps from a given noise."""
    low = np.log(floor)
    best = _Profile(scatters, n_factors, np.log(noise))
    active, lengths = np.arange(len(scatters)), np.ones(len(scatters))
    for _ in range(n_steps):
        step, slope = best.some(active).step(low)
        moving = (slope > FLAT) & (lengths[active] > SHORTEST)
        active, step = active[moving], step[moving]
        if not len(active):
            break
        logs = np.maximum(best.logs[active] + lengths[active, None] * step, low)
        candidate = _Profile(scatters[active], n_factors, logs)
        better = candidate.height <= best.height[active]
        factor = np.where(better, 4.0, 0.25)
        lengths[active] = np.minimum(1.0, factor * lengths[active])
        best = best.with_part(candidate.some(better), active[better])
    return best


def _first_noises(scatters, floor):
    """Guesses of the noise: all variance; what a column has that the others have not.

    The function has several minima, most of all where there are many factors. On
    iris, wine and breast_cancer (10 columns), standardised, the best of these starts
    reached what the best of 60 random ones did, for every number of factors up to 8.
    """
    variances = np.diagonal(scatters, axis1=1, axis2=2)
    variances = np.maximum(variances, floor)
    deviations = np.sqrt(variances)
    correlations = scatters / deviations[:, :, None] / deviations[:, None, :]
    correlations = correlations + LEAST_FIRST_SHARE * np.eye(scatters.shape[1])
    inverse = np.linalg.inv(correlations)
    own = 1.0 / np.diagonal(inverse, axis1=1, axis2=2)
    own = np.clip(own, LEAST_FIRST_SHARE, 1.0)
    guesses = 1.0, own, 0.5 * own, 0.1
    return [np.maximum(variances * share, floor) for share in guesses]
