"""Distributions for the tests of this room, ugly ones on purpose."""

from functools import partial

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from scipy.linalg import block_diag

from skgen.divergences._gaussian_mixtures import GaussianMixtureDensity

# Kullback-Leibler divergences of mixtures by fine quadrature: p, q, D(p ‖ q),
# D(q ‖ p), Jensen-Shannon and Rényi of order one half, nats.
REFERENCE_MIXTURES = {
    "overlapping": (
        ([0.4, 0.6], [-1.0, 1.5], [0.5, 1.0]),
        ([0.5, 0.5], [-0.8, 1.8], [0.7, 1.2]),
        (0.022756050911, 0.025167941931, 0.005889170212, 0.011910950799),
    ),
    "bimodal": (
        ([0.5, 0.5], [-2.0, 2.0], [1.0, 1.0]),
        ([1.0], [0.0], [5.0]),
        (0.171998762480, 0.247828030259, 0.046182485763, 0.098825691905),
    ),
}


def mixture_of(weights, means, variances):
    """A mixture on the line."""
    weights, means, variances = (
        np.asarray(a, float) for a in (weights, means, variances)
    )
    return GaussianMixtureDensity.of_covariances(
        weights, means[:, None], variances[:, None, None]
    )


def random_mixture(n_components, n_features, seed, spread=1.0):
    """A mixture of full covariances."""
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(n_components, n_features, n_features))
    covariances = roots @ roots.transpose(0, 2, 1) / n_features
    return GaussianMixtureDensity.of_covariances(
        rng.dirichlet(np.ones(n_components)),
        rng.normal(size=(n_components, n_features)) * spread,
        covariances + 0.1 * np.eye(n_features),
    )


def moved(mixture, matrix, shift):
    """The mixture of the rows A x + b."""
    return GaussianMixtureDensity.of_covariances(
        mixture.weights,
        mixture.means @ matrix.T + shift,
        matrix @ mixture.covariances @ matrix.T,
    )


def blend(share, one, other):
    """The convex combination of two probability vectors, or of two mixtures."""
    if isinstance(one, np.ndarray):
        return share * one + (1.0 - share) * other
    return GaussianMixtureDensity.of_covariances(
        np.concatenate([share * one.weights, (1.0 - share) * other.weights]),
        np.concatenate([one.means, other.means]),
        np.concatenate([one.covariances, other.covariances]),
    )


def product(one, other):
    """The law of two independent outcomes, or of the features of two mixtures."""
    if isinstance(one, np.ndarray):
        return np.outer(one, other).ravel()
    parts = [(a, b) for a in range(one.n_components) for b in range(other.n_components)]
    return GaussianMixtureDensity.of_covariances(
        np.array([one.weights[a] * other.weights[b] for a, b in parts]),
        np.array([np.concatenate([one.means[a], other.means[b]]) for a, b in parts]),
        np.array(
            [block_diag(one.covariances[a], other.covariances[b]) for a, b in parts]
        ),
    )


def marginal(mixture, features):
    """The mixture of some of the features."""
    return GaussianMixtureDensity.of_covariances(
        mixture.weights,
        mixture.means[:, features],
        mixture.covariances[:, features][:, :, features],
    )


def rescaled(frozen, loc, scale):
    """The frozen distribution of loc + scale · x."""
    shapes, own_loc, own_scale = frozen.dist._parse_args(*frozen.args, **frozen.kwds)
    return frozen.dist(*shapes, loc=loc + scale * own_loc, scale=scale * own_scale)


@st.composite
def probability_vectors(draw, n_vectors, n_outcomes=None):
    """Several probability vectors of one length, zeros and tiny entries among them."""
    n_outcomes = draw(st.integers(1, 8)) if n_outcomes is None else n_outcomes
    entries = st.one_of(
        st.just(0.0),
        st.floats(1e-12, 1.0),
        st.floats(1e-300, 1e-200),
        st.integers(1, 5).map(float),
    )
    vectors = []
    for _ in range(n_vectors):
        numbers = draw(hnp.arrays(float, n_outcomes, elements=entries))
        if numbers.sum() < 1e-12:
            numbers[draw(st.integers(0, n_outcomes - 1))] = 1.0
        vectors.append(numbers / numbers.sum())
    return vectors


@st.composite
def gaussian_parameters(draw, n_gaussians, n_features, floors=(1.0, 1e-2, 1e-4)):
    """Means and covariances of several Gaussians; a small floor is nearly singular."""
    numbers = st.floats(-3.0, 3.0)
    out = []
    for _ in range(n_gaussians):
        mean = draw(hnp.arrays(float, n_features, elements=numbers))
        root = draw(hnp.arrays(float, (n_features, n_features), elements=numbers))
        floor = draw(st.sampled_from(floors))
        out.append((mean, root @ root.T + floor * np.eye(n_features)))
    return out


@st.composite
def gaussians(draw, n_gaussians):
    """Single Gaussians, nearly singular, of columns in wildly different units."""
    n_features = draw(st.integers(1, 4))
    floors = (1.0, 1e-3, 1e-6)
    parts = draw(gaussian_parameters(n_gaussians, n_features, floors))
    units = draw(hnp.arrays(int, n_features, elements=st.integers(-6, 6)))
    units = 10.0**units
    one = np.ones(1)
    return [
        GaussianMixtureDensity.of_covariances(
            one, (units * mean)[None], (units * covariance * units[:, None])[None]
        )
        for mean, covariance in parts
    ]


@st.composite
def mixtures(draw, n_mixtures, n_features=1, most_components=3, floors=(1.0, 1e-2)):
    """Several mixtures of one number of features, or of one that is drawn."""
    if not isinstance(n_features, int):
        n_features = draw(n_features)
    out = []
    for _ in range(n_mixtures):
        n_components = draw(st.integers(1, most_components))
        parts = draw(gaussian_parameters(n_components, n_features, floors))
        weights = draw(hnp.arrays(float, n_components, elements=st.floats(0.05, 1.0)))
        out.append(
            GaussianMixtureDensity.of_covariances(
                weights / weights.sum(),
                np.array([mean for mean, _ in parts]),
                np.array([covariance for _, covariance in parts]),
            )
        )
    return out


# Families of scipy by the kind of their support, with the number of their shapes;
# those in the second lines have no closed form.
FAMILIES = {
    "line": {
        **{stats.norm: 0, stats.laplace: 0, stats.logistic: 0, stats.cauchy: 0},
        **{stats.gumbel_r: 0, stats.gumbel_l: 0, stats.t: 1},
        **{stats.skewnorm: 1, stats.gennorm: 1, stats.loggamma: 1, stats.exponnorm: 1},
    },
    "half-line": {
        **{stats.gamma: 1, stats.weibull_min: 1, stats.lognorm: 1, stats.expon: 0},
        **{stats.invgamma: 1, stats.chi2: 1, stats.halfnorm: 0, stats.halfcauchy: 0},
        **{stats.gengamma: 2, stats.fisk: 1, stats.burr12: 2, stats.lomax: 1},
    },
    "interval": {
        **{stats.uniform: 0, stats.beta: 2, stats.powerlaw: 1, stats.arcsine: 0},
        **{stats.triang: -1, stats.bradford: 1},
    },
}

shapes = st.floats(-0.7, 1.5).map(lambda exponent: 10.0**exponent)
probabilities = st.floats(0.05, 0.95)


@st.composite
def families(draw, n_distributions, same_location=False):
    """Frozen distributions of one kind of support, in one wild frame."""
    kind = draw(st.sampled_from(list(FAMILIES)))
    scale = 10.0 ** draw(st.integers(-6, 6))
    loc = scale * draw(st.sampled_from([0.0, 0.0, 1.0, -1e4, 1e4]))
    out = []
    for _ in range(n_distributions):
        family, n_shapes = draw(st.sampled_from(list(FAMILIES[kind].items())))
        if n_shapes < 0:  # a shape that is a share
            arguments = draw(st.lists(probabilities, min_size=1, max_size=1))
        else:
            arguments = draw(st.lists(shapes, min_size=n_shapes, max_size=n_shapes))
        stretch = 10.0 ** draw(st.just(0.0) | st.floats(-2.0, 2.0))
        shift = draw(st.just(0.0) | st.floats(-2.0, 2.0))
        if same_location or kind == "interval":
            shift = 0.0
        if kind == "interval":
            stretch = 1.0
        out.append(family(*arguments, loc=loc + shift * scale, scale=stretch * scale))
    return out


@st.composite
def counts(draw, n_distributions):
    """Frozen distributions on whole numbers, all moved by the same location."""
    loc = draw(st.sampled_from([0, 0, -3, 10_000]))
    numbers = st.integers(1, 30)
    kinds = st.one_of(
        st.builds(partial(stats.poisson, loc=loc), shapes),
        st.builds(partial(stats.binom, loc=loc), numbers, probabilities),
        st.builds(partial(stats.nbinom, loc=loc), shapes, probabilities),
        st.builds(partial(stats.geom, loc=loc - 1), probabilities),
        st.builds(partial(stats.randint, 0, loc=loc), numbers),
        st.builds(partial(stats.betabinom, loc=loc), numbers, shapes, shapes),
        st.builds(partial(stats.logser, loc=loc), probabilities),
        st.builds(partial(stats.dlaplace, loc=loc), shapes),
    )
    return [draw(kinds) for _ in range(n_distributions)]
