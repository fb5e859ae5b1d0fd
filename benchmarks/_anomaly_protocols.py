"""Sets with labelled anomalies, the two protocols, and the detectors of other packages.

Nothing here knows our detector. Without a folder of data the sets are made of what
scikit-learn brings along; detectors of packages that are not installed are left out.
"""

import csv
import importlib
import warnings
from functools import partial
from pathlib import Path

import numpy as np
from _protocols import clustered
from sklearn import datasets
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import IsolationForest
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import train_test_split
from sklearn.neighbors import LocalOutlierFactor
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

PROTOCOLS = ("transductive", "oneclass")
MOST_ROWS = 10_000
FEW_ROWS = 2500  # sets of fewer rows have three seeds
ADBENCH = (
    "Cardiotocography",
    "Ionosphere",
    "PageBlocks",
    "SpamBase",
    "WBC",
    "WPBC",
    "Wilt",
    "breastw",
    "fault",
    "landsat",
    "magic.gamma",
    "musk",
    "pendigits",
    "satimage-2",
    "thyroid",
    "vowels",
    "yeast",
)
UNPUBLISHED = ("cover",)  # of the same collection, but `peers.csv` has no numbers of it
SMALL = ("WBC", "WPBC", "Ionosphere", "vowels")


def labelled_sets(folder, *, full=True):
    """Sets of rows with labels, 1 for anomalies.

    Parameters
    ----------
    folder : path-like or None
        Where ``adbench/WBC.npz`` and others lie; None for scikit-learn's own.

    full : bool, default=True
        Whether all sets of the folder are wanted, or a few small ones.

    Yields
    ------
    name : str
        The name.

    X : ndarray of shape (n_samples, n_features)
        At most `MOST_ROWS` rows.

    y : ndarray of shape (n_samples,) of int
        The labels.
    """
    if folder is None:
        for name, make in BUNDLED.items():
            yield name, *make()
        return
    for name in ADBENCH + UNPUBLISHED if full else SMALL:
        with np.load(Path(folder, "adbench", f"{name}.npz")) as arrays:
            X, y = arrays["X"].astype(np.float64), arrays["y"].astype(int)
        if len(X) > MOST_ROWS:
            X, _, y, _ = train_test_split(
                X, y, train_size=MOST_ROWS, stratify=y, random_state=0
            )
        yield name, X, y


def some_anomalies(X, y, n_anomalies):
    """All normal rows, and the first of the anomalies in a shuffled order."""
    strange = np.random.RandomState(0).permutation(np.flatnonzero(y == 1))
    kept = np.concatenate([np.flatnonzero(y == 0), strange[:n_anomalies]])
    return X[kept], y[kept]


def _cancer():
    X, benign = datasets.load_breast_cancer(return_X_y=True)
    return some_anomalies(X, 1 - benign, 20)


def _wine():
    X, cultivar = datasets.load_wine(return_X_y=True)
    return some_anomalies(X, (cultivar == 2).astype(int), 10)


def _digits():
    X, digit = datasets.load_digits(return_X_y=True)
    chosen = np.isin(digit, (3, 8))
    return some_anomalies(X[chosen], (digit[chosen] == 8).astype(int), 15)


def _synthetic():
    """A curved table; anomalies have some of their columns from other rows."""
    X, y = clustered(2000, 12), np.repeat([0, 1], [1900, 100])
    X[y == 1, :4] = np.roll(X[y == 1, :4], 1, axis=0)
    return X, y


BUNDLED = {
    "breast_cancer": _cancer,
    "wine": _wine,
    "digits 3, 8": _digits,
    "synthetic": _synthetic,
}


def splits(X, y, protocol, *, most_seeds=3):
    """Rows to fit on, and rows to score with their labels, standardised.

    "transductive" fits on all rows and scores the same; "oneclass" fits on half of the
    normal rows and scores the other half and all anomalies.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Rows.

    y : ndarray of shape (n_samples,)
        1 for anomalies.

    protocol : {"transductive", "oneclass"}
        What is fitted and scored.

    most_seeds : int, default=3
        Most repetitions; sets of `FEW_ROWS` rows or more have one.

    Yields
    ------
    seed : int
        From 0 on.

    train, test : ndarray
        The rows; the same array in the transductive protocol.

    labels : ndarray
        Those of `test`.
    """
    for seed in range(most_seeds if len(X) < FEW_ROWS else 1):
        if protocol == "transductive":
            rows = StandardScaler().fit_transform(X)
            yield seed, rows, rows, y
            continue
        train, test, labels = half_of_inliers(X, y, seed)
        scaler = StandardScaler().fit(train)
        yield seed, scaler.transform(train), scaler.transform(test), labels


def half_of_inliers(X, y, seed):
    """Half of the normal rows; the other half with all anomalies, and their labels."""
    inliers = np.flatnonzero(y == 0)
    np.random.RandomState(seed).shuffle(inliers)
    half = len(inliers) // 2
    others = np.concatenate([inliers[half:], np.flatnonzero(y == 1)])
    return X[inliers[:half]], X[others], y[others]


def peers():
    """Detectors of scikit-learn, and of PyOD where it is installed.

    Returns
    -------
    detectors : dict of str to callable
        ``detect(train, test, seed)`` fits and returns scores, high for anomalies.

    missing : list of str
        Those that could not be imported.
    """
    detectors, missing = dict(SCIKIT_LEARN), []
    for name, module in PYOD.items():
        try:
            kind = getattr(importlib.import_module(module), name)
        except ImportError:
            missing.append(f"PyOD.{name}")
        else:
            detectors[f"PyOD.{name}"] = partial(_pyod, kind)
    quiet = {name: partial(_quietly, detect) for name, detect in detectors.items()}
    return quiet, missing


def _quietly(detect, train, test, seed):
    """Scores, without warnings of duplicates or singular matrices."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return detect(train, test, seed)


def _isolation_forest(train, test, seed):
    return -IsolationForest(random_state=seed).fit(train).score_samples(test)


def _local_outlier_factor(train, test, seed):
    if test is train:  # a row is not its own neighbour
        return -LocalOutlierFactor().fit(train).negative_outlier_factor_
    return -LocalOutlierFactor(novelty=True).fit(train).score_samples(test)


def _elliptic_envelope(train, test, seed):
    return -EllipticEnvelope(random_state=seed).fit(train).score_samples(test)


def _one_class_svm(train, test, seed):
    return -OneClassSVM().fit(train).score_samples(test)


def _mixture_by_bic(train, test, seed):
    mixtures = [
        GaussianMixture(n_components, reg_covar=1e-3, random_state=seed).fit(train)
        for n_components in BIC_SIZES
    ]
    best = min(mixtures, key=lambda mixture: mixture.bic(train))
    return -best.score_samples(test)


def _pyod(kind, train, test, seed):
    detector = kind().fit(train)
    if test is train:
        return detector.decision_scores_
    return detector.decision_function(test)


BIC_SIZES = range(1, 9)
SCIKIT_LEARN = {
    "IsolationForest": _isolation_forest,
    "LOF": _local_outlier_factor,
    "EllipticEnvelope": _elliptic_envelope,
    "OneClassSVM": _one_class_svm,
    "GaussianMixture(BIC,full)": _mixture_by_bic,
}
PYOD = {
    "KNN": "pyod.models.knn",
    "ECOD": "pyod.models.ecod",
    "COPOD": "pyod.models.copod",
    "GMM": "pyod.models.gmm",
}


def published(folder):
    """What ``adbench/peers.csv`` has, by set, protocol and detector.

    Parameters
    ----------
    folder : path-like or None
        The folder of data.

    Returns
    -------
    figures : dict of tuple to tuple of two floats
        AUROC and average precision; empty where there is no such file.
    """
    file = Path(folder or "", "adbench", "peers.csv")
    if folder is None or not file.exists():
        return {}
    with open(file, newline="", encoding="utf-8") as lines:
        return {
            (row["dataset"], row["protocol"], row["algorithm"]): (
                float(row["auroc"]),
                float(row["ap"]),
            )
            for row in csv.DictReader(lines)
        }
