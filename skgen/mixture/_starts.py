"""Where EM starts: scikit-learn's four ways, and a race of many candidates."""

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist
from sklearn.cluster import KMeans, kmeans_plusplus
from sklearn.exceptions import ConvergenceWarning

from ..gaussian import (
    Expectation,
    Frame,
    MixtureParameters,
    Regularisation,
    Rows,
    maximise,
)

# The race: so many candidates, which do so many EM steps before the better half
# goes on to twice as many.
N_CANDIDATES = 16
FIRST_STEPS = 4

# Rows on which candidates race; more where components and columns are many.
SKETCH_ROWS = 2000
SKETCH_ROWS_PER_PARAMETER = 5

# A candidate whose smallest variance, in units of the whole data's in the same
# direction, is below this describes an accident of a few rows.
SPURIOUS_VARIANCE = 1e-4

# Smallest variance while racing, in units of the columns' variances.
RACE_FLOOR = 1e-6

# Coordinates, distances and mean log-likelihoods that agree to so many decimals tie,
# and the first in a fixed order wins: rounding errors, which change with the rows'
# order and with weights in place of repetitions, must not decide.
COORDINATE_DECIMALS = 8
LIKELIHOOD_DECIMALS = 6

# Beyond this many quadratic features candidates race in whitened form.
MOST_QUADRATIC_FEATURES = 300

# What races cost at most: so many products, or so many passes over all rows.
FREE_PRODUCTS = 2e9
MOST_PASSES = 12


def initial_parameters(name, expectation, n_components, generator, regularisation):
    """Parameters from which EM may start.

    Parameters
    ----------
    name : str
        ``init_params`` of the estimator.

    expectation : Expectation
        Holds rows, structure and threads.

    n_components : int
        Number of components.

    generator : RandomState
        Source of randomness.

    regularisation : Regularisation
        Applied to the covariances.

    Returns
    -------
    parameters : MixtureParameters
        In units of the rows' frame.

    Raises
    ------
    IllDefinedCovarianceError
        Where a component's covariance is singular and not regularised.
    """
    if n_components == 1:
        responsibilities, sequential = _everything, False
    elif name == "auto":
        return _race(expectation, n_components, generator)
    else:
        responsibilities = RESPONSIBILITIES[name](
            expectation.rows, n_components, generator
        )
        sequential = name == "random"
    statistics = expectation.of_responsibilities(
        responsibilities, n_components, sequential=sequential
    )
    return maximise(statistics, whole(expectation, n_components), regularisation)


def whole(expectation, n_components, n_groups=1):
    """Components that all describe the whole data: what an empty one starts from."""
    structure, n_features = expectation.structure, expectation.rows.n_features
    shape = structure.shape(n_components * n_groups, n_features)
    if structure.shared:
        shape = (n_groups, *shape)
    unit = np.eye(n_features) if structure.matrices else 1.0
    return MixtureParameters.of_covariances(
        structure,
        np.full(n_components * n_groups, 1.0 / n_components),
        np.zeros((n_components * n_groups, n_features)),
        np.broadcast_to(unit, shape).copy(),
        n_groups,
    )


def _everything(block):
    return np.ones((1, block.stop - block.start))


def _of_labels(labels, n_components):
    components = np.arange(n_components)[:, None]
    return lambda block: (labels[block] == components).astype(float)


def _of_rows(positions):
    """Each component responsible for one row alone."""
    positions = np.asarray(positions)[:, None]
    return lambda block: (positions == np.arange(block.start, block.stop)).astype(float)


def _kmeans(rows, n_components, generator):
    model = KMeans(n_clusters=n_components, n_init=1, random_state=generator)
    return _of_labels(
        model.fit(rows.X, sample_weight=rows.weights).labels_, n_components
    )


def _kmeans_plusplus(rows, n_components, generator):
    _, positions = kmeans_plusplus(
        rows.X, n_components, sample_weight=rows.weights, random_state=generator
    )
    return _of_rows(positions)


def _random_from_data(rows, n_components, generator):
    return _of_rows(generator.choice(rows.n_rows, size=n_components, replace=False))


def _random(rows, n_components, generator):
    """Uniform responsibilities, drawn anew block by block in each sequential pass."""
    state = generator.get_state()
    stream = np.random.RandomState()

    def responsibilities(block):
        if block.start == 0:
            stream.set_state(state)
        drawn = stream.uniform(size=(block.stop - block.start, n_components))
        if block.stop == rows.n_rows:
            generator.set_state(stream.get_state())
        return (drawn / drawn.sum(axis=1, keepdims=True)).T

    return responsibilities


RESPONSIBILITIES = {
    "kmeans": _kmeans,
    "k-means++": _kmeans_plusplus,
    "random": _random,
    "random_from_data": _random_from_data,
}


@dataclass(frozen=True)
class Sketch:
    """Distinct rows in an order of their own, with weights.

    Whatever starts from a sketch does not depend on the rows' order, nor on
    whether a row is repeated or has a larger weight.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        Distinct standardised rows, sorted.

    weights : ndarray of shape (n_rows,)
        Their total weights.
    """

    rows: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, rows, n_wanted, generator):
        """A sketch of a table: all of it where small, else a weighted sample."""
        if rows.n_rows <= n_wanted:
            taken, weights = rows.columns(slice(None)).T, rows.weights
        else:
            draws = np.sort(generator.uniform(size=n_wanted))
            if rows.weights is None:
                positions = (draws * rows.n_rows).astype(np.intp)
            else:
                cumulated = np.cumsum(rows.weights)
                positions = np.searchsorted(cumulated, draws * cumulated[-1])
            positions = np.minimum(positions, rows.n_rows - 1)
            taken, weights = rows.columns(positions).T, None
        if weights is None:
            weights = np.ones(len(taken))
        order = np.lexsort(taken.T[::-1])
        taken, weights = taken[order], weights[order]
        new = np.r_[True, (taken[1:] != taken[:-1]).any(axis=1)]
        return cls(taken[new], np.bincount(np.cumsum(new) - 1, weights))

    @property
    def effective_size(self):
        """Kish's effective number of distinct rows."""
        return self.weights.sum() ** 2 / np.square(self.weights).sum()


def _race(expectation, n_components, generator):
    """The parameters of the best of many candidates after a few EM steps each."""
    rows, structure = expectation.rows, expectation.structure
    sketch = Sketch.of(rows, _sketch_size(rows, n_components), generator)
    if len(sketch.rows) == 1:
        return whole(expectation, n_components)
    n_candidates = _affordable(rows, len(sketch.rows), n_components)
    labels = _candidates(sketch, n_components, n_candidates, generator)
    course = _Course(sketch, structure, n_components, expectation.workers)
    return course.winner(labels)


def _sketch_size(rows, n_components):
    needed = SKETCH_ROWS_PER_PARAMETER * n_components * (rows.n_features + 1)
    return max(SKETCH_ROWS, needed)


def _affordable(rows, n_sketch, n_components):
    """How many candidates may race: sixteen, unless that takes too long."""
    products = 4 * n_components * (rows.n_features + 1) ** 2
    most = max(FREE_PRODUCTS / products, MOST_PASSES * rows.n_rows)
    n_candidates = N_CANDIDATES
    while n_candidates > 4:
        if FIRST_STEPS * n_candidates * np.log2(n_candidates) * n_sketch <= most:
            break
        n_candidates //= 2
    return n_candidates


def _candidates(sketch, n_components, n_candidates, generator):
    """Labels (n_candidates, n_rows) of clusterings in several scalings."""
    views = _views(sketch)
    labels = [
        _ward(view, n_components)
        for view in views
        if len(view) <= SKETCH_ROWS and n_candidates == N_CANDIDATES
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct rows
        while len(labels) < n_candidates:
            view = views[len(labels) % len(views)]
            labels.append(_nearest(view, sketch.weights, n_components, generator))
    return np.array(labels[:n_candidates])


def _views(sketch):
    """The rows standardised, whitened, and along principal axes over √ their spread.

    The last is the transformation with which Scrucca and Raftery (2015,
    doi:10.1007/s11634-015-0220-z) found hierarchical starts to work best.
    """
    spread, axes = principal_axes(sketch)
    kept = spread > 1e-5 * spread[-1]
    scores, spread = sketch.rows @ axes[:, kept], spread[kept]
    views = [sketch.rows, scores / spread, scores / np.sqrt(spread)]
    return [view.round(COORDINATE_DECIMALS) for view in views]


def principal_axes(sketch):
    """Standard deviations along the principal axes, ascending, and the axes."""
    share = sketch.weights / sketch.weights.sum()
    centred = sketch.rows - share @ sketch.rows
    variances, axes = np.linalg.eigh((centred.T * share) @ centred)
    return np.sqrt(np.maximum(variances, 0.0)), axes


def _ward(view, n_components):
    distances = pdist(view).round(COORDINATE_DECIMALS)
    return fcluster(linkage(distances, "ward"), n_components, "maxclust") - 1


def _nearest(view, weights, n_components, generator):
    n_centres = min(n_components, len(view))
    centres, _ = kmeans_plusplus(
        view, n_centres, sample_weight=weights, random_state=generator
    )
    squares = (centres**2).sum(axis=1) - 2.0 * view @ centres.T
    return squares.round(COORDINATE_DECIMALS).argmin(axis=1)


class _Course:
    """Candidates that run EM side by side on a sketch, as groups of components."""

    def __init__(self, sketch, structure, n_components, workers):
        self.sketch = sketch
        self.structure = structure
        self.n_components = n_components
        n_features = sketch.rows.shape[1]
        unit = Frame(np.zeros(n_features), np.ones(n_features))
        rows = Rows(sketch.rows, sketch.weights, unit)
        few = structure.n_quadratic(n_features) <= MOST_QUADRATIC_FEATURES
        form = "feature" if few else "whitened"  # exact enough for a ranking
        self.expectation = Expectation(rows, structure, workers, form)
        # Factors of precisions times this are in units of the whole data's spread.
        spread, axes = principal_axes(sketch)
        self._whole_width = spread[:, None] * axes.T

    def winner(self, labels):
        """Parameters of the best candidate."""
        parameters = self._start(labels)
        n_steps = FIRST_STEPS
        while parameters.n_groups > 1:
            for _ in range(n_steps):
                statistics = self.expectation(parameters)
                parameters = self._maximise(statistics, parameters)
            # Likelihoods lag one step behind parameters: no matter for a ranking.
            bounds = statistics.log_likelihood / statistics.total
            bounds = bounds.round(LIKELIHOOD_DECIMALS)
            order = np.lexsort((-bounds, self._spurious(parameters)))
            parameters = parameters.select(np.sort(order[: len(order) // 2]))
            n_steps *= 2
        return parameters

    def _maximise(self, statistics, previous):
        return maximise(statistics, previous, Regularisation(floor=RACE_FLOOR))

    def _start(self, labels):
        n_groups = len(labels)
        numbered = labels + self.n_components * np.arange(n_groups)[:, None]

        def responsibilities(block):
            mine = numbered[:, block]
            given = np.zeros((n_groups * self.n_components, mine.shape[1]))
            given[mine, np.arange(mine.shape[1])] = 1.0
            return given

        statistics = self.expectation.of_responsibilities(
            responsibilities, n_groups * self.n_components, n_groups=n_groups
        )
        return self._maximise(
            statistics, whole(self.expectation, self.n_components, n_groups)
        )

    def _spurious(self, parameters):
        """Which candidates hold a component of too few rows or too little width."""
        structure, n_components = self.structure, len(parameters.means)
        n_rows = parameters.weights * self.sketch.effective_size
        few = n_rows < structure.fewest_rows(parameters.means.shape[1]) - 1e-6
        factors = parameters.factors
        if structure.matrices:
            factors = self._whole_width @ factors
        narrow = structure.largest_precisions(factors) > 1.0 / SPURIOUS_VARIANCE
        spurious = structure.each(narrow, n_components) | few
        return spurious.reshape(parameters.n_groups, -1).any(axis=1)
