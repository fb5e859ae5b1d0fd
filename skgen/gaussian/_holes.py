r"""Rows with holes under a Gaussian mixture: their densities and expected moments.

What is not observed is integrated out. With a component's covariance :math:`\Sigma`,
the rows' observed cells :math:`o` and :math:`u = \Sigma_{oo}^{-1} (x_o - \mu_o)`,
zero where a cell is missing, the completed row has the mean
:math:`\mu + \Sigma u` and the covariance :math:`\Sigma - \Sigma P \Sigma`, where
:math:`P` is :math:`\Sigma_{oo}^{-1}` between zeros. Summed over rows with
responsibilities :math:`r`, moments about the mean are

.. math::

    \sum r\, u \mapsto \Sigma \sum r u, \qquad
    n \Sigma + \Sigma \Bigl( \sum r u u^T - \sum r P \Bigr) \Sigma ,

so that no row is completed and no regression is formed [1]_. :math:`P` is the same for
all rows that lack the same cells. Patterns are factored column by column, and those
that agree in the columns so far share what has been factored: sorted, they are the
leaves of a tree.

References
----------
.. [1] Ghahramani, Z. and Jordan, M. I. (1993). "Supervised learning from incomplete
   data via an EM approach". Advances in Neural Information Processing Systems 6.
"""

from functools import reduce
from operator import add
from typing import NamedTuple

import numpy as np

from ._expectation import Expectation
from ._forms import LARGEST_SQUARE, normalise
from ._parameters import LOG_2PI
from ._statistics import GaussianStatistics
from ._structures import IllDefinedCovarianceError

# Numbers in the factors of one batch, of one component, and of all together.
FACTOR_NUMBERS = 2**19
ALL_FACTOR_NUMBERS = 2**22

# With so many rows for each pattern, a matrix product for each is cheaper.
MANY_ROWS = 8

# Longer tables have so many batches at least.
MANY_PARTS = 2
FEW_ROWS = 512

# As many parts, whatever the number of threads, so that sums have one order.
N_LANES = 16


class Batch(NamedTuple):
    """Rows with holes, sorted by the cells that they lack.

    Parameters
    ----------
    observed : ndarray of shape (n_features, n_rows)
        1 where a cell is observed, 0 where it is missing.

    values : ndarray of shape (n_features, n_rows)
        Cells in units of the frame, 0 where missing.

    weights : ndarray of shape (n_rows,)
        Weights of the rows.

    positions : ndarray of shape (n_rows,)
        Which rows they are.

    order : ndarray of int of shape (n_features,)
        The columns, those that are missing least often first: the fewer patterns
        differ in them, the more of what is factored is shared.

    tree : list of tuple
        From `pattern_tree`, of the columns in this order.

    firsts : ndarray of shape (n_patterns,)
        First row of each pattern.

    pattern : ndarray of shape (n_rows,) or None
        Each row's pattern; None where every row has its own.
    """

    observed: np.ndarray
    values: np.ndarray
    weights: np.ndarray
    positions: np.ndarray
    order: np.ndarray
    tree: list
    firsts: np.ndarray
    pattern: np.ndarray | None


def batches(columns, weights, n_components):
    """Rows with holes, batch by batch.

    Parameters
    ----------
    columns : ndarray of shape (n_features, n_rows)
        Rows on their side, in units of the frame, NaN where a cell is missing.

    weights : ndarray of shape (n_rows,) or None
        Weights of the rows.

    n_components : int
        Number of components, for the size of the batches.

    Returns
    -------
    batches : list of Batch
        Every row is in one of them.
    """
    n_features, n_rows = columns.shape
    weights = np.ones(n_rows) if weights is None else weights
    observed = ~np.isnan(columns)
    order = np.argsort(-observed.sum(axis=1), kind="stable")
    sorted_rows = np.lexsort(observed[order[::-1]])
    numbers = min(FACTOR_NUMBERS, ALL_FACTOR_NUMBERS // n_components)
    most_rows = max(64, numbers // (n_features * (n_features + 1) // 2))
    n_parts = -(-n_rows // most_rows)
    if n_rows >= MANY_PARTS * FEW_ROWS:  # something to do for each thread
        n_parts = max(n_parts, MANY_PARTS)
    parts = np.array_split(sorted_rows, n_parts)
    return [_batch(columns, observed, weights, part, order) for part in parts]


def _batch(columns, observed, weights, positions, order):
    seen = observed[:, positions]
    other = (seen[:, 1:] != seen[:, :-1]).any(axis=0)
    firsts = np.flatnonzero(np.r_[True, other])
    pattern = np.cumsum(np.r_[0, other]) if len(firsts) < len(positions) else None
    return Batch(
        seen.astype(float),
        np.where(seen, columns[:, positions], 0.0),
        weights[positions],
        positions,
        order,
        pattern_tree(seen[order][:, firsts]),
        firsts,
        pattern,
    )


def pattern_tree(patterns):
    """Patterns as the leaves of a tree that branches column by column.

    Parameters
    ----------
    patterns : ndarray of bool of shape (n_features, n_patterns)
        Which columns each pattern has, sorted lexicographically.

    Returns
    -------
    tree : list of tuple (parents, seen)
        For each column the nodes, which agree up to this column: their parents among
        the nodes of the column before, None where no node branches, and 1 or 0 as they
        have the column.
    """
    nodes, tree = np.zeros(patterns.shape[1], dtype=np.intp), []
    for column in patterns:
        new = (np.diff(nodes) != 0) | (column[1:] != column[:-1])
        firsts = np.flatnonzero(np.r_[True, new])
        parents = nodes[firsts]
        branches = len(firsts) > nodes[-1] + 1
        tree.append((parents if branches else None, column[firsts].astype(float)))
        nodes = np.cumsum(np.r_[0, new])
    return tree


def inverse_factors(covariance, tree):
    r"""Inverses of the lower Cholesky factors of submatrices of a covariance.

    Column j of a factor is that of the matrix bordered by one more column: with
    :math:`W` the inverse factor so far and :math:`v = W \sigma_j`, the new row is
    :math:`(-v^T W, 1) / \sqrt{\sigma_{jj} - v^T v}`.

    Parameters
    ----------
    covariance : ndarray of shape (n_features, n_features)
        A covariance matrix.

    tree : list of tuple
        The submatrices, from `pattern_tree`.

    Returns
    -------
    rows : list of ndarray of shape (j + 1, n_patterns)
        Row j of the inverse factors as far as the diagonal, 0 where a submatrix lacks
        the column.

    log_determinants : ndarray of shape (n_patterns,)
        Logs of the determinants of the inverse factors.
    """
    rows, log_determinants = [], np.zeros(1)
    for j, (parents, seen) in enumerate(tree):
        if parents is not None:
            rows = [row[:, parents] for row in rows]
            log_determinants = log_determinants[parents]
        new = np.zeros((j + 1, len(seen)))
        pivots = np.full(len(seen), covariance[j, j])
        for i, row in enumerate(rows):
            product = covariance[j, : i + 1] @ row
            pivots -= product * product
            new[: i + 1] -= product * row
        if not (pivots > 0.0).all():
            raise IllDefinedCovarianceError("covariance is not positive definite")
        new[j] = 1.0
        new *= seen / np.sqrt(pivots)
        rows.append(new)
        log_determinants = log_determinants - 0.5 * seen * np.log(pivots)
    return rows, log_determinants


class _MatrixForm:
    """Components with covariance matrices, on batches of rows."""

    def __init__(self, parameters):
        self.structure = parameters.structure
        self.means = parameters.means
        self.log_weights = parameters.log_weights
        self._distinct = self.structure.stored(parameters.covariances)
        self.covariances = self.structure.each(self._distinct, len(self.means))

    def log_joint(self, batch):
        """Log of weight times density (n_components, n_rows).

        Also u of each component, and its factors, which `add` asks for.
        """
        n_components = len(self.means)
        joint = np.empty((n_components, len(batch.weights)))
        ordered = self._distinct[:, batch.order[:, None], batch.order]
        factors = [inverse_factors(c, batch.tree) for c in ordered]
        factors = [f for f in factors for _ in range(n_components // len(factors))]
        constants = -0.5 * LOG_2PI * batch.observed.sum(axis=0)
        solved = []
        for k, (rows, log_determinants) in enumerate(factors):
            apart = batch.values - self.means[k][:, None] * batch.observed
            u, squares = _solved(rows, apart, batch)
            solved.append(u)
            if batch.pattern is not None:
                log_determinants = log_determinants[batch.pattern]
            np.minimum(squares, LARGEST_SQUARE, out=squares)
            offset = self.log_weights[k] + constants
            joint[k] = offset + log_determinants - 0.5 * squares
        return joint, (solved, [rows for rows, _ in factors])

    def no_sums(self):
        """Sums over no rows: counts, of u, of u uᵀ less P."""
        shape = self.means.shape
        return np.zeros(shape[0]), np.zeros(shape), np.zeros((*shape, shape[1]))

    def add(self, sums, responsibilities, inside, batch):
        """Add a batch's moments, weighted by responsibilities, in place."""
        counts, first, second = sums
        for k, (u, rows) in enumerate(zip(*inside)):
            given = responsibilities[k]
            of_patterns = np.add.reduceat(given, batch.firsts)
            counts[k] += given.sum()
            first[k] += u @ given
            second[k] += (u * given) @ u.T
            of_factors = np.zeros_like(second[k])
            for j, row in enumerate(rows):
                of_factors[: j + 1, : j + 1] += (row * of_patterns) @ row.T
            second[k][np.ix_(batch.order, batch.order)] -= of_factors

    def moments(self, sums):
        """Counts, first and second moments about the means."""
        counts, first, second = sums
        covariances = self.covariances
        first = (covariances @ first[:, :, None])[:, :, 0]
        second = covariances @ second @ covariances
        second += counts[:, None, None] * covariances
        second = 0.5 * (second + np.swapaxes(second, 1, 2))
        if self.structure.shared:
            second = second.sum(axis=0, keepdims=True)
        return counts, first, second

    def completed(self, k, inside, batch):
        """Rows with their missing cells at the mean given those observed."""
        return self.means[k][:, None] + self.covariances[k] @ inside[0][k]

    def deviations(self, k, inside, batch, generator):
        """Draws of what is missing about its mean, given what is observed."""
        # Of a draw of the whole row, less what its observed cells say of the rest, the
        # covariance is Σ - Σ P Σ.
        noise = generator.standard_normal((len(batch.weights), len(self.means[k])))
        drawn = np.linalg.cholesky(self.covariances[k]) @ noise.T
        u, _ = _solved(inside[1][k], drawn * batch.observed, batch)
        return drawn - self.covariances[k] @ u


def _solved(rows, apart, batch):
    """Precisions of what is observed, times deviations, and the squared distances."""
    ordered = apart[batch.order]
    many = len(batch.weights) > MANY_ROWS * len(batch.firsts)
    by_pattern = _solved_by_pattern if many else _solved_by_row
    u = np.empty_like(apart)
    u[batch.order], squares = by_pattern(rows, ordered, batch)
    return u, squares


def _solved_by_row(rows, apart, batch):
    u, squares = np.zeros_like(apart), np.zeros(apart.shape[1])
    for j, row in enumerate(rows):
        row = row if batch.pattern is None else row[:, batch.pattern]
        white = np.einsum("in,in->n", row, apart[: j + 1])
        squares += white * white
        u[: j + 1] += row * white
    return u, squares


def _solved_by_pattern(rows, apart, batch):
    """The same with two matrix products for each pattern."""
    factors = np.zeros((len(batch.firsts), len(rows), len(rows)))
    for j, row in enumerate(rows):
        factors[:, j, : j + 1] = row.T
    u, squares = np.empty_like(apart), np.empty(apart.shape[1])
    ends = [*batch.firsts[1:], apart.shape[1]]
    for factor, start, stop in zip(factors, batch.firsts, ends):
        white = factor @ apart[:, start:stop]
        np.einsum("in,in->n", white, white, out=squares[start:stop])
        np.matmul(factor.T, white, out=u[:, start:stop])
    return u, squares


class _VarianceForm:
    """Components without covariances between columns, on batches of rows."""

    def __init__(self, parameters):
        self.structure = structure = parameters.structure
        self.means = parameters.means
        self.log_weights = parameters.log_weights
        shape = self.means.shape
        self.variances = structure.variances(parameters.covariances, *shape)

    def log_joint(self, batch):
        """Log of weight times density (n_components, n_rows); nothing else."""
        joint = np.empty((len(self.means), len(batch.weights)))
        for k, (mean, variance) in enumerate(zip(self.means, self.variances)):
            apart = (batch.values - mean[:, None]) * batch.observed
            squares = (1.0 / variance) @ np.square(apart)
            np.minimum(squares, LARGEST_SQUARE, out=squares)
            constants = (np.log(variance) + LOG_2PI) @ batch.observed
            joint[k] = self.log_weights[k] - 0.5 * (squares + constants)
        return joint, None

    def no_sums(self):
        """Sums over no rows: counts, first and second moments about the means."""
        shape = self.structure.shape(*self.means.shape)
        return np.zeros(len(self.means)), np.zeros(self.means.shape), np.zeros(shape)

    def add(self, sums, responsibilities, inside, batch):
        """Add a batch's moments, weighted by responsibilities, in place."""
        counts, first, second = sums
        scatter, one = self.structure.scatter, np.ones(1)
        for k, given in enumerate(responsibilities):
            apart = (batch.values - self.means[k][:, None]) * batch.observed
            unseen = self.variances[k] * ((1.0 - batch.observed) @ given)
            counts[k] += given.sum()
            first[k] += apart @ given
            second[k] += scatter(apart, given)
            second[k] += scatter(np.sqrt(unseen)[:, None], one)

    def moments(self, sums):
        """Counts, first and second moments about the means."""
        return sums

    def completed(self, k, inside, batch):
        """Rows with their missing cells at the component's mean."""
        return np.broadcast_to(self.means[k][:, None], batch.values.shape)

    def deviations(self, k, inside, batch, generator):
        """Draws of what is missing about its mean."""
        noise = generator.standard_normal((len(batch.weights), len(self.means[k])))
        return (noise * np.sqrt(self.variances[k])).T


def holes_form(parameters):
    """The form that evaluates a mixture on rows with holes."""
    matrices = parameters.structure.matrices
    return (_MatrixForm if matrices else _VarianceForm)(parameters)


class HolesExpectation:
    """Expected sufficient statistics of rows with holes under a Gaussian mixture.

    Parameters
    ----------
    rows : Rows
        Rows, each with a missing cell or more.

    structure : CovarianceStructure
        The covariances' structure.

    workers : Workers
        The threads.

    n_components : int
        Number of components, for the size of batches.

    noise : UniformNoise or None, default=None
        What rows may come from besides the components.
    """

    def __init__(self, rows, structure, workers, n_components, noise=None):
        self.structure = structure
        self.total = rows.total
        self._noise = noise
        self._workers = workers
        found = batches(rows.columns(slice(None)), rows.weights, n_components)
        n_lanes = min(N_LANES, len(found))
        self._lanes = [found[lane::n_lanes] for lane in range(n_lanes)]

    def __call__(self, parameters):
        """One pass over the rows: their statistics, as those of complete rows."""
        form = holes_form(parameters)

        def lane_total(lane):
            sums, log_likelihood = form.no_sums(), 0.0
            for batch in lane:
                joint, inside = form.log_joint(batch)
                background = background_of(self._noise, batch, parameters.weights)
                density = normalise(joint, 1, batch.weights, background)[0]
                form.add(sums, joint, inside, batch)
                log_likelihood += density @ batch.weights
            return *sums, np.array([log_likelihood])

        lanes = self._workers.map(lane_total, self._lanes)
        *sums, log_likelihood = (reduce(add, parts) for parts in zip(*lanes))
        return GaussianStatistics(
            self.structure,
            *form.moments(sums),
            parameters.means,
            self.total,
            log_likelihood,
        )


class IncompleteExpectation:
    """Expected sufficient statistics of a table of which some rows have holes.

    Rows without holes go the way of complete tables; statistics add.

    Parameters
    ----------
    rows : Rows
        The table, NaN where a cell is missing.

    structure, workers, n_components, noise
        As for `HolesExpectation`.
    """

    def __init__(self, rows, structure, workers, n_components, noise=None):
        self.rows = rows
        self.structure = structure
        missing = np.isnan(rows.X)
        holes = missing.any(axis=1)
        self._parts = [
            HolesExpectation(rows.take(holes), structure, workers, n_components, noise)
        ]
        if not holes.all():
            complete = rows.take(~holes)
            self._parts.insert(
                0, Expectation(complete, structure, workers, noise=noise)
            )
        log_scale = np.log(rows.frame.scale)
        weights = np.ones(len(holes)) if rows.weights is None else rows.weights
        self.log_volume = float((weights @ ~missing) @ log_scale) / rows.total

    def __call__(self, parameters):
        """One pass over the data, as that of `Expectation`."""
        return reduce(add, [part(parameters) for part in self._parts])


def background_of(noise, batch, weights):
    """Log of the noise's joint density of a batch's rows, or None."""
    if noise is None:
        return None
    seen = np.where(batch.observed > 0.0, batch.values, np.nan)
    return noise.log_joint(seen, weights)


class HoleFilling:
    """Fills the missing cells of rows from their distribution given the others.

    Parameters
    ----------
    evaluation : Evaluation
        Holds the mixture, and the noise beside it.

    generator : RandomState or None
        None fills in means.
    """

    def __init__(self, evaluation, generator):
        self._form = holes_form(evaluation.parameters)
        self._n_components = evaluation.n_components
        self._weights = evaluation.parameters.weights
        self._noise = evaluation.noise
        self._generator = generator

    def __call__(self, columns):
        """Columns (n_features, n_rows) without NaN, in units of the frame."""
        out = columns.copy()
        filling = self._mean if self._generator is None else self._draw
        for batch in batches(columns, None, self._n_components):
            joint, inside = self._form.log_joint(batch)
            background = background_of(self._noise, batch, self._weights)
            normalise(joint, 1, background=background)
            out[:, batch.positions] = filling(joint, inside, batch)
        return out

    def _mean(self, responsibilities, inside, batch):
        filled = np.zeros(batch.values.shape)
        for k, given in enumerate(responsibilities):
            filled += given * self._form.completed(k, inside, batch)
        if self._noise is not None:
            middle = 0.5 * (self._noise.low + self._noise.high)
            rest = np.maximum(1.0 - responsibilities.sum(axis=0), 0.0)
            filled += rest * middle[:, None]
        return filled

    def _draw(self, responsibilities, inside, batch):
        filled = np.empty(batch.values.shape)
        shares = np.cumsum(responsibilities, axis=0)
        uniform = self._generator.uniform(size=len(batch.weights))
        if self._noise is None:
            uniform *= shares[-1]
        component = (uniform >= shares).sum(axis=0)
        for k in np.unique(component):
            np.copyto(filled, self._drawn(k, inside, batch), where=component == k)
        return filled

    def _drawn(self, k, inside, batch):
        if k == self._n_components:
            low, high = self._noise.low, self._noise.high
            shape = (len(batch.weights), len(low))
            return self._generator.uniform(low, high, size=shape).T
        mean = self._form.completed(k, inside, batch)
        return mean + self._form.deviations(k, inside, batch, self._generator)
