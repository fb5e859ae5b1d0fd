"""The race from which the default start comes: many candidates, a few EM steps each."""

import numpy as np

from ..gaussian import (
    Expectation,
    Frame,
    MixtureParameters,
    Regularisation,
    Rows,
    maximise,
)
from ._candidates import Sketch, candidates, n_small_clusters, principal_axes

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

# Smallest variance while racing, in units of the columns' variances: the floor of
# reg_covar="auto".
RACE_FLOOR = 1e-10

# Mean log-likelihoods that agree to so many decimals tie, and the first candidate
# wins: rounding errors, which change with the rows' order, must not decide.
TIED_DECIMALS = 6

# The race is over where no candidate gains as much in a step, in nats per row.
SETTLED_GAIN = 1e-6

# Beyond this many quadratic features candidates race in whitened form.
MOST_QUADRATIC_FEATURES = 300

# What races cost at most: so many products, or so many passes over all rows.
FREE_PRODUCTS = 2e9
MOST_PASSES = 8

# Pairs of clusters to compare at most, of all agglomerations together.
MOST_COMPARISONS = 30_000


def race(expectation, n_components, generator):
    """The parameters of the best of many candidates after a few EM steps each."""
    rows, structure = expectation.rows, expectation.structure
    sketch = Sketch.of(rows, _sketch_size(rows, n_components), generator)
    if len(sketch.rows) == 1:
        return whole(expectation, n_components)
    n_candidates = _affordable(rows, len(sketch.rows), n_components)
    n_merged = _n_merged(n_candidates, sketch, n_components)
    labels = candidates(
        sketch, n_components, n_merged, n_candidates - n_merged, generator
    )
    course = Course(sketch, structure, n_components, expectation.workers)
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


def _n_merged(n_candidates, sketch, n_components):
    """How many of the candidates to agglomerate: most, unless that takes too long."""
    comparisons = n_small_clusters(len(sketch.rows), n_components) ** 2
    return min(n_candidates * 3 // 4, MOST_COMPARISONS // comparisons)


class Course:
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
        return self.halved(self.start(self.of_labels(labels)), FIRST_STEPS)

    def halved(self, parameters, n_steps):
        """Run the candidates, and time and again the better half of them."""
        while parameters.n_groups > 1:
            bounds = []
            for _ in range(n_steps):
                statistics = self.expectation(parameters)
                parameters = self._maximise(statistics, parameters)
                bounds.append(statistics.log_likelihood / statistics.total)
            # Likelihoods lag one step behind parameters: no matter for a ranking.
            tied = bounds[-1].round(TIED_DECIMALS)
            order = np.lexsort((-tied, self._spurious(parameters)))
            settled = (bounds[-1] - bounds[-2]).max() < SETTLED_GAIN
            kept = order[:1] if settled else np.sort(order[: len(order) // 2])
            parameters = parameters.select(kept)
            n_steps *= 2
        return parameters

    def _maximise(self, statistics, previous):
        return maximise(statistics, previous, Regularisation(floor=RACE_FLOOR))

    def of_labels(self, labels):
        """Responsibilities, a function of blocks, of labels (n_groups, n_rows)."""
        n_groups = len(labels)
        numbered = labels + self.n_components * np.arange(n_groups)[:, None]

        def responsibilities(block):
            mine = numbered[:, block]
            given = np.zeros((n_groups * self.n_components, mine.shape[1]))
            given[mine, np.arange(mine.shape[1])] = 1.0
            return given

        return n_groups, responsibilities

    def start(self, given):
        """Candidates from a number of groups and their responsibilities."""
        n_groups, responsibilities = given
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


def whole(expectation, n_components, n_groups=1):
    """Components that all describe the whole data: what an empty one starts from."""
    structure, n_features = expectation.structure, expectation.rows.n_features
    return MixtureParameters.of_covariances(
        structure,
        np.full(n_components * n_groups, 1.0 / n_components),
        np.zeros((n_components * n_groups, n_features)),
        structure.unit(n_components, n_features, n_groups),
        n_groups,
    )
