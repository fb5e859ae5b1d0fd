"""Models to test: with random weights, and linear ones of which all is known."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from scipy.stats import multivariate_normal
from strategies import seeds

from skgen import VariationalAutoencoder

LEAST_SCALE = 0.02  # of a homoscedastic column
LEAST_POSTERIOR_SCALE = 1e-3

QUICK = {"max_iter": 1, "early_stopping": False, "device": "cpu"}


def inverse_softplus(value):
    return np.log(np.expm1(value))


def scrambled(model, rng, spread=0.3):
    """The fitted model with other weights."""
    model.parameters_ = {
        name: array + (spread * rng.normal(size=array.shape)).astype(array.dtype)
        for name, array in model.parameters_.items()
    }
    return model


@dataclass(frozen=True)
class Case:
    """A model with random weights, rows for it, and what they are given."""

    model: VariationalAutoencoder
    X: np.ndarray
    y: np.ndarray | None

    def __repr__(self):
        return f"Case({self.model!r}, {self.X[:2].tolist()} ..., {self.y})"


def mixed_table(rng, n_rows, holes):
    """Two columns of numbers, one each of 0 and 1, categories and counts."""
    X = np.column_stack(
        [
            rng.normal(3.0, 10.0, n_rows),
            rng.standard_t(3, n_rows),
            rng.integers(0, 2, n_rows),
            rng.integers(0, 3, n_rows),
            rng.poisson(4.0, n_rows),
        ]
    )
    X[:3, 2:] = [[0, 0, 1], [1, 1, 7], [1, 2, 3]]
    if holes:
        X[3:][rng.uniform(size=X[3:].shape) < 0.25] = np.nan
        X[:, 0] = np.where(np.isnan(X).all(axis=1), 0.0, X[:, 0])
    return X


@st.composite
def cases(draw, *, holes=None, conditional=None, prior=None, **parameters):
    """Models of every kind, with random weights, and the rows they were fitted to."""
    rng = np.random.default_rng(draw(seeds))
    n_rows = draw(st.integers(8, 30))
    holes = draw(st.booleans()) if holes is None else holes
    conditional = draw(st.booleans()) if conditional is None else conditional
    y = None
    if conditional:
        y = np.array(["a", "b", "c"])[rng.integers(0, 3, n_rows)]
        y[:3] = ["a", "b", "c"]
    options = {
        "n_components": draw(st.integers(1, 3)),
        "hidden_layer_sizes": draw(st.sampled_from([(), (5,), (4, 6)])),
        "residual": draw(st.booleans()),
        "correlated": draw(st.booleans()),
        "prior": prior or draw(st.sampled_from(["normal", "mixture", "vamp"])),
        "categorical_features": [3],
        "likelihood": {4: draw(st.sampled_from(["poisson", "negative_binomial"]))},
        "conditional": conditional,
        "random_state": draw(st.integers(0, 1000)),
        **QUICK,
        **parameters,
    }
    X = mixed_table(rng, n_rows, holes)
    model = VariationalAutoencoder(**options).fit(X, y)
    return Case(scrambled(model, rng), X, y)


# Linear models


@dataclass(frozen=True)
class Linear:
    """A linear model with weights by hand, and the normal distribution that it is.

    Loadings are orthogonal in the metric of the noise, so that the posterior is
    diagonal, as q(z|x) is.
    """

    model: VariationalAutoencoder
    X: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray
    posterior_scale: np.ndarray

    def law(self, columns=slice(None)):
        """The distribution of some columns."""
        covariance = self.covariance[columns][:, columns]
        return multivariate_normal(self.mean[columns], covariance)

    def conditional(self, row):
        """Mean and covariance of what is missing of a row, given the rest."""
        hidden = np.isnan(row)
        cross = self.covariance[hidden][:, ~hidden]
        weights = np.linalg.solve(self.covariance[~hidden][:, ~hidden], cross.T).T
        mean = self.mean[hidden] + weights @ (row - self.mean)[~hidden]
        return mean, self.covariance[hidden][:, hidden] - weights @ cross.T


def linear(seed, n_columns=4, n_latents=2, *, posterior="exact", n_rows=30):
    """A linear model and rows drawn from it.

    q(z|x) is the ``"exact"`` posterior where no cell is missing, ``"another"``, or as
    broad as the ``"prior"``.
    """
    rng = np.random.default_rng(seed)
    scale = rng.uniform(0.3, 1.0, n_columns)
    directions = np.linalg.qr(rng.normal(size=(n_columns, n_latents)))[0]
    strengths = rng.uniform(0.7, 2.5, n_latents)
    loadings = scale[:, None] * directions * strengths
    bias = rng.normal(size=n_columns)
    rows = rng.normal(size=(n_rows, n_latents)) @ loadings.T + bias
    rows += scale * rng.normal(size=rows.shape)
    units = 10.0 ** rng.integers(-1, 2, n_columns)
    shift = rng.normal(size=n_columns)
    X = rows * units + shift
    model = VariationalAutoencoder(
        n_latents,
        hidden_layer_sizes=(),
        likelihood="homoscedastic_gaussian",
        prior="normal",
        random_state=seed % 1000,
        **QUICK,
    ).fit(X)
    precision = 1.0 + strengths**2
    weights = (directions * strengths / precision).T / scale
    posterior_scale = 1.0 / np.sqrt(precision)
    if posterior == "prior":
        weights, posterior_scale = 0.0 * weights, np.ones(n_latents)
    elif posterior == "another":
        weights = weights + 0.1 * rng.normal(size=weights.shape)
        posterior_scale = posterior_scale * rng.uniform(1.0, 2.0, n_latents)
    raw = inverse_softplus(posterior_scale - LEAST_POSTERIOR_SCALE) - 0.5
    n_inputs = model.parameters_["encoder.0.weight"].shape[1]
    encoder = np.zeros((2 * n_latents, n_inputs))
    encoder[:n_latents, :n_columns] = weights
    model.parameters_ = {
        "columns.families.0.raw_scale": inverse_softplus(scale - LEAST_SCALE),
        "encoder.0.weight": encoder,
        "encoder.0.bias": np.concatenate([-weights @ bias, raw]),
        "decoder.0.weight": loadings,
        "decoder.0.bias": bias,
    }
    model._marginals_state = {**model._marginals_state, "shift": shift, "scale": units}
    covariance = loadings @ loadings.T + np.diag(scale**2)
    return Linear(
        model,
        X,
        shift + units * bias,
        covariance * np.outer(units, units),
        posterior_scale,
    )
