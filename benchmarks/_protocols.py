"""The tables that benchmarks of autoencoders read, and the protocols they follow.

Nothing here fits a model. Without a folder of data only what scikit-learn brings
along is there.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn import datasets

NOISE = 0.02  # in standard deviations, so that no rounded column has infinite density


def tables(folder, names):
    """The tables of these names that there are, as arrays.

    Parameters
    ----------
    folder : path-like or None
        Where ``uci/wine_white.csv`` and others lie; None for scikit-learn's own.

    names : sequence of str
        Keys of `FILES` or `BUNDLED`.

    Returns
    -------
    tables : dict of str to ndarray of shape (n_samples, n_features)
        In the order of `names`; those for which data are missing are left out.
    """
    found = {}
    for name in names:
        if name in BUNDLED:
            found[name] = BUNDLED[name]().data
        elif folder is not None:
            file, settings = FILES[name]
            found[name] = pd.read_csv(Path(folder, file), **settings).to_numpy(float)
    return found


BUNDLED = {
    "breast_cancer": datasets.load_breast_cancer,
    "diabetes": datasets.load_diabetes,
    "iris": datasets.load_iris,
    "wine": datasets.load_wine,
}
FILES = {
    "concrete": ("uci/concrete.txt", {"sep": r"\s+", "header": None}),
    "wine_red": ("uci/wine_red.txt", {"sep": r"\s+", "header": None}),
    "wine_white": ("uci/wine_white.csv", {"sep": ";"}),
    # without quality, a grade from 3 to 9
    "wine_white_11": ("uci/wine_white.csv", {"sep": ";", "usecols": range(11)}),
}


def three_parts(table, seed):
    """The protocol of densities: 80 % train, 10 % validation, 10 % test.

    All are in units of the training rows' mean and standard deviation, and a little
    noise is added.

    Parameters
    ----------
    table : ndarray of shape (n_samples, n_features)
        The rows.

    seed : int
        Of the order of rows and of the noise.

    Returns
    -------
    train, validation, test : ndarray
        The parts.
    """
    rng = np.random.RandomState(seed)
    rows = table[rng.permutation(len(table))]
    ends = [int(0.8 * len(rows)), int(0.9 * len(rows))]
    train = rows[: ends[0]]
    rows = (rows - train.mean(axis=0)) / train.std(axis=0)
    rows = rows + NOISE * rng.randn(*rows.shape)
    return np.split(rows, ends)


def half_hidden(table, seed):
    """The protocol of imputation: standardised columns, half of the cells hidden.

    Parameters
    ----------
    table : ndarray of shape (n_samples, n_features)
        The rows.

    seed : int
        Of the choice of cells.

    Returns
    -------
    true : ndarray of shape (n_samples, n_features)
        The standardised table.

    seen : ndarray of shape (n_samples, n_features)
        The same with NaN where hidden.
    """
    true = (table - table.mean(axis=0)) / table.std(axis=0)
    hidden = np.random.RandomState(seed).choice(
        true.size, true.size // 2, replace=False
    )
    seen = true.copy()
    seen.flat[hidden] = np.nan
    return true, seen


def clustered(n_samples, n_features, seed=0):
    """A synthetic table: curved, ten clusters, correlated columns, standardised."""
    rng = np.random.RandomState(seed)
    latent = (
        rng.randn(n_samples, 5)
        + 2.0 * rng.randn(10, 5)[rng.randint(10, size=n_samples)]
    )
    bent = np.hstack([latent, np.tanh(latent @ rng.randn(5, 5))])
    rows = bent @ rng.randn(10, n_features) + rng.randn(n_samples, n_features)
    return (rows - rows.mean(axis=0)) / rows.std(axis=0)


def adult(folder):
    """The Adult table: categories as categories, whole numbers as whole numbers.

    "?" is a missing value.

    Parameters
    ----------
    folder : path-like
        Where ``uci/adult.csv`` lies.

    Returns
    -------
    table : DataFrame of shape (32561, 15)
        The rows; "income" is what one predicts.
    """
    table = pd.read_csv(
        Path(folder, "uci/adult.csv"), skipinitialspace=True, na_values="?"
    )
    words = table.columns[[not pd.api.types.is_numeric_dtype(t) for t in table.dtypes]]
    return table.astype(dict.fromkeys(words, "category"))


def binary_images(folder):
    """Static binarised MNIST, or scikit-learn's digits cut at half of the range.

    Parameters
    ----------
    folder : path-like or None
        Where ``mnist/binarised.npz`` lies.

    Returns
    -------
    train, validation, test : ndarray of shape (n, 784) or (n, 64) of 0.0 and 1.0
        The parts.
    """
    if folder is None:
        images = (datasets.load_digits().data > 7.5).astype(np.float32)
        images = images[np.random.RandomState(0).permutation(len(images))]
        return np.split(images, [1400, 1600])
    with np.load(Path(folder, "mnist/binarised.npz")) as parts:
        return [parts[name].astype(np.float32) for name in ("tr", "va", "te")]
