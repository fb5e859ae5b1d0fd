"""The distribution of a whole row given the latent vector: families side by side."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from scipy.stats import t
from torch import nn

from . import _families
from ._families import LEAST_SCALE
from ._marginals import Marginals

FAMILIES = {
    "student_t": _families.StudentT,
    "gaussian": _families.Gaussian,
    "homoscedastic_gaussian": _families.HomoscedasticGaussian,
    "unit_gaussian": _families.UnitGaussian,
    "bernoulli": _families.Bernoulli,
    "categorical": _families.Categorical,
    "poisson": _families.Poisson,
    "negative_binomial": _families.NegativeBinomial,
}

# Families of real numbers, which are standardised.
CONTINUOUS = ("student_t", "gaussian", "homoscedastic_gaussian", "unit_gaussian")


# The family of continuous columns that do not vary: they are left out of the model, and
# away from their value have the tails of a narrow t distribution.
CONSTANT = "constant"
DEGREES_OF_CONSTANTS = 3.0

# Cells further out than this, in standard deviations, count as being there: float32
# holds them.
LARGEST_CELL = 1e30

# Rows are standardised in blocks of so many.
BLOCK_ROWS = 4096


@dataclass(frozen=True)
class ColumnPlan:
    """What each column is, and how its cells are standardised.

    Parameters
    ----------
    families : tuple of str
        A key of `FAMILIES`, or `CONSTANT`, for each column.

    sizes : tuple of int
        Number of categories of each column; 0 where there are none.

    marginals : Marginals
        Maps of continuous columns to normal scores; those of other families stay as
        they are.

    means : ndarray of shape (n_columns,)
        Means of the columns.

    correlated : bool
        Whether residuals of continuous columns are correlated.

    may_hide : bool
        Whether cells may be hidden, so that the encoder is told which.
    """

    families: tuple
    sizes: tuple
    marginals: Marginals
    means: np.ndarray
    correlated: bool
    may_hide: bool

    def standardise(self, codes):
        """Cells as the families see them.

        Parameters
        ----------
        codes : ndarray of shape (n_rows, n_columns)
            Cells in the units of the table; NaN where not observed.

        Returns
        -------
        cells : ndarray of shape (n_rows, n_varying)
            Normal scores of continuous columns, codes of others, 0 where not observed;
            without the columns that are constant.

        mask : ndarray of shape (n_rows, n_varying)
            Whether a cell is observed.

        log_jacobian : ndarray of shape (n_rows,)
            Log-density in the units of the table less that of `cells`.
        """
        starts = range(0, max(len(codes), 1), BLOCK_ROWS)
        parts = [self._standardise(codes[i : i + BLOCK_ROWS]) for i in starts]
        return tuple(np.concatenate(each) for each in zip(*parts))

    def _standardise(self, codes):
        """What `standardise` returns of some rows: copies of few do not add up."""
        mask = ~np.isnan(codes)
        cells, log_derivative = self.marginals.scores(codes)
        # what is constant has a density of its own, whatever the rest of the row is
        constant = self.is_constant
        tail = t.logpdf(cells[:, constant] / LEAST_SCALE, DEGREES_OF_CONSTANTS)
        log_derivative[:, constant] += tail - np.log(LEAST_SCALE)
        log_jacobian = np.where(mask, log_derivative, 0.0).sum(axis=1)
        cells, mask = cells[:, ~constant], mask[:, ~constant]
        cells = np.clip(cells, -LARGEST_CELL, LARGEST_CELL)
        return np.where(mask, cells, 0.0), mask, log_jacobian

    def restore(self, standardised):
        """Cells in the units of the table, of those that `Columns` draws or expects."""
        constant, marginals = self.is_constant, self.marginals
        cells = np.empty((*standardised.shape[:-1], len(constant)))
        cells[..., constant] = marginals.shift[constant]
        scale, shift = marginals.scale[~constant], marginals.shift[~constant]
        cells[..., ~constant] = standardised * scale + shift
        return cells

    @property
    def is_constant(self):
        """Whether a column is left out of the model, since it does not vary."""
        return np.array([family == CONSTANT for family in self.families])


class Columns(nn.Module):
    """Reads rows for the encoder, and judges them by what the decoder says.

    Parameters
    ----------
    plan : ColumnPlan
        What each column is.
    """

    def __init__(self, plan):
        super().__init__()
        self.may_hide = plan.may_hide
        varying = np.flatnonzero(~plan.is_constant)
        families = [plan.families[j] for j in varying]
        self.n_columns = len(varying)
        names = [name for name in FAMILIES if name in families]
        self.indices = [
            [j for j, family in enumerate(families) if family == name] for name in names
        ]
        self.families = nn.ModuleList(
            [
                _family(name, varying[columns], plan)
                for name, columns in zip(names, self.indices)
            ]
        )
        self._names = names
        order = np.concatenate(self.indices)
        self._inverse = np.argsort(order).tolist()
        self._in_order = self._inverse == list(range(self.n_columns))

    @property
    def n_inputs(self):
        """Number of encoder inputs."""
        n_inputs = sum(family.n_inputs for family in self.families)
        return n_inputs + self.n_columns * self.may_hide

    @property
    def n_outputs(self):
        """Number of decoder outputs."""
        return sum(family.n_outputs for family in self.families)

    def _own(self, cells):
        """Each family's columns."""
        if cells is None:
            return [None] * len(self.indices)
        if len(self.indices) == 1:
            return [cells]
        return [cells[..., columns] for columns in self.indices]

    def _together(self, parts):
        """Families' columns in the table's order."""
        cells = torch.cat(parts, -1) if len(parts) > 1 else parts[0]
        return cells if self._in_order else cells[..., self._inverse]

    def _split(self, outputs, sizes):
        return outputs.split(sizes, -1) if len(self.families) > 1 else (outputs,)

    def _outputs(self, outputs):
        return self._split(outputs, [family.n_outputs for family in self.families])

    def inputs(self, cells, mask):
        """What the encoder sees.

        Parameters
        ----------
        cells : Tensor of shape (n_rows, n_columns)
            Standardised cells, 0 where hidden.

        mask : Tensor of shape (n_rows, n_columns) or None
            1 where seen; None if all is.

        Returns
        -------
        inputs : Tensor of shape (n_rows, n_inputs)
            Hidden cells are 0; if any may be hidden, the mask stands behind, as ±½.
        """
        parts = []
        for family, own, seen in zip(self.families, self._own(cells), self._own(mask)):
            part = family.inputs(own)
            if seen is not None:
                part = part * _spread(seen, family)
            parts.append(part)
        if self.may_hide:
            shown = torch.ones_like(cells) if mask is None else mask
            parts.append(shown - 0.5)
        return torch.cat(parts, -1) if len(parts) > 1 else parts[0]

    def log_density(self, cells, mask, outputs):
        """Log-density of what is seen of each row, for each draw of the latents.

        Parameters
        ----------
        cells, mask : Tensor of shape (n_rows, n_columns)
            As `inputs` has them.

        outputs : Tensor of shape (n_draws, n_rows, n_outputs)
            What the decoder says.

        Returns
        -------
        log_density : Tensor of shape (n_draws, n_rows)
            Nats, of standardised cells.
        """
        parts = zip(
            self.families, self._own(cells), self._own(mask), self._outputs(outputs)
        )
        return sum(
            family.log_density(own, seen, said) for family, own, seen, said in parts
        )

    def expectations(self, cells, mask, outputs):
        """What is to be averaged over draws, then handed to `resolve`; standardised."""
        parts = zip(
            self.families, self._own(cells), self._own(mask), self._outputs(outputs)
        )
        return torch.cat(
            [family.expectations(own, seen, said) for family, own, seen, said in parts],
            -1,
        )

    def resolve(self, expectations):
        """Cells from averaged expectations: means, likeliest categories."""
        sizes = [family.n_expectations for family in self.families]
        parts = self._split(expectations, sizes)
        return self._together(
            [f.resolve(part) for f, part in zip(self.families, parts)]
        )

    def draw(self, cells, mask, outputs, generator):
        """Standardised cells drawn given the latents and the cells seen."""
        parts = zip(
            self.families, self._own(cells), self._own(mask), self._outputs(outputs)
        )
        return self._together(
            [f.draw(own, seen, said, generator) for f, own, seen, said in parts]
        )

    def correlations(self):
        """Correlation matrices of the residuals of a family's columns.

        Returns
        -------
        correlations : dict of str to Tensor of shape (n_own_columns, n_own_columns)
            By name of the family; only of those whose columns are correlated.
        """
        learnt = zip(
            self._names, (getattr(f, "correlation", None) for f in self.families)
        )
        return {name: own.matrix() for name, own in learnt if own is not None}


def _family(name, columns, plan):
    if name == "categorical":
        return _families.Categorical([plan.sizes[j] for j in columns])
    if name in ("poisson", "negative_binomial"):
        return FAMILIES[name](plan.means[columns])
    if name in CONTINUOUS:
        knots = {
            position: partial(plan.marginals.knots, column)
            for position, column in enumerate(columns)
            if not plan.marginals.is_smooth(column)
        }
        return FAMILIES[name](len(columns), plan.correlated, knots)
    return FAMILIES[name](len(columns))


def _spread(mask, family):
    """A mask of columns as a mask of encoder inputs."""
    if isinstance(family, _families.Categorical):
        sizes = torch.as_tensor(family.sizes, device=mask.device)
        return mask.repeat_interleave(sizes, -1)
    return mask
