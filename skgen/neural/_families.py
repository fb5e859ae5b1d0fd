"""What columns are distributed as, given what the decoder says of them.

A family owns some columns of a table: it reads them for the encoder, says how many
numbers it wants from the decoder, and tells log-densities, expectations and draws.
Tensors of cells have shape (n_rows, n_columns) of the family's own columns; what the
decoder says has a leading axis of draws of the latent vector.
"""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ._correlation import Correlation
from ._marginals import interpolate
from ._student import from_normal, to_normal

HALF_LOG_TAU = 0.5 * math.log(2.0 * math.pi)

# The scale of a column starts small, so that latents learn to tell columns exactly
# before noise explains them: on the white-wine table worth .9 nats a row.
SCALE_AT_START = -1.5
LEAST_SCALE = 0.02  # of a column's standard deviation

# Degrees of freedom; in Wallace's form the variance is finite above 2.42.
LEAST_DEGREES = 2.5
DEGREES_AT_START = 10.0

# Squares of residuals beyond this would overflow in float32, and infinite ones of all
# draws leave no weights to average by.
LARGEST_RESIDUAL = 1e15

# Encoders never see values further out than this, in standard deviations.
FURTHEST_INPUT = 50.0

# More columns than this are not correlated by a full matrix.
MOST_CORRELATED = 100

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(15)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


class Family(nn.Module):
    """Base of all families.

    Parameters
    ----------
    n_columns : int
        Number of columns.
    """

    def __init__(self, n_columns):
        super().__init__()
        self.n_columns = n_columns

    @property
    def n_inputs(self):
        """Number of encoder inputs."""
        return self.n_columns

    @property
    def n_outputs(self):
        """Number of decoder outputs."""
        return self.n_columns

    @property
    def n_expectations(self):
        """Number of values whose means over draws `resolve` wants."""
        return self.n_columns

    def inputs(self, cells):
        """What the encoder sees of cells; hidden cells are 0 before and after."""
        return cells

    def resolve(self, expectations):
        """From mean expectations to cells."""
        return expectations


def _bounded(residual):
    return residual.clamp(-LARGEST_RESIDUAL, LARGEST_RESIDUAL)


class Gaussian(Family):
    """Normal columns, whose means and scales the decoder tells.

    Parameters
    ----------
    n_columns : int
        Number of columns.

    correlated : bool
        Whether residuals are correlated, by one matrix for all rows.

    knots : dict of int to callable, default=None
        Of columns seen through their distribution functions, makers of the knots of
        the way back.
    """

    def __init__(self, n_columns, correlated=True, knots=None):
        super().__init__(n_columns)
        self._make_knots = knots or {}
        self._knots = {}  # made on first use: scores do without
        correlated = correlated and 1 < n_columns <= MOST_CORRELATED
        self.correlation = Correlation(n_columns) if correlated else None

    @property
    def n_outputs(self):
        return 2 * self.n_columns

    def inputs(self, cells):
        return cells.clamp(-FURTHEST_INPUT, FURTHEST_INPUT)

    def _location_scale(self, outputs):
        location, raw = outputs.chunk(2, -1)
        return location, functional.softplus(raw + SCALE_AT_START) + LEAST_SCALE

    def _restore(self, cells):
        """Standardised cells, of those that are normal scores of their column."""
        if not self._make_knots:
            return cells
        parts = list(cells.unbind(-1))
        for j, make in self._make_knots.items():
            if j not in self._knots:
                self._knots[j] = torch.as_tensor(make()).to(cells)
            parts[j] = interpolate(self._knots[j], parts[j])
        return torch.stack(parts, -1)

    def _to_normal(self, difference, scale):
        """Normal scores of differences from the location, and the log-derivative."""
        return _bounded(difference / scale), -scale.log()

    def _from_normal(self, normal):
        return normal

    def log_density(self, cells, mask, outputs):
        """Log-density of the cells seen, summed over columns, of each draw and row."""
        location, scale = self._location_scale(outputs)
        normal, each = self._to_normal(cells - location, scale)
        n_seen = self.n_columns
        if mask is not None:
            each, normal, n_seen = each * mask, normal * mask, mask.sum(-1)
        if self.correlation is None:
            total = (each - 0.5 * normal.square()).sum(-1)
        else:
            total = each.sum(-1) + self.correlation.log_density(normal, mask)
        return total - HALF_LOG_TAU * n_seen

    def _conditional(self, cells, mask, outputs):
        """Location, scale, and mean and covariance of hidden normal scores.

        The covariance is None where columns are independent: a matrix for each row
        would be large, and says no more than the mask.
        """
        location, scale = self._location_scale(outputs)
        normal = self._to_normal(cells - location, scale)[0] * mask
        if self.correlation is None:
            return location, scale, normal, None
        return location, scale, *self.correlation.condition(normal, mask)

    def expectations(self, cells, mask, outputs):
        """Mean of hidden cells, given those seen and the latent draw."""
        if self.correlation is None and not self._make_knots:
            location, _ = self._location_scale(outputs)  # all is symmetric about it
            return torch.where(mask.bool(), cells, location)
        location, scale, mean, covariance = self._conditional(cells, mask, outputs)
        variance = 1.0 - mask
        if covariance is not None:
            variance = torch.diagonal(covariance, dim1=-2, dim2=-1).clamp(min=0.0)
        deviation = variance.sqrt()
        mean_cells = torch.zeros_like(location)
        for node, weight in zip(_NODES, _WEIGHTS):  # Gauss–Hermite
            residual = self._from_normal(mean + node * deviation)
            mean_cells += weight * self._restore(location + scale * residual)
        return mean_cells

    def draw(self, cells, mask, outputs, generator):
        """Draws of hidden cells, given those seen and the latent draw."""
        location, scale, mean, covariance = self._conditional(cells, mask, outputs)
        noise = torch.randn(
            mean.shape, generator=generator, dtype=mean.dtype, device=mean.device
        )
        if covariance is None:
            normal = mean + noise * (1.0 - mask)
        else:
            values, vectors = torch.linalg.eigh(covariance)
            factors = vectors * values.clamp(min=0.0).sqrt()[..., None, :]
            normal = mean + torch.einsum("kbj,bij->kbi", noise, factors)
        return self._restore(location + scale * self._from_normal(normal))


class StudentT(Gaussian):
    """Columns with heavy tails, each with its own degrees of freedom."""

    def __init__(self, n_columns, correlated=True, knots=None):
        super().__init__(n_columns, correlated, knots)
        self.raw_degrees = nn.Parameter(torch.empty(n_columns))

    def start(self, generator):
        """Ten degrees of freedom."""
        self.raw_degrees.fill_(math.log(math.expm1(DEGREES_AT_START - LEAST_DEGREES)))

    def degrees(self):
        """Degrees of freedom of each column."""
        return functional.softplus(self.raw_degrees) + LEAST_DEGREES

    def _to_normal(self, difference, scale):
        return to_normal(difference, scale, self.degrees())

    def _from_normal(self, normal):
        return from_normal(normal, self.degrees())


class HomoscedasticGaussian(Gaussian):
    """Normal columns, the scale of each the same for all rows; independent given z.

    With an affine decoder and a standard normal prior this is factor analysis.
    """

    def __init__(self, n_columns, correlated=False, knots=None):
        super().__init__(n_columns, correlated=False, knots=knots)
        self.raw_scale = nn.Parameter(torch.empty(n_columns))

    def start(self, generator):
        """A scale of about one half."""
        self.raw_scale.fill_(-0.5)

    @property
    def n_outputs(self):
        return self.n_columns

    def _location_scale(self, outputs):
        scale = functional.softplus(self.raw_scale) + LEAST_SCALE
        return outputs, scale.expand_as(outputs)


class UnitGaussian(Gaussian):
    """Normal columns of scale one: what squared error stands for."""

    def __init__(self, n_columns, correlated=False, knots=None):
        super().__init__(n_columns, correlated=False, knots=knots)

    @property
    def n_outputs(self):
        return self.n_columns

    def _location_scale(self, outputs):
        return outputs, torch.ones((), dtype=outputs.dtype, device=outputs.device)

    def log_density(self, cells, mask, outputs):
        near = cells.clamp(-LARGEST_RESIDUAL, LARGEST_RESIDUAL)
        squares = functional.mse_loss(
            outputs, near.expand_as(outputs), reduction="none"
        )
        if mask is None:
            return -0.5 * squares.sum(-1) - HALF_LOG_TAU * self.n_columns
        return (-0.5 * squares * mask).sum(-1) - HALF_LOG_TAU * mask.sum(-1)


class Bernoulli(Family):
    """Columns of 0 and 1."""

    def inputs(self, cells):
        return 2.0 * cells - 1.0

    def log_density(self, cells, mask, outputs):
        """Log-probability of the cells seen, summed over columns."""
        each = cells * outputs - functional.softplus(outputs)
        return (each if mask is None else each * mask).sum(-1)

    def expectations(self, cells, mask, outputs):
        """Probability of 1."""
        return outputs.sigmoid()

    def draw(self, cells, mask, outputs, generator):
        """0 or 1 in each cell."""
        return torch.bernoulli(outputs.sigmoid(), generator=generator)


class Categorical(Family):
    """Columns of categories, told by their numbers.

    Parameters
    ----------
    sizes : sequence of int
        Number of categories of each column.
    """

    def __init__(self, sizes):
        super().__init__(len(sizes))
        self.sizes = tuple(sizes)
        self.starts = np.concatenate([[0], np.cumsum(self.sizes)])

    @property
    def n_inputs(self):
        return int(self.starts[-1])

    @property
    def n_outputs(self):
        return int(self.starts[-1])

    @property
    def n_expectations(self):
        return int(self.starts[-1])

    def _parts(self, outputs):
        return outputs.split(self.sizes, -1)

    def inputs(self, cells):
        """One-hot rows."""
        codes = cells.long().clamp(min=0)
        parts = [functional.one_hot(codes[:, j], n) for j, n in enumerate(self.sizes)]
        return torch.cat(parts, -1).to(cells.dtype)

    def log_density(self, cells, mask, outputs):
        """Log-probability of the cells seen, summed over columns."""
        codes = cells.long() + torch.as_tensor(self.starts[:-1], device=cells.device)
        normalised = torch.cat(
            [part.log_softmax(-1) for part in self._parts(outputs)], -1
        )
        each = normalised.gather(-1, codes.expand(*outputs.shape[:-1], -1))
        return (each if mask is None else each * mask).sum(-1)

    def expectations(self, cells, mask, outputs):
        """Probabilities of all categories, side by side."""
        return torch.cat([part.softmax(-1) for part in self._parts(outputs)], -1)

    def resolve(self, expectations):
        """The likeliest category."""
        parts = [part.argmax(-1) for part in self._parts(expectations)]
        return torch.stack(parts, -1).to(expectations.dtype)

    def draw(self, cells, mask, outputs, generator):
        """A category in each cell."""
        draws = []
        for part in self._parts(outputs):
            flat = part.softmax(-1).reshape(-1, part.shape[-1])
            draw = torch.multinomial(flat, 1, generator=generator)
            draws.append(draw.reshape(part.shape[:-1]))
        return torch.stack(draws, -1).to(outputs.dtype)


class Counts(Family):
    """Base of families of counts, whose rates are told relative to the column's mean.

    Log-probabilities are differences of large numbers, and taken in float64: in float32
    they were wrong by .05 nats at counts of 10⁵, or where shapes are large.

    Parameters
    ----------
    means : array-like of shape (n_columns,)
        Means of the columns.
    """

    def __init__(self, means):
        super().__init__(len(means))
        self.log_means = np.log(np.maximum(means, 1e-3))

    def _relative_to(self, cells_or_outputs):
        return torch.as_tensor(
            self.log_means, dtype=cells_or_outputs.dtype, device=cells_or_outputs.device
        )

    def inputs(self, cells):
        """Logarithms of 1 + count, less that of 1 + mean."""
        shifted = cells.log1p() - self._relative_to(cells).exp().log1p()
        return shifted.clamp(-FURTHEST_INPUT, FURTHEST_INPUT)

    def _log_rate(self, outputs):
        return (outputs + self._relative_to(outputs)).clamp(-30.0, 30.0)

    def expectations(self, cells, mask, outputs):
        """The rate."""
        return self._log_rate(outputs[..., : self.n_columns]).exp()


class Poisson(Counts):
    """Poisson counts."""

    def log_density(self, cells, mask, outputs):
        """Log-probability of the cells seen, summed over columns."""
        cells, log_rate = cells.double(), self._log_rate(outputs).double()
        each = cells * log_rate - log_rate.exp() - torch.lgamma(cells + 1.0)
        return (each if mask is None else each * mask).sum(-1).to(outputs.dtype)

    def draw(self, cells, mask, outputs, generator):
        """A count in each cell."""
        return torch.poisson(self._log_rate(outputs).exp(), generator=generator)


class NegativeBinomial(Counts):
    """Counts more dispersed than Poisson's: Poisson with a gamma-distributed rate."""

    @property
    def n_outputs(self):
        return 2 * self.n_columns

    def _log_rate_and_shape(self, outputs):
        raw_rate, raw_shape = outputs.chunk(2, -1)
        return self._log_rate(raw_rate), raw_shape.clamp(-12.0, 12.0)

    def log_density(self, cells, mask, outputs):
        """Log-probability of the cells seen, summed over columns."""
        cells, outputs_double = cells.double(), outputs.double()
        log_rate, log_shape = self._log_rate_and_shape(outputs_double)
        shape, log_total = log_shape.exp(), torch.logaddexp(log_rate, log_shape)
        each = (
            torch.lgamma(cells + shape)
            - torch.lgamma(shape)
            - torch.lgamma(cells + 1.0)
            + shape * (log_shape - log_total)
            + cells * (log_rate - log_total)
        )
        return (each if mask is None else each * mask).sum(-1).to(outputs.dtype)

    def draw(self, cells, mask, outputs, generator):
        """A count in each cell."""
        log_rate, log_shape = self._log_rate_and_shape(outputs)
        # torch._standard_gamma is what torch.distributions.Gamma draws from
        gamma = torch._standard_gamma(log_shape.exp(), generator=generator)
        return torch.poisson(gamma * (log_rate - log_shape).exp(), generator=generator)
