"""The main job: which mixture describes a table, by held-out likelihood and by BIC.

Computes and keeps results; words are in ``_text``, pictures in ``_pictures``.
"""

import warnings
from collections import Counter
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from ..display._selection import (
    COVARIANCE_TYPES,
    MixtureSelectionDisplay,
    criterion_values,
    search_scores,
)
from ..mixture import EMGaussianMixture
from ._delimited import TableError
from ._table import Table

MOST_ROWS_SEARCHED = 5_000
N_FOLDS = 5


@dataclass(frozen=True)
class Analysis:
    """A table with the mixture that was chosen for it.

    Attributes
    ----------
    table : Table
    model : Pipeline
        The chosen mixture behind a StandardScaler, fitted on all rows.
    held_out, bic : MixtureSelectionDisplay
        Mean held-out log-likelihood and BIC of every candidate; not drawn yet.
    fold_scores : dict of (str, int) to ndarray of shape (n_folds,)
        Held-out log-likelihood of each candidate on each fold.
    n_rows_searched : int
        Rows that the search saw.
    warned : dict of (str, str) to int
        How often fits warned: by kind and first words.
    chosen_warned : list of str
        What the fit of the chosen mixture warned of.
    seed : int
    """

    table: Table
    model: Pipeline
    held_out: MixtureSelectionDisplay
    bic: MixtureSelectionDisplay
    fold_scores: dict
    n_rows_searched: int
    warned: dict
    chosen_warned: list
    seed: int


def analyse(table, *, seed=0, progress=None):
    """Search the mixture that describes a table's rows best, and fit it.

    Every candidate is a Pipeline of StandardScaler and EMGaussianMixture; the search
    maximises the held-out log-likelihood over five shuffled folds. Equal rows share a
    fold: a copy among the training rows would make a held-out row look likely.

    Parameters
    ----------
    table : Table

    seed : int, default=0
        Seed of the folds, of the starts and of the subsample.

    progress : callable, default=None
        Called with a phrase, the fits done and the fits to do.

    Returns
    -------
    analysis : Analysis

    Raises
    ------
    TableError
        When no candidate could be fitted.

    Notes
    -----
    Above 5,000 rows the candidates are compared on a random 5,000 and the chosen one
    is then fitted on all.
    """
    progress = progress or (lambda phrase, done, total: None)
    rows = _rows_to_search(table.values, seed)
    grid = candidate_grid(*rows.shape)
    pipeline = Pipeline(
        [("scale", StandardScaler()), ("mixture", EMGaussianMixture(random_state=seed))]
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            search = _search(pipeline, rows, grid, seed, progress)
            bic = _bic(pipeline, rows, grid, progress)
            progress("fitting the chosen mixture to all rows", 0, 1)
            n_before = len(caught)
            model = pipeline.set_params(**search.best_params_).fit(table.values)
        except (ValueError, np.linalg.LinAlgError) as error:
            first_line = str(error).strip().split("\n")[0]
            raise TableError(
                f"no mixture could be fitted to {table.name}: {first_line}"
            ) from error
    progress("fitting the chosen mixture to all rows", 1, 1)
    return Analysis(
        table=table,
        model=model,
        held_out=MixtureSelectionDisplay(
            **{
                **search_scores(search),
                "criterion_name": "held-out log-likelihood, nats",
            }
        ),
        bic=bic,
        fold_scores=_fold_scores(search),
        n_rows_searched=len(rows),
        warned=_count_warnings(caught),
        chosen_warned=[str(warning.message) for warning in caught[n_before:]],
        seed=seed,
    )


def candidate_grid(n_rows, n_columns):
    """Numbers of components and covariance types to compare on a table.

    Parameters
    ----------
    n_rows, n_columns : int

    Returns
    -------
    grid : dict
        Parameters of the pipeline's step "mixture". A component needs rows: small
        tables get fewer, about 15 rows to each; large ones reach further in steps.
        A single column has no shapes to tell apart, only equal or different spreads.
    """
    if n_rows >= 1000:
        sizes = [1, 2, 3, 4, 5, 6, 8, 10, 12]
    else:
        sizes = list(range(1, int(np.clip(n_rows // 15, 2, 8)) + 1))
    covariance_types = COVARIANCE_TYPES if n_columns > 1 else ("full", "tied")
    return {
        "mixture__n_components": sizes,
        "mixture__covariance_type": list(covariance_types),
    }


def _rows_to_search(values, seed):
    if len(values) <= MOST_ROWS_SEARCHED:
        return values
    chosen = np.random.default_rng(seed).choice(
        len(values), MOST_ROWS_SEARCHED, replace=False
    )
    return values[np.sort(chosen)]


def _search(pipeline, rows, grid, seed, progress):
    """GridSearchCV by held-out log-likelihood, each score counted as progress."""
    n_fits = N_FOLDS * int(np.prod([len(values) for values in grid.values()]))
    done = 0

    def held_out_log_likelihood(model, held_out_rows, y=None):
        nonlocal done
        done += 1
        progress("comparing mixtures on held-out rows", done, n_fits)
        return model.score(held_out_rows)

    progress("comparing mixtures on held-out rows", 0, n_fits)
    return GridSearchCV(
        pipeline,
        grid,
        scoring=held_out_log_likelihood,
        cv=GroupKFold(N_FOLDS, shuffle=True, random_state=seed),
        refit=False,
    ).fit(rows, groups=np.unique(rows, axis=0, return_inverse=True)[1].ravel())


def _bic(pipeline, rows, grid, progress):
    """BIC of every candidate on all searched rows, as a display."""
    sizes, covariance_types = grid.values()
    n_fits = len(sizes) * len(covariance_types)
    values = []
    for done, covariance_type in enumerate(covariance_types):
        progress("BIC of each mixture", done * len(sizes), n_fits)
        values += list(
            criterion_values(
                pipeline,
                rows,
                n_components=sizes,
                covariance_types=[covariance_type],
            )
        )
    progress("BIC of each mixture", n_fits, n_fits)
    return MixtureSelectionDisplay(
        n_components=np.array(sizes),
        covariance_types=covariance_types,
        values=np.array(values),
    )


def _fold_scores(search):
    results = search.cv_results_
    folds = np.array([results[f"split{i}_test_score"] for i in range(N_FOLDS)])
    return {
        (chosen["mixture__covariance_type"], chosen["mixture__n_components"]): scores
        for chosen, scores in zip(results["params"], folds.T)
    }


def _count_warnings(caught):
    """How often each warning came, by its kind and the first words of the first."""
    counts = Counter(warning.category.__name__ for warning in caught)
    first = {}
    for warning in caught:
        words = " ".join(str(warning.message).split())
        first.setdefault(warning.category.__name__, words)
    return {(kind, first[kind]): count for kind, count in counts.items()}
