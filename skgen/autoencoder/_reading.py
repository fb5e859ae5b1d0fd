"""From a table to what the model sees of it: families of columns, scores, masks."""

import numpy as np

from ..neural import CONSTANT, CONTINUOUS, FAMILIES, ColumnPlan, Marginals

# What "auto" makes of the kinds of columns that a table may have.
FAMILY_OF_KIND = {
    "numeric": "student_t",
    "binary": "bernoulli",
    "categorical": "categorical",
    "count": "negative_binomial",
}

# What a column of each family may hold, whatever `fit` has seen of it.
KIND_OF_FAMILY = {
    **{family: kind for kind, family in FAMILY_OF_KIND.items()},
    **dict.fromkeys(CONTINUOUS, "numeric"),
    "poisson": "count",
}

# Families of counts and what they ask of a column.
_OF_COUNTS = ("poisson", "negative_binomial")

# More columns than this are standardised only: spikes are not looked for.
MOST_CURVED = 300


def families_of(schema, likelihood, codes):
    """The family of each column.

    Parameters
    ----------
    schema : TableSchema
        What the columns are.

    likelihood : str or mapping
        'auto', the name of a family for all columns that are not categories, or names
        by column, the others being 'auto'.

    codes : ndarray of shape (n_samples, n_features)
        The table.

    Returns
    -------
    families : tuple of str
        Keys of `FAMILIES`.
    """
    families = [FAMILY_OF_KIND[kind] for kind in schema.kinds]
    for j, name in _named(schema, likelihood):
        if name != "auto":
            _check_fits(name, schema, j, codes[:, j])
            families[j] = name
    return tuple(families)


def _named(schema, likelihood):
    """Pairs of column and family named for it."""
    if isinstance(likelihood, str):
        columns = range(schema.n_features)
        if likelihood == "categorical":
            return [(j, likelihood) for j in columns]
        return [(j, likelihood) for j in columns if schema.kinds[j] != "categorical"]
    names = list(schema.names())
    pairs = []
    for key, name in likelihood.items():
        if name not in FAMILIES and name != "auto":
            raise ValueError(
                f"likelihood of column {key!r} is {name!r}: choose 'auto' or one of "
                f"{sorted(FAMILIES)}."
            )
        if key in names:
            pairs.append((names.index(key), name))
        elif isinstance(key, (int, np.integer)) and 0 <= key < len(names):
            pairs.append((int(key), name))
        else:
            raise ValueError(
                f"likelihood names the column {key!r}, but X has {names[:10]}: give "
                "names or numbers of columns of X."
            )
    return pairs


def _check_fits(name, schema, j, column):
    """Whether a family can describe a column."""
    seen = column[~np.isnan(column)]
    needed = None
    if (name == "categorical") != (schema.kinds[j] == "categorical"):
        needed = (
            "categories, named by categorical_features or by the column's dtype"
            if name == "categorical"
            else "numbers, but the column is one of categories"
        )
    elif name == "bernoulli" and not np.isin(seen, (0.0, 1.0)).all():
        needed = "values 0 and 1"
    elif name in _OF_COUNTS and not ((seen >= 0) & (seen == np.floor(seen))).all():
        needed = "whole numbers from 0 on"
    if needed is not None:
        raise ValueError(
            f"likelihood {name!r} of column {schema.names()[j]!r} needs {needed}: "
            "choose another likelihood for it."
        )


def plan_columns(schema, families, codes, weights, *, correlated, may_hide):
    """What each column is, and its map to normal scores.

    Parameters
    ----------
    schema : TableSchema
        What the columns are.

    families : tuple of str
        What `families_of` returned.

    codes : ndarray of shape (n_samples, n_features)
        The table; NaN where not observed.

    weights : ndarray of shape (n_samples,)
        Weights of the rows.

    correlated, may_hide : bool
        See `ColumnPlan`.

    Returns
    -------
    plan : ColumnPlan
        For the model.
    """
    continuous = np.array([family in CONTINUOUS for family in families])
    blank = np.where(continuous, codes, 0.0)
    curved = np.array([family == "student_t" for family in families])
    if curved.sum() > MOST_CURVED:
        curved[:] = False
    marginals = Marginals.learn(blank, weights, spikes=curved)
    families = tuple(
        CONSTANT if is_real and is_constant else family
        for family, is_real, is_constant in zip(
            families, continuous, marginals.constant
        )
    )
    if all(family == CONSTANT for family in families):
        raise ValueError(
            "Every column of X is constant, so that nothing can be learnt: give rows "
            "that differ."
        )
    means = np.array([_mean(column, weights) for column in codes.T])
    categories = schema.categories
    sizes = tuple(0 if each is None else len(each) for each in categories)
    return ColumnPlan(families, sizes, marginals, means, correlated, may_hide)


def _mean(column, weights):
    seen = ~np.isnan(column)
    scaled = column[seen] / max(1.0, np.abs(column[seen]).max())
    mean = np.average(scaled, weights=weights[seen])
    return mean * max(1.0, np.abs(column[seen]).max())
