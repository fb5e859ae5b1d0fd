r"""Divergences of two samples by a classifier that tells them apart.

The odds that a row x comes from X are (n / m) p(x) / q(x): whoever knows them knows
the ratio of densities. Each reading takes log-ratios at the rows of X and of Y, found
without these rows, and averages them into an estimate of a divergence.
"""

import numpy as np
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from ._functionals import LOG_2
from ._randomness import LARGEST_SEED

#: So many rows of each sample are worth one coefficient of the default classifier.
ROWS_PER_COEFFICIENT = 10


def default_classifier(n_rows, d):
    """Logistic regression on products of columns, or on columns where rows are few.

    The log-ratio of any two Gaussian densities is a polynomial of degree 2.

    Parameters
    ----------
    n_rows : int
        Rows of the smaller sample.

    d : int
        Columns.
    """
    enough = n_rows >= ROWS_PER_COEFFICIENT * d * (d + 3) // 2
    return make_pipeline(
        StandardScaler(),
        PolynomialFeatures(2 if enough else 1, include_bias=False),
        LogisticRegression(max_iter=1000),
    )


def held_out_log_ratios(X, Y, classifier, cv, rng):
    r"""Estimates of log p / q at each row, by classifiers that have not seen the row.

    Probabilities are kept 1 / (n + m) away from 0 and 1: no number of rows like
    these can bear out more certainty.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Sample of p.

    Y : ndarray of shape (m, d)
        Sample of q.

    classifier : estimator or None
        Is cloned; None takes `default_classifier`.

    cv : int
        Number of folds.

    rng : RandomState
        Deals folds, and seeds for those parts of the classifier that have none.

    Returns
    -------
    at_X : ndarray of shape (n,)
        Log-ratios at the rows of X.

    at_Y : ndarray of shape (m,)
        Log-ratios at the rows of Y.
    """
    n, m = len(X), len(Y)
    if classifier is None:
        classifier = default_classifier(min(n, m), X.shape[1])
    rows, is_from_X = np.concatenate([X, Y]), np.repeat([1, 0], [n, m])
    folds = StratifiedKFold(cv, shuffle=True, random_state=rng)
    log_ratios = np.empty(n + m)
    for train, test in folds.split(rows, is_from_X):
        judge = seeded(clone(classifier), rng).fit(rows[train], is_from_X[train])
        share = np.mean(is_from_X[train])
        log_odds = held_out_log_odds(judge, rows[test], 1.0 / (n + m))
        log_ratios[test] = log_odds - np.log(share / (1.0 - share))
    return log_ratios[:n], log_ratios[n:]


def held_out_log_odds(judge, rows, margin):
    """Log-odds of class 1, its probability kept off 0 and 1."""
    probabilities = judge.predict_proba(rows)[:, list(judge.classes_).index(1)]
    probabilities = np.clip(probabilities, margin, 1.0 - margin)
    return np.log(probabilities / (1.0 - probabilities))


def seeded(classifier, rng):
    """The classifier, with a seed in each place where it has none."""
    seeds = {
        name: rng.randint(LARGEST_SEED)
        for name, value in sorted(classifier.get_params().items())
        if name.split("__")[-1] == "random_state" and value is None
    }
    return classifier.set_params(**seeds)


def plug_in(at_X, at_Y):
    r""":math:`E_p[T]`, which is D(p ‖ q) where T is the log-ratio."""
    return at_X.mean()


def donsker_varadhan(at_X, at_Y):
    r""":math:`E_p[T] - \log E_q[e^T] \le D(p \| q)` (Donsker & Varadhan 1983)."""
    return at_X.mean() - (logsumexp(at_Y) - np.log(len(at_Y)))


def nguyen_wainwright_jordan(at_X, at_Y):
    r""":math:`E_p[T] - E_q[e^T] + 1 \le D(p \| q)` (Nguyen et al. 2010)."""
    return at_X.mean() - np.exp(at_Y).mean() + 1.0


def balanced_log_loss(at_X, at_Y):
    r"""log 2 less the log loss of a classifier to whom both samples weigh the same.

    :math:`\log 2 - \frac12 E_p[\log(1 + e^{-T})] - \frac12 E_q[\log(1 + e^T)]`, at
    most the Jensen-Shannon divergence.
    """
    loss_at_X = np.logaddexp(0.0, -at_X).mean()
    loss_at_Y = np.logaddexp(0.0, at_Y).mean()
    return LOG_2 - 0.5 * loss_at_X - 0.5 * loss_at_Y


def resampled(at_X, at_Y, reading, n_replicates, rng):
    """A reading of log-ratios drawn with replacement, again and again.

    Returns
    -------
    replicates : ndarray of shape (n_replicates,)
        One for each draw.
    """
    return np.array(
        [
            reading(*(T[rng.randint(len(T), size=len(T))] for T in (at_X, at_Y)))
            for _ in range(n_replicates)
        ]
    )
