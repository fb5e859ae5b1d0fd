"""Tables and quick settings for tests of the variational autoencoder."""

import numpy as np

from skgen import VariationalAutoencoder


def small(**parameters):
    """An autoencoder that is fitted in a fraction of a second."""
    quick = {
        "n_components": 2,
        "hidden_layer_sizes": (16,),
        "max_iter": 3,
        "random_state": 0,
    }
    return VariationalAutoencoder(**{**quick, **parameters})


def rows(n=120, n_columns=4, seed=0):
    """Correlated columns that two hidden ones explain."""
    generator = np.random.default_rng(seed)
    loadings = np.random.default_rng(1).normal(size=(2, n_columns))
    X = generator.normal(size=(n, 2)) @ loadings
    return X + 0.3 * generator.normal(size=X.shape)


def with_holes(X, share=0.3, seed=0):
    """The rows with cells missing at random, none of them wholly."""
    holes = np.random.default_rng(seed).random(X.shape) < share
    holes[holes.all(axis=1), 0] = False
    return np.where(holes, np.nan, X)


def mixed_columns(n=120, seed=0):
    """Columns of five kinds, as a dict of arrays; every kind of cell occurs."""
    generator = np.random.default_rng(seed)
    return {
        "real": generator.normal(size=n),
        "count": generator.poisson(2.0, size=n),
        "integer": generator.integers(100, 200, size=n),
        "flag": generator.random(n) < 0.5,
        "colour": generator.choice(["blue", "green", "red"], size=n),
    }
