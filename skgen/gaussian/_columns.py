"""A Gaussian mixture asked about single columns: by themselves, or given the others.

Blocks of rows stand on their side, (n_features, n_rows), in units of the mixture's
frame; threads, blocks and units are the business of `Evaluation`.
"""

import numpy as np
from scipy.special import ndtr, ndtri

from ._forms import LARGEST_SQUARE, WhitenedForm, normalise
from ._parameters import LOG_2PI

# Numbers in a temporary array, of which there are a few: they stay in a core's cache.
BLOCK = 2**16

# Halvings of an interval: all digits of a double.
BISECTIONS = 60


def column_block_size(n_components, n_features):
    """Rows whose arrays (n_components, n_features, n_rows) stay small."""
    return max(32, min(4096, BLOCK // (n_components * n_features)))


class Marginals:
    """The mixture that each column has by itself.

    Parameters
    ----------
    parameters : MixtureParameters
        A mixture.
    """

    def __init__(self, parameters):
        shape = parameters.means.shape
        variances = parameters.structure.variances(parameters.covariances, *shape)
        self._inverse_scales = 1.0 / np.sqrt(variances)[:, :, None]
        self._means = parameters.means[:, :, None]
        self._log_scales = parameters.log_weights[:, None, None] - 0.5 * (
            np.log(variances)[:, :, None] + LOG_2PI
        )

    def log_densities(self, columns):
        """Log-density of each entry, (n_features, n_rows)."""
        joint = columns - self._means
        joint *= self._inverse_scales
        joint = _exponents(joint)
        joint += self._log_scales
        return _log_density(joint)


class Conditionals:
    r"""The mixture that each column has given the other columns.

    With the precision :math:`P` of a component, its mean :math:`\mu` and
    :math:`u_j = (P (x - \mu))_j / \sqrt{P_{jj}}`, the entry :math:`x_j` given the
    others is Gaussian with standard deviation :math:`1 / \sqrt{P_{jj}}`, and lies
    :math:`u_j` of them above its mean. What is left of the component's density,

    .. math:: \log N(x_{-j}) = \log N(x) + \tfrac12 (u_j^2 - \log P_{jj} + \log 2\pi),

    says how much each component counts.

    Parameters
    ----------
    parameters : MixtureParameters
        A mixture.
    """

    def __init__(self, parameters):
        self.structure = structure = parameters.structure
        shape = parameters.means.shape
        self._precisions = structure.precisions(parameters.factors)
        diagonal = structure.variances(self._precisions, *shape)
        offsets, _ = structure.natural(parameters.means, parameters.factors)
        self._offsets = offsets[:, :, None]
        self._deviations = 1.0 / np.sqrt(diagonal)[:, :, None]
        self._log_scales = 0.5 * (np.log(diagonal) - LOG_2PI)[:, :, None]
        self._whitened = WhitenedForm(parameters)

    def log_densities(self, columns):
        """Log-density of each entry given the others, (n_features, n_rows)."""
        own = _exponents(self._standardised(columns))
        own += self._log_scales
        others = self._log_joint_of_others(columns, own)
        # Far out both logs are huge, and their difference would be rounding errors.
        others -= others.max(axis=0)
        own += others
        return _log_density(own) - _log_density(others)

    def probabilities(self, columns):
        """Probability of an entry no larger, given the others."""
        standardised = self._standardised(columns)
        own = _exponents(standardised.copy())
        own += self._log_scales
        others = self._log_joint_of_others(columns, own)
        _log_density(others)
        terms = ndtr(standardised, out=standardised)
        terms *= others
        return np.minimum(terms.sum(axis=0), 1.0)

    def quantiles(self, columns, level):
        """Where the share `level` of an entry's values lies below, given the others.

        Parameters
        ----------
        columns : ndarray of shape (n_features, n_rows)
            Rows on their side, in the frame of the mixture.

        level : float
            Between 0 and 1.

        Returns
        -------
        quantiles : ndarray of shape (n_features, n_rows)
            By bisection, in the frame of the mixture.
        """
        standardised = self._standardised(columns)
        own = _exponents(standardised.copy())
        own += self._log_scales
        shares = self._log_joint_of_others(columns, own)
        _log_density(shares)
        centres = columns - standardised * self._deviations
        # The components' own quantiles enclose that of their mixture.
        ends = centres + ndtri(level) * self._deviations
        low, high = ends.min(axis=0), ends.max(axis=0)
        for _ in range(BISECTIONS):
            middle = 0.5 * (low + high)
            below = ndtr((middle - centres) / self._deviations)
            less = (shares * below).sum(axis=0) < level
            low, high = np.where(less, middle, low), np.where(less, high, middle)
        return 0.5 * (low + high)

    def _standardised(self, columns):
        """Deviations from the mean given the others, in standard deviations."""
        products = self.structure.times(self._precisions, columns)
        products = products - self._offsets
        products *= self._deviations
        return products

    def _log_joint_of_others(self, columns, own):
        """Log of weight times density of all entries but one, for each of them."""
        n_rows = columns.shape[1]
        rows = np.concatenate([np.ones((1, n_rows)), columns])
        joint = self._whitened.log_joint(rows, np.empty((len(own), n_rows)))
        return joint[:, None, :] - own


def _exponents(deviations):
    """Minus half the squares of standardised deviations, in place."""
    np.square(deviations, out=deviations)
    np.minimum(deviations, LARGEST_SQUARE, out=deviations)
    deviations *= -0.5
    return deviations


def _log_density(joint):
    """Log of the sum over components; ``joint`` turns into their shares of it."""
    flat = joint.reshape(len(joint), -1)
    return normalise(flat, 1).reshape(joint.shape[1:])
