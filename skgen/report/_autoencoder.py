"""A second opinion on the table: a variational autoencoder, trained for a short while.

It is fitted to part of the rows and compared with the chosen mixture on the others.
torch is imported when that is done, and not before.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GroupShuffleSplit

# Fewer rows tell so many weights nothing.
LEAST_ROWS = 50

# Rows it sees at most, and steps of training: seconds, not minutes, on two cores.
MOST_ROWS = 5_000
N_STEPS = 600

HELD_OUT_FRACTION = 0.2
N_SYNTHETIC_ROWS = 1_000


@dataclass(frozen=True)
class SecondOpinion:
    """What a variational autoencoder makes of a table, or why there is none.

    Attributes
    ----------
    refusal : str or None
        Why there is none; everything below is None then.
    model : VariationalAutoencoder or None
        Fitted to the rows not held out.
    rows : ndarray of shape (n_rows_used,)
        Positions in the table of the rows used, sorted.
    n_rows_learnt : int
        How many of them were learnt from.
    scores, mixture_scores : ndarray of shape (n_rows_held_out,)
        Log-density of the rows held out, in nats, of standardised columns: bound of
        the autoencoder, and of the chosen kind of mixture fitted to the same rows.
    synthetic : ndarray of shape (n_synthetic_rows, n_columns)
        Rows drawn from the autoencoder, in the units of the table.
    """

    refusal: str | None = None
    model: object = None
    rows: np.ndarray | None = None
    n_rows_learnt: int | None = None
    scores: np.ndarray | None = None
    mixture_scores: np.ndarray | None = None
    synthetic: np.ndarray | None = None


def second_opinion(analysis, *, n_steps=N_STEPS, progress=None):
    """Fit a variational autoencoder to the table of an analysis.

    Parameters
    ----------
    analysis : Analysis

    n_steps : int, default=600
        About how many steps to train for. The default is a fraction of what the
        estimator takes by itself.

    progress : callable, default=None
        Called with a phrase, what is done and what there is to do.

    Returns
    -------
    opinion : SecondOpinion

    Notes
    -----
    A fifth of the rows is held out, equal rows together; above 5,000 rows a random
    5,000 are used. The mixture is fitted anew to the rows that the autoencoder learns
    from, with the number of components and the covariance type that were chosen.
    """
    values = analysis.table.values
    if len(values) < LEAST_ROWS:
        return SecondOpinion(
            refusal=f"A variational autoencoder needs {LEAST_ROWS} rows or more, and "
            f"the table has {len(values)}: none was fitted."
        )
    progress = progress or (lambda phrase, done, total: None)
    phrase = "training a variational autoencoder"
    progress(phrase, 0, 1)
    try:
        opinion = _opinion(analysis, n_steps)
    except (ValueError, np.linalg.LinAlgError) as error:
        first_line = str(error).strip().split("\n")[0]
        opinion = SecondOpinion(
            refusal=f"No variational autoencoder could be fitted: {first_line}"
        )
    progress(phrase, 1, 1)
    return opinion


def _opinion(analysis, n_steps):
    values, seed = analysis.table.values, analysis.seed
    rows = _rows_to_use(len(values), seed)
    learnt, held_out = _split(values[rows], seed)
    mixture = clone(analysis.model)
    autoencoder = _autoencoder(len(learnt), values.shape[1], n_steps, seed)
    with warnings.catch_warnings():
        # A posterior that collapsed is told of by the number of active dimensions.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", UserWarning)
        mixture.fit(learnt)
        autoencoder.fit(learnt)
    # The mixture's densities are of columns standardised; so shall the others be.
    jacobian = np.log(mixture[0].scale_).sum()
    return SecondOpinion(
        model=autoencoder,
        rows=rows,
        n_rows_learnt=len(learnt),
        scores=autoencoder.score_samples(held_out) + jacobian,
        mixture_scores=mixture.score_samples(held_out),
        synthetic=autoencoder.sample(min(N_SYNTHETIC_ROWS, len(rows))),
    )


def _rows_to_use(n_rows, seed):
    if n_rows <= MOST_ROWS:
        return np.arange(n_rows)
    chosen = np.random.default_rng(seed).choice(n_rows, MOST_ROWS, replace=False)
    return np.sort(chosen)


def _split(values, seed):
    """Rows to learn from and rows held out; no row of one equals one of the other."""
    groups = np.unique(values, axis=0, return_inverse=True)[1].ravel()
    split = GroupShuffleSplit(1, test_size=HELD_OUT_FRACTION, random_state=seed)
    learnt, held_out = next(split.split(values, groups=groups))
    return values[learnt], values[held_out]


def _autoencoder(n_rows, n_columns, n_steps, seed):
    """The estimator's defaults, cut short; no cell is missing, so none is hidden."""
    from ..autoencoder import VariationalAutoencoder

    batch_size = 64 if n_rows < 2000 else 128
    return VariationalAutoencoder(
        n_components=min(8, 2 * n_columns),
        masking_fraction=0.0,
        batch_size=batch_size,
        max_iter=max(1, round(n_steps * batch_size / n_rows)),
        device="cpu",
        random_state=seed,
    )
