"""One correlation matrix of residuals for all rows, whose cells may be hidden.

A hidden cell is integrated out exactly: its row and column of the matrix are replaced
by the identity's, which leaves quadratic form and determinant of the rest.
"""

import torch
from torch import nn
from torch.nn import functional

# Share of independent noise below which the matrix would be singular in float32.
LEAST_NOISE = 1e-5


class Correlation(nn.Module):
    """A learned correlation matrix, C = normalised(A Aᵀ + D).

    It does not depend on the order of the columns.

    Parameters
    ----------
    n_columns : int
        Number of columns.
    """

    def __init__(self, n_columns):
        super().__init__()
        self.factors = nn.Parameter(torch.empty(n_columns, n_columns))
        self.noise = nn.Parameter(torch.empty(n_columns))

    def start(self, generator):
        """No correlation."""
        nn.init.eye_(self.factors)
        self.noise.fill_(-3.0)

    def matrix(self):
        """The correlation matrix."""
        noise = functional.softplus(self.noise).square() + LEAST_NOISE
        covariance = self.factors @ self.factors.T + torch.diag(noise)
        scale = covariance.diagonal().rsqrt()
        return covariance * scale[:, None] * scale

    def log_density(self, normal, mask):
        """Log of N(g; 0, C) in the cells that are seen, but for log 2π.

        Parameters
        ----------
        normal : Tensor of shape (n_draws, n_rows, n_columns)
            Normal scores g; 0 where hidden.

        mask : Tensor of shape (n_rows, n_columns) or None
            1 where seen, 0 where hidden; None if all is seen.

        Returns
        -------
        log_density : Tensor of shape (n_draws, n_rows)
            In nats; half of log 2π for each cell is still to be taken away.
        """
        matrix, (n_draws, n_rows, n_columns) = self.matrix(), normal.shape
        together = normal.reshape(-1, n_columns)
        log_density = _LogDensity.apply(matrix, together).view(n_draws, n_rows)
        if mask is None:
            return log_density
        # rows that hide cells take a matrix each: most rows often hide none
        rows = (mask == 0.0).any(-1).nonzero().squeeze(-1)
        matrices = _seen(matrix, mask.index_select(0, rows))
        scores = normal.index_select(1, rows).transpose(0, 1)
        apart = _LogDensity.apply(matrices, scores).T
        return log_density.index_copy(1, rows, apart)

    def condition(self, normal, mask):
        """Normal scores of hidden cells, given those seen.

        Parameters
        ----------
        normal : Tensor of shape (n_draws, n_rows, n_columns)
            Normal scores; 0 where hidden.

        mask : Tensor of shape (n_rows, n_columns)
            1 where seen.

        Returns
        -------
        mean : Tensor of shape (n_draws, n_rows, n_columns)
            Conditional means; those of cells seen are their values.

        covariance : Tensor of shape (n_rows, n_columns, n_columns)
            Conditional covariances; zero for the cells seen.
        """
        matrix = self.matrix()
        cross = matrix * mask[:, :, None]  # rows seen, all columns
        weights = torch.linalg.solve(_seen(matrix, mask), cross)
        mean = torch.einsum("kbi,bij->kbj", normal, weights)
        covariance = matrix - cross.transpose(-1, -2) @ weights
        hidden = 1.0 - mask
        covariance = covariance * hidden[:, :, None] * hidden[:, None, :]
        return torch.where(mask.bool(), normal, mean), covariance


def _seen(matrix, mask):
    """The matrix with the identity in rows and columns of hidden cells."""
    both = mask[:, :, None] * mask[:, None, :]
    return matrix * both + torch.diag_embed(1.0 - mask)


class _LogDensity(torch.autograd.Function):
    r"""Log-density of normal vectors of mean 0, but for log 2π.

    .. math::

        f = -\tfrac12 g^\top C^{-1} g - \tfrac12 \log\det C, \qquad
        \partial f / \partial g = -C^{-1} g, \qquad
        \partial f / \partial C = \tfrac12 (C^{-1} g g^\top C^{-1} - C^{-1})

    Automatic gradients would go back through the Cholesky factor, at many times the
    cost. Matrices have shape (..., n_columns, n_columns), vectors (..., n_vectors,
    n_columns), what is returned (..., n_vectors).
    """

    @staticmethod
    def forward(context, matrices, vectors):
        factors, failed = torch.linalg.cholesky_ex(matrices)
        # NaN is what tells training that it diverged
        factors = factors.masked_fill((failed > 0)[..., None, None], torch.nan)
        identity = torch.eye(
            matrices.shape[-1], dtype=matrices.dtype, device=matrices.device
        ).expand_as(matrices)
        inverses = torch.linalg.solve_triangular(factors, identity, upper=False)
        whitened = vectors @ inverses.mT
        context.save_for_backward(inverses, whitened)
        diagonals = torch.diagonal(factors, dim1=-2, dim2=-1)
        log_determinants = diagonals.log().sum(-1, keepdim=True)
        return -0.5 * whitened.square().sum(-1) - log_determinants

    @staticmethod
    def backward(context, gradient):
        inverses, whitened = context.saved_tensors
        weighted = whitened @ inverses  # C⁻¹g
        scaled = gradient[..., None] * weighted
        total = gradient.sum(-1)[..., None, None]
        by_matrix = scaled.mT @ weighted - total * (inverses.mT @ inverses)
        return 0.5 * by_matrix, -scaled
