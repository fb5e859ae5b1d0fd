"""Gaussian mixtures over some of their columns, alone or given the others.

Pure functions of `MixtureParameters`. Which columns a user means is found out in
`_asked_columns`; many rows at a time are the business of `_conditional_rows`.
"""

from dataclasses import dataclass, replace

import numpy as np

from ..gaussian import (
    FeatureForm,
    Frame,
    MixtureParameters,
    UniformNoise,
    WhitenedForm,
    normalise,
)

# Keeps squares finite for values at the edge of what floats can hold.
LARGEST_COORDINATE = 1e140

# Further out than so many standard deviations of their column values are far out.
FAR_OUT = 1e3

# Less is zero: `normalise` keeps clear of numbers too small to compute with.
LEAST_PROBABILITY = 1e-290


@dataclass(frozen=True)
class Split:
    r"""A mixture over columns (a, b), taken apart into p(a) and p(b | a, k).

    Given a, component k is Gaussian with a mean that is linear in a and a covariance
    that a does not change,

    .. math::

        \mu_{b|a} = \mu_b + G (a - \mu_a), \quad G = S_{ba} S_{aa}^{-1}, \qquad
        S_{b|a} = S_{bb} - S_{ba} S_{aa}^{-1} S_{ab} .

    Parameters
    ----------
    given : MixtureParameters
        The mixture over a.

    rest : MixtureParameters
        Weights and means of b, and the covariances of b given a.

    gains : ndarray of shape (n_components or 1, n_rest, n_given)
        The matrices G.
    """

    given: MixtureParameters
    rest: MixtureParameters
    gains: np.ndarray

    def log_joint(self, columns):
        """Log of weight times density of a, up to a number for each row.

        (n_components, n_rows). Where a has no columns, the log-weights.
        """
        n_given, n_rows = columns.shape
        if n_given == 0:
            return np.tile(self.given.log_weights[:, None], n_rows)
        rows = np.concatenate([np.ones((1, n_rows)), columns])
        out = np.empty((len(self.given.means), n_rows))
        WhitenedForm(self.given).log_joint(rows, out)
        far = np.abs(columns).max(axis=0) > FAR_OUT
        if self.given.structure.shared and far.any():
            # Equal squares cancel, and out there they drown what does not.
            linear = FeatureForm(self.given)
            out[:, far] = linear.log_joint(rows[:, far], out[:, far])
        return out

    def shares(self, columns, background=None):
        """Probabilities of the components given a, (n_components, n_rows)."""
        joint = self.log_joint(columns)
        normalise(joint, 1, background=background)
        joint[joint <= LEAST_PROBABILITY] = 0.0
        return joint

    def without_slopes(self, smallest):
        """The same, flat in the directions of a that have next to no variance.

        Where a component is held at a floor it has no rows to tell a slope from: its
        quotient of two rounding errors becomes 0, as in least squares of minimal norm.

        Parameters
        ----------
        smallest : float
            Variances from here on are real.
        """
        if not self.given.structure.matrices:
            return self
        variances, directions = np.linalg.eigh(self.given.covariances)
        flat = directions * (variances < smallest)[:, None, :]
        slopes = (self.gains @ flat) @ _transposed(flat)
        return replace(self, gains=self.gains - slopes)

    def means(self, columns):
        """Means of b given a, (n_components, n_rest, n_rows)."""
        offsets = self.gains @ self.given.means[:, :, None]
        n_gains, n_rest, n_given = self.gains.shape
        products = self.gains.reshape(n_gains * n_rest, n_given) @ columns
        products = products.reshape(n_gains, n_rest, columns.shape[1])
        return products + (self.rest.means[:, :, None] - offsets)


def split(parameters, given):
    r"""Take a mixture apart at some of its columns.

    With the columns in the order (a, b), the upper triangular factor R of a precision
    :math:`\Lambda = R R^T` says it all: :math:`R_{aa}` is the factor of the precision
    of a alone, :math:`R_{bb}` that of b given a, and
    :math:`G = -R_{bb}^{-T} R_{ab}^T`. No covariance is subtracted from another, so
    that what comes out is positive definite however ill-conditioned they are.

    Parameters
    ----------
    parameters : MixtureParameters
        A mixture.

    given : ndarray of int
        Positions of the columns a; b are the others, in their order.

    Returns
    -------
    parts : Split
        The two parts.
    """
    structure, n_features = parameters.structure, parameters.means.shape[1]
    rest = np.setdiff1d(np.arange(n_features), given)
    if structure.matrices:
        factors = reordered_factors(parameters.factors, np.concatenate([given, rest]))
        of_given, cross, of_rest = _blocks(factors, len(given))
        gains = -np.linalg.solve(_transposed(of_rest), _transposed(cross))
    else:
        of_given = _columns_of(structure, parameters.factors, given)
        of_rest = _columns_of(structure, parameters.factors, rest)
        gains = np.zeros((1, len(rest), len(given)))
    return Split(
        _with_factors(parameters, given, of_given),
        _with_factors(parameters, rest, of_rest),
        gains,
    )


def marginal_parameters(parameters, positions):
    """The mixture over some columns, in the order asked for.

    Parameters
    ----------
    parameters : MixtureParameters
        A mixture.

    positions : ndarray of int
        Positions of the columns.

    Returns
    -------
    marginal : MixtureParameters
        Weights are the same; means and covariances are those of the columns.
    """
    structure, n_features = parameters.structure, parameters.means.shape[1]
    if structure.matrices:
        others = np.setdiff1d(np.arange(n_features), positions)
        order = np.concatenate([positions, others])
        factors = reordered_factors(parameters.factors, order)
        factors = _blocks(factors, len(positions))[0]
        covariances = parameters.covariances[:, positions[:, None], positions]
    else:
        factors = _columns_of(structure, parameters.factors, positions)
        covariances = _columns_of(structure, parameters.covariances, positions)
    means = parameters.means[:, positions]
    return _symmetric(
        MixtureParameters(structure, parameters.weights, means, covariances, factors)
    )


def conditional_parameters(parameters, given, values, noise_support=None):
    r"""The mixture over the other columns, given the values of some.

    .. math::

        p(b \mid a) = \sum_k \frac{\pi_k \, \mathcal N(a \mid \mu_{k,a}, S_{k,aa})}
        {\sum_j \pi_j \, \mathcal N(a \mid \mu_{j,a}, S_{j,aa})} \,
        \mathcal N(b \mid \mu_{k,b|a}, S_{k,b|a}) .

    Parameters
    ----------
    parameters : MixtureParameters
        A mixture, in units of the data.

    given : ndarray of int
        Positions of the columns a.

    values : ndarray of shape (n_given,)
        Their values. Further out than 1e140 standard deviations they are taken for
        nearer, so that what comes out is finite.

    noise_support : ndarray of shape (2, n_features) or None, default=None
        Corners of the box of noise, where some rows are of no component.

    Returns
    -------
    conditional : MixtureParameters
        In units of the data. What weights leave of 1 is the share of noise.
    """
    frame = parameters.own_frame()
    rest = np.setdiff1d(np.arange(parameters.means.shape[1]), given)
    parts = split(parameters.in_frame(frame), given)
    column = within_reach(part_of(frame, given), values)[:, None]
    background = None
    if noise_support is not None:
        noise = UniformNoise.around(*noise_support[:, given], part_of(frame, given))
        background = noise.log_joint(column, parameters.weights)
    shares = parts.shares(column, background)[:, 0]
    if background is None:
        shares = shares / shares.sum()
    inside = replace(parts.rest, weights=shares, means=parts.means(column)[:, :, 0])
    return _symmetric(inside.out_of_frame(part_of(frame, rest)))


def part_of(frame, positions):
    """The frame of some of the columns."""
    return Frame(frame.center[positions], frame.scale[positions])


def within_reach(frame, points):
    """Points in units of a frame, no further out than what can be squared."""
    with np.errstate(over="ignore"):
        inside = frame.inside(points)
    return np.clip(inside, -LARGEST_COORDINATE, LARGEST_COORDINATE)


def reordered_factors(factors, order):
    """Factors of the precisions of reordered columns.

    The rows of an upper triangular factor in another order are no longer triangular;
    an orthogonal matrix from the right, which leaves the precision as it is, makes
    them so again. The errors of each row are relative to that row: the columns' units
    do not matter.

    Parameters
    ----------
    factors : ndarray of shape (n, n_features, n_features)
        Upper triangular.

    order : ndarray of int of shape (n_features,)
        The columns, in their new order.

    Returns
    -------
    factors : ndarray of shape (n, n_features, n_features)
        Upper triangular, of positive diagonals.
    """
    if (order == np.arange(len(order))).all():
        return factors
    # M = R Q for upper triangular R: the QR decomposition of M, both its axes
    # reversed, turned about.
    reversed_rows = factors[:, order[::-1]]
    upper = np.linalg.qr(_transposed(reversed_rows), mode="r")
    found = _transposed(upper)[:, ::-1, ::-1]
    signs = np.sign(np.diagonal(found, axis1=1, axis2=2))
    return np.triu(found * signs[:, None, :])


def _with_factors(parameters, positions, factors):
    """Weights and means of some columns, with other precisions."""
    return MixtureParameters.of_factors(
        parameters.structure,
        parameters.weights,
        parameters.means[:, positions],
        factors,
    )


def _symmetric(parameters):
    """The same, its covariance matrices symmetric to the last bit."""
    if not parameters.structure.matrices:
        return parameters
    covariances = parameters.covariances
    return replace(
        parameters, covariances=0.5 * (covariances + _transposed(covariances))
    )


def _blocks(factors, n_first):
    """Upper left, upper right and lower right blocks."""
    return (
        factors[:, :n_first, :n_first],
        factors[:, :n_first, n_first:],
        factors[:, n_first:, n_first:],
    )


def _columns_of(structure, array, positions):
    """Variances or their factors of some columns."""
    return array if structure.isotropic else array[:, positions]


def _transposed(matrices):
    return np.swapaxes(matrices, -1, -2)
