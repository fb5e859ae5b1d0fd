"""Families of columns, `skgen.autoencoder._reading`."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skgen.autoencoder._reading import (
    FAMILY_OF_KIND,
    KIND_OF_FAMILY,
    families_of,
    plan_columns,
)
from skgen.neural import FAMILIES
from skgen.tables import TableSchema


def table(n_rows=60, seed=0):
    """Columns of numbers, of 0 and 1, of categories and of counts."""
    rng = np.random.default_rng(seed)
    return np.column_stack(
        [
            rng.normal(size=n_rows),
            np.arange(n_rows) % 2,
            np.arange(n_rows) % 3,
            rng.poisson(4.0, n_rows) + 1e-9 * 0.0,
        ]
    )


def read(likelihood, X=None):
    X = table() if X is None else X
    schema = TableSchema.learn(X, categorical_features=[2])
    return schema, families_of(schema, likelihood, schema.encode(X))


def test_auto_goes_by_the_kinds_of_columns():
    schema, families = read("auto")
    kinds = {
        "numeric": "student_t",
        "binary": "bernoulli",
        "categorical": "categorical",
        "count": "negative_binomial",
    }
    assert list(families) == [kinds[kind] for kind in schema.kinds]
    assert families[:3] == ("student_t", "bernoulli", "categorical")


def test_one_name_is_for_all_columns_but_categories():
    assert read("gaussian")[1] == ("gaussian", "gaussian", "categorical", "gaussian")


def test_names_by_column_leave_the_others_to_auto():
    _, auto = read("auto")
    _, families = read({0: "gaussian", "x3": "poisson", 1: "auto"})
    assert families == ("gaussian", auto[1], "categorical", "poisson")


@pytest.mark.parametrize(
    ("likelihood", "message"),
    [
        ("bernoulli", "'bernoulli' of column 'x0' needs values 0 and 1"),
        ("poisson", "'poisson' of column 'x0' needs whole numbers from 0 on"),
        ("categorical", "'categorical' of column 'x0' needs categories"),
        ({2: "gaussian"}, "'gaussian' of column 'x2' needs numbers"),
        ({0: "cauchy"}, "column 0 is 'cauchy': choose 'auto' or one of"),
        ({7: "gaussian"}, "names the column 7, but X has"),
        ({"z": "gaussian"}, "names the column 'z', but X has"),
    ],
)
def test_a_family_that_does_not_fit_is_told(likelihood, message):
    with pytest.raises(ValueError, match=message):
        read(likelihood)


def test_every_family_has_a_kind_of_column():
    assert set(KIND_OF_FAMILY) == set(FAMILIES)
    assert {kind: KIND_OF_FAMILY[f] for kind, f in FAMILY_OF_KIND.items()} == {
        kind: kind for kind in FAMILY_OF_KIND
    }


def planned(X, likelihood="auto", weights=None):
    schema, families = read(likelihood, X)
    weights = np.ones(len(X)) if weights is None else weights
    return plan_columns(
        schema,
        families,
        schema.encode(X),
        weights,
        correlated=True,
        may_hide=bool(np.isnan(X).any()),
    )


def test_only_continuous_columns_are_mapped():
    X = table()
    X[0, 0] = np.nan
    plan = planned(X, {3: "poisson"})
    assert_array_equal(plan.marginals.shift[1:], 0.0)
    assert_array_equal(plan.marginals.scale[1:], 1.0)
    assert plan.sizes == (0, 0, 3, 0)
    cells, mask, _ = plan.standardise(X)
    assert_array_equal(cells[:, 1:], X[:, 1:])
    assert not mask[0, 0]
    assert_allclose(cells[1:, 0].mean(), 0.0, atol=1e-12)


def test_means_are_weighted_and_of_what_is_seen():
    X = table()
    X[:5, 3] = np.nan
    weights = np.random.default_rng(0).uniform(size=60)
    plan = planned(X, {3: "poisson"}, weights)
    assert_allclose(plan.means[3], np.average(X[5:, 3], weights=weights[5:]))


def test_unit_gaussians_are_standardised_only():
    rng = np.random.default_rng(0)
    X = table(2000)
    X[:, 0] = rng.integers(1, 6, 2000) * 0.5
    assert not planned(X, {3: "poisson"}).marginals.is_smooth(0)
    assert planned(X, {0: "unit_gaussian", 3: "poisson"}).marginals.is_smooth(0)
