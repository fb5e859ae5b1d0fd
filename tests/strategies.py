"""Data and hypothesis strategies of the whole suite, ugly cases on purpose.

Fixed tables are functions; what hypothesis draws are strategies. A `Table` carries
rows and weights, so that a strategy can make rows that only weights tell apart.
"""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from skgen.em import EMPoint, Workers, run_em
from skgen.gaussian import (
    CLASSICAL,
    STRUCTURES,
    Expectation,
    Frame,
    MixtureParameters,
    Regularisation,
    Rows,
    maximise,
)
from skgen.mixture._race import whole
from skgen.mixture._starts import initial_parameters

COVARIANCE_TYPES = ["full", "tied", "diag", "spherical"]


@dataclass(frozen=True)
class Table:
    """Rows, their weights or None, and the group that each row was drawn from."""

    X: np.ndarray
    weights: np.ndarray | None
    labels: np.ndarray

    def __repr__(self):
        n, d = self.X.shape
        weighted = "unweighted" if self.weights is None else "weighted"
        return f"Table({n} x {d}, {weighted}, {self.X[:2].tolist()} ...)"


# Fixed tables


def two_cigars(n=120, seed=0):
    """Two elongated clusters that lie across one another's long axis."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([0, 1], [n // 2, n - n // 2])
    X = rng.normal(size=(n, 2)) * [5.0, 0.4] + np.where(labels, 3.0, 0.0)[:, None]
    return X @ np.array([[0.8, 0.6], [-0.6, 0.8]]), labels


def overlapping(n=150, d=2, k=3, seed=0, spread=2.0):
    """Clusters of different shapes that overlap: EM needs many steps."""
    rng = np.random.default_rng(seed)
    labels = np.sort(rng.integers(k, size=n))
    labels[:k] = np.arange(k)
    centres = rng.normal(size=(k, d)) * spread
    shapes = rng.normal(size=(k, d, d)) * 0.5 + np.eye(d)
    noise = np.einsum("ni,nij->nj", rng.normal(size=(n, d)), shapes[labels])
    return centres[labels] + noise, labels


def initial(X, labels, covariance_type, ridge=0.0):
    """``weights_init``, ``means_init``, ``precisions_init`` of labelled rows."""
    components = np.unique(labels)
    groups = [X[labels == component] for component in components]
    counts = np.array([len(group) for group in groups])
    means = np.array([group.mean(axis=0) for group in groups])
    d = X.shape[1]
    scatters = np.array([np.cov(group.T, bias=True).reshape(d, d) for group in groups])
    scatters += ridge * np.eye(d)
    diagonals = np.diagonal(scatters, axis1=1, axis2=2)
    precisions = {
        "full": lambda: np.linalg.inv(scatters),
        "tied": lambda: np.linalg.inv(np.average(scatters, axis=0, weights=counts)),
        "diag": lambda: 1.0 / diagonals,
        "spherical": lambda: 1.0 / diagonals.mean(axis=1),
    }[covariance_type]()
    return {
        "weights_init": counts / counts.sum(),
        "means_init": means,
        "precisions_init": precisions,
    }


def cigars(seed, *, n_features=4, n_components=5, n_samples=500, aspect=30.0):
    """Parallel cigars in a random direction: rows, labels, likelihood of the truth."""
    rng = np.random.RandomState(seed)
    turn = np.linalg.qr(rng.randn(n_features, n_features))[0]
    widths = np.r_[aspect, np.ones(n_features - 1)]
    labels = rng.choice(n_components, n_samples)
    means = np.zeros((n_components, n_features))
    means[:, 0] = rng.uniform(-aspect, aspect, n_components)
    means[:, -1] = 8.0 * np.arange(n_components)
    rows = (means[labels] + rng.randn(n_samples, n_features) * widths) @ turn
    covariance = (turn.T * widths**2) @ turn
    joint = [
        multivariate_normal(mean @ turn, covariance).logpdf(rows) for mean in means
    ]
    truth = logsumexp(joint, axis=0).mean() - np.log(n_components)
    return rows, labels, truth


def started(name, X, k, seed=0, weights=None, covariance_type="full"):
    """The parameters from which EM starts on rows, in their frame."""
    structure = STRUCTURES[covariance_type]
    frame = Frame.of(X, weights, isotropic=structure.isotropic)
    with Workers() as workers:
        expectation = Expectation(Rows(X, weights, frame), structure, workers)
        generator = np.random.RandomState(seed)
        auto = Regularisation(floor=1e-10)
        return initial_parameters(name, expectation, k, generator, auto)


class _Unwatched:
    def begin(self):
        pass

    def end(self, run):
        return False


def climb(X, labels, structure, max_iter=3000, accelerate=False, **regularisation):
    """EM from labels, and the log-likelihood of its start."""
    held = Regularisation(**regularisation)
    frame = Frame.of(X, None, isotropic=structure.isotropic)
    k = labels.max() + 1
    with Workers() as workers:
        expectation = Expectation(Rows(X, None, frame), structure, workers)
        statistics = expectation.of_responsibilities(
            lambda block: (labels[block] == np.arange(k)[:, None]).astype(float), k
        )
        start = maximise(statistics, whole(expectation, k), held)

        def evaluate(mixture):
            statistics = expectation(mixture)
            mean = statistics.log_likelihood[0] / len(X)
            return EMPoint(mixture, statistics, float(mean - frame.log_volume))

        run = run_em(
            evaluate,
            lambda statistics, previous: maximise(statistics, previous, held),
            start,
            max_iter=max_iter,
            tol=1e-14,
            accelerate=accelerate,
            watch=_Unwatched(),
        )
        return run, evaluate(start).bound * len(X)


def name_of(structure):
    """What ``covariance_type`` calls a structure."""
    return next(name for name, known in STRUCTURES.items() if known is structure)


def covariances(rng, structure, k, d):
    """Positive definite covariances, as the Gaussians' room keeps them."""
    full = rng.normal(size=(k, d, d)) * 0.4
    full = full @ np.swapaxes(full, 1, 2) + 0.3 * np.eye(d)
    made = {
        "full": full,
        "tied": full[0],
        "diag": np.diagonal(full, axis1=1, axis2=2),
        "spherical": full[:, 0, 0],
    }[name_of(structure.storage)]
    made = structure.storage.inside(np.array(made))
    if structure.storage is structure:
        return made
    counts = rng.uniform(5.0, 50.0, k)
    return structure.estimate(counts, structure.storage.scatters_of(counts, made))


def parameters(rng, structure, k, d):
    """A mixture near the origin, as in the frame of data."""
    weights = rng.dirichlet(np.full(k, 2.0))
    means = rng.normal(size=(k, d))
    return MixtureParameters.of_covariances(
        structure, weights, means, covariances(rng, structure, k, d)
    )


# Strategies

structures = st.sampled_from(list(CLASSICAL.values()))
all_structures = st.sampled_from(list(dict.fromkeys(STRUCTURES.values())))
seeds = st.integers(0, 2**31 - 1)
covariance_types = st.sampled_from(COVARIANCE_TYPES)
accelerations = st.sampled_from(["squarem", None])


@st.composite
def well_posed(draw, max_features=4, max_components=3, weighted=None):
    """Rows in a few clusters, none of which is degenerate."""
    rng = np.random.default_rng(draw(seeds))
    d = draw(st.integers(1, max_features))
    k = draw(st.integers(1, max_components))
    n = draw(st.integers(k * (8 + 4 * d), 120))
    X, labels = overlapping(n, d, k, rng, spread=draw(st.sampled_from([1.0, 4.0])))
    order = rng.permutation(n)
    weighted = draw(st.booleans()) if weighted is None else weighted
    weights = rng.uniform(0.5, 2.0, n) if weighted else None
    return Table(X[order], weights, labels[order])


def _identity(X, rng):
    return X


def _scaled(X, rng):
    return X * 10.0 ** rng.integers(-100, 100, size=X.shape[1])


def _offset(X, rng):
    return X + rng.normal(size=X.shape[1]) * 1e6


def _with_constant_column(X, rng):
    return np.column_stack([X, np.full(len(X), rng.normal() * 1e3)])


def _with_duplicated_rows(X, rng):
    return X[rng.integers(len(X), size=len(X))]


def _with_heap_of_one_row(X, rng):
    X = X.copy()
    X[: len(X) // 3] = X[0]
    return X


def _nearly_singular(X, rng):
    noise = 1e-5 * X.std(axis=0).max() * rng.normal(size=len(X))
    return np.column_stack([X, X.sum(axis=1) + noise])


def _rounded(X, rng):
    return X.round()


def _with_outlier(X, rng):
    X = X.copy()
    X[-1] += 1e4 * X.std(axis=0)
    return X


UGLINESS = [
    _identity,
    _scaled,
    _offset,
    _with_constant_column,
    _with_duplicated_rows,
    _with_heap_of_one_row,
    _nearly_singular,
    _rounded,
    _with_outlier,
]


@st.composite
def ugly(draw, **options):
    """What tables in the wild do to an EM that expects clean clusters."""
    table = draw(well_posed(**options))
    rng = np.random.default_rng(draw(seeds))
    X = draw(st.sampled_from(UGLINESS))(table.X, rng)
    weights = table.weights
    if weights is not None:
        kind = draw(st.sampled_from(["positive", "integers", "zeros", "uneven"]))
        if kind == "integers":
            weights = rng.integers(1, 4, len(X)).astype(float)
        elif kind == "zeros":
            weights = weights * (rng.uniform(size=len(X)) < 0.8)
            weights[:5] = 1.0
        elif kind == "uneven":
            weights = 10.0 ** rng.uniform(-6, 6, len(X))
    return Table(X, weights, table.labels)


@st.composite
def rotations(draw, n_features):
    """Orthogonal matrices."""
    rng = np.random.default_rng(draw(seeds))
    return np.linalg.qr(rng.normal(size=(n_features, n_features)))[0]
