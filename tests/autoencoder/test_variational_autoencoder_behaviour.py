"""Behaviour: tables as they come, conditions, bad input, networks of one's own."""

import warnings

import numpy as np
import pandas
import polars
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import t
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score
from sklearn.utils._param_validation import InvalidParameterError

from skgen import GenerativeImputer

from .tables import mixed_columns, rows, small, with_holes

pytestmark = pytest.mark.filterwarnings(
    "ignore:The posterior has collapsed:sklearn.exceptions.ConvergenceWarning"
)


def answers(model, X, y=None):
    """All that a fitted model says of rows of numbers, as arrays."""
    given = None if y is None else y[0]
    return [
        model.score_samples(X, y),
        *model.elbo(X, y),
        model.transform(X, y),
        model.reconstruct(X, y),
        model.impute(X, y),
        model.impute(X, y, n_draws=2),
        model.sample(5, y=given),
        *model.parameters_.values(),
    ]


def assert_all_finite(model, X, y=None):
    for array in answers(model, X, y):
        assert np.isfinite(np.asarray(array, dtype=float)).all()


def changed(X, i, j, value):
    X = X.copy()
    X[i, j] = value
    return X


# Mixed tables


def pandas_table(n=120, seed=0):
    table = pandas.DataFrame(mixed_columns(n, seed), index=range(1000, 1000 + n))
    table["colour"] = table["colour"].astype("category")
    table["nullable"] = table["integer"].astype("Int64")
    table["single"] = table["real"].astype("float32")
    return table


def polars_table(n=120, seed=0):
    table = polars.DataFrame(mixed_columns(n, seed))
    return table.with_columns(
        polars.col("colour").cast(polars.Categorical).alias("dye"),
        polars.col("integer").cast(polars.Int16).alias("short"),
    )


def with_holes_in(table, seed=0):
    """Holes in those columns whose dtype has a missing cell, none in the first."""
    random = np.random.default_rng(seed)
    if isinstance(table, polars.DataFrame):
        return table.with_columns(
            polars.when(polars.Series(random.random(len(table)) > 0.2)).then(
                polars.col(name)
            )
            for name in table.columns[1:]
        )
    table = table.copy()
    for name in ("colour", "nullable", "single"):
        table.loc[random.random(len(table)) < 0.2, name] = pandas.NA
    return table


def n_missing(table):
    if isinstance(table, polars.DataFrame):
        return sum(table.null_count().row(0))
    return int(table.isna().sum().sum())


def dtypes(table):
    return list(table.schema.values() if hasattr(table, "schema") else table.dtypes)


def is_missing(cell):
    return cell is None or cell is pandas.NA or cell != cell


TABLES = {"pandas": pandas_table, "polars": polars_table}


@pytest.fixture(scope="module", params=TABLES)
def mixed(request):
    """A table with holes and a model of it."""
    table = with_holes_in(TABLES[request.param]())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return small(max_iter=5).fit(table), table


def test_tables_that_come_back_have_the_dtypes_that_went_in(mixed):
    model, table = mixed
    latent = model.transform(table)
    for made in (
        model.sample(30),
        model.inverse_transform(latent),
        model.reconstruct(table),
        model.impute(table),
        *model.impute(table, n_draws=2),
    ):
        assert type(made) is type(table)
        assert list(made.columns) == list(table.columns)
        assert dtypes(made) == dtypes(table)
        assert n_missing(made) == 0


def test_reconstruction_is_the_inverse_of_the_transform(mixed):
    model, table = mixed
    one = model.reconstruct(table)
    other = model.inverse_transform(model.transform(table))
    for name, kind in zip(one.columns, model.likelihoods_):
        if kind == "categorical":
            assert one[name].to_list() == other[name].to_list()
        else:
            cells = (np.asarray(each[name], dtype=float) for each in (one, other))
            assert_allclose(*cells, rtol=1e-6)


def test_observed_cells_come_back_exactly(mixed):
    model, table = mixed
    assert n_missing(table) > 20
    for made in (model.impute(table), *model.impute(table, n_draws=2)):
        for name in table.columns:
            for before, after in zip(table[name].to_list(), made[name].to_list()):
                assert is_missing(before) or before == after


def test_index_of_a_data_frame_comes_back():
    table = with_holes_in(pandas_table())
    model = small().fit(table)
    assert model.impute(table).index.equals(table.index)
    assert model.reconstruct(table[:7]).index.equals(table.index[:7])


def test_columns_are_modelled_as_what_they_are(mixed):
    model, table = mixed
    kinds = dict(zip(table.columns, model.likelihoods_))
    assert kinds["real"] == "student_t"
    assert kinds["count"] == "negative_binomial"
    assert kinds["flag"] == "bernoulli"
    assert kinds["colour"] == "categorical"
    assert kinds["integer"] == "student_t"
    drawn = model.sample(50)
    assert set(drawn["colour"].to_list()) <= {"red", "green", "blue"}
    assert min(drawn["count"].to_list()) >= 0


def test_multiple_imputations_differ_where_nothing_was_observed():
    X = with_holes(rows())
    draws = small().fit(X).impute(X, n_draws=3)
    assert draws.shape == (3, 120, 4)
    assert_array_equal(draws[:, ~np.isnan(X)], np.stack(3 * [X[~np.isnan(X)]]))
    assert (np.ptp(draws, axis=0)[np.isnan(X)] > 0).all()


def test_table_without_holes_is_imputed_by_itself():
    X = rows()
    model = small().fit(X)
    assert_array_equal(model.impute(X), X)
    assert_array_equal(model.impute(X, n_draws=2), [X, X])


def test_columns_not_given_are_imputed_from_those_given():
    X = rows(400)
    X[:, 1] = X[:, 0] + 0.1 * np.random.default_rng(0).normal(size=400)
    model = small(max_iter=60).fit(X[:300])
    hidden = changed(X[300:], slice(None), [1, 2, 3], np.nan)
    error = model.impute(hidden)[:, 1] - X[300:, 1]
    assert np.square(error).mean() < 0.2 * X[300:, 1].var()


def test_array_of_strings_and_numbers_is_a_table_of_categories_and_numbers():
    X = np.empty((60, 2), dtype=object)
    X[:, 0], X[:, 1] = np.repeat(["a", "b"], 30), rows(60)[:, 0]
    X[3, 0], X[4, 1] = None, None
    model = small().fit(X)
    assert model.likelihoods_ == ["categorical", "student_t"]
    filled = model.impute(X)
    assert filled[3, 0] in ("a", "b")
    assert isinstance(filled[4, 1], float)
    assert_array_equal(filled[5:], X[5:])
    assert small().fit(X.tolist()).likelihoods_ == model.likelihoods_
    assert_allclose(model.score_samples(X.tolist()), model.score_samples(X))


# Rows with nothing observed, tables with next to nothing in them


@pytest.mark.parametrize("prior", ["mixture", "normal", "vamp"])
def test_row_of_nothing_has_probability_one(prior):
    X = changed(rows(), 0, slice(None), np.nan)
    model = small(prior=prior).fit(X)
    assert model.score_samples(X)[0] == 0.0
    bound = model.elbo(X)
    assert bound.reconstruction[0] == 0.0
    assert 0.0 <= bound.kl[0] == -bound.elbo[0]
    assert np.isfinite(model.impute(X)).all()
    assert np.isfinite(model.transform(X)).all()


def test_rows_of_nothing_are_not_learnt_from():
    X = rows()
    padded = np.vstack([X, np.full((30, 4), np.nan)])
    scores = [small().fit(table).score(X) for table in (X, padded)]
    assert scores[0] == scores[1]


def test_divergence_is_never_negative_and_bounds_are_in_order():
    X = with_holes(rows(), share=0.7)
    model = small(max_iter=1).fit(X)
    bound = model.elbo(X)
    assert (bound.kl >= 0).all()
    assert_allclose(bound.elbo, bound.reconstruction - bound.kl)
    assert (bound.elbo <= model.score_samples(X) + 1e-9).all()


def test_column_of_nothing_is_named():
    table = pandas.DataFrame(rows(), columns=list("abcd"))
    table["c"] = np.nan
    with pytest.raises(ValueError, match=r"Columns \['c'\] hold no cell .* drop them"):
        small().fit(table)


@pytest.mark.parametrize("make", [np.array, pandas.DataFrame, polars.DataFrame])
def test_one_row_is_too_few(make):
    with pytest.raises(ValueError, match=r"1 sample|2 rows are required"):
        small().fit(make(rows(1)))


@pytest.mark.parametrize("make", [np.array, pandas.DataFrame, polars.DataFrame])
def test_no_rows_are_refused(make):
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        small().fit(make(rows()[:0]))
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        small().fit(make(rows())).transform(make(rows()[:0]))


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_columns_of_one_name_are_named(method):
    table = pandas.DataFrame(rows(), columns=["a", "b", "a", "c"])
    with pytest.raises(ValueError, match=r"same name: \['a'\] .* Rename them"):
        getattr(small(), method)(table)


def test_no_columns_are_refused():
    with pytest.raises(ValueError, match=r"0 feature\(s\)"):
        small().fit(np.empty((5, 0)))
    with pytest.raises(ValueError, match=r"0 feature\(s\)|0 sample\(s\)"):
        small().fit(pandas.DataFrame(index=range(5)))


SCANTY = {
    "two rows": rows(2),
    "three rows": rows(3),
    "one column": rows()[:, :1],
    "two cells": rows(2)[:, :1],
    "constant column": changed(rows(), slice(None), 0, 3.0),
    "one cell in a column": changed(rows(), slice(1, None), 2, np.nan),
    "zeros and ones": (rows() > 0).astype(float),
}


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("case", SCANTY)
def test_scanty_table_is_modelled(case, early_stopping):
    X = SCANTY[case]
    assert_all_finite(small(early_stopping=early_stopping).fit(X), X)


@pytest.mark.parametrize(
    "X",
    [
        np.full((30, 3), 1e5),
        np.repeat(rows(1), 50, axis=0),
        np.zeros((40, 2), dtype=int),
    ],
    ids=["constant table", "one row many times", "counts of zero"],
)
def test_table_that_never_varies_is_refused(X):
    with pytest.raises(ValueError, match="Every column of X is constant"):
        small().fit(X)


def test_constant_column_stays_constant_and_is_scored_by_itself():
    X = changed(rows(), slice(None), 0, 3.0)
    model = small().fit(X)
    assert model.likelihoods_[0] == "constant"
    for made in (
        model.sample(20),
        model.reconstruct(X),
        model.inverse_transform([[0, 0]]),
    ):
        assert_array_equal(made[:, 0], 3.0)
    hidden = changed(X[:5], slice(None), 0, np.nan)
    assert_array_equal(model.impute(hidden)[:, 0], 3.0)
    apart = model.score_samples(X[:5]) - model.score_samples(hidden)
    assert_allclose(apart, t.logpdf(0.0, 3.0) - np.log(0.02 * 3.0))
    strange = model.score_samples(changed(X[:5], slice(None), 0, 4.0))
    assert np.all(strange < model.score_samples(X[:5]) - 8.0)


@pytest.mark.parametrize("far", [1e4, 1e8])
def test_a_cell_far_away_does_not_blur_its_column(far):
    X = rows(300)
    X[0, 0] = far
    model = small(max_iter=30).fit(X)
    assert np.median(np.abs(model.sample(300)[:, 0])) < 5.0
    assert model.score_samples(X)[0] < np.median(model.score_samples(X)) - 10.0


def test_batch_may_be_larger_than_the_table():
    assert_all_finite(small(batch_size=10_000).fit(rows(20)), rows(20))


def test_validation_fraction_that_leaves_no_row_is_refused():
    with pytest.raises(ValueError, match=r"leaves no row of 10 to learn from"):
        small(validation_fraction=0.99).fit(rows(10))


def test_ten_thousand_columns_take_no_square_of_their_number():
    X = np.random.default_rng(0).normal(size=(8, 10_000))
    model = small(max_iter=1).fit(X)
    assert np.isfinite(model.score_samples(X[:2])).all()
    assert model.sample(3).shape == (3, 10_000)
    filled = model.impute(changed(X[:1], 0, slice(5000), np.nan))
    assert np.isfinite(filled).all()


# Cells that are far, large or infinite

CONTINUOUS = ["student_t", "gaussian", "homoscedastic_gaussian", "unit_gaussian"]


@pytest.mark.parametrize("likelihood", CONTINUOUS)
@pytest.mark.parametrize("value", [1e30, -1e300])
def test_far_cell_is_learnt_from_and_scored(likelihood, value):
    far = changed(rows(), 0, 0, value)
    assert_all_finite(small(likelihood=likelihood).fit(far), far)
    model = small(likelihood=likelihood).fit(rows())
    assert_all_finite(model, far)
    holes = changed(far, slice(0, 3), 1, np.nan)
    assert_all_finite(model, holes)
    scores = model.score_samples(far)
    assert scores[0] < scores[1:].min()
    if value == 1e30:
        assert_all_finite(model, far.astype(np.float32))


@pytest.mark.parametrize("likelihood", ["poisson", "negative_binomial"])
def test_far_count_is_learnt_from_and_scored(likelihood):
    X = np.random.default_rng(0).poisson(3.0, size=(100, 2)).astype(float)
    far = changed(X, 0, 0, 1e30)
    assert np.isfinite(small(likelihood=likelihood).fit(far).score_samples(far)).all()
    scores = small(likelihood=likelihood).fit(X).score_samples(far)
    assert np.isfinite(scores).all()
    assert scores[0] < scores[1:].min()


def test_far_cell_of_a_column_with_spikes_scores_lower_the_further_it_is():
    X = np.round(1.5 * np.random.default_rng(0).normal(size=(400, 2)))
    model = small().fit(X)
    assert not model._plan().marginals.is_smooth(0)
    far = [[value, 0.0] for value in (1e1, 1e2, 1e3, 1e4, 1e8, 1e15)]
    scores = model.score_samples(far)
    assert (np.diff(scores) < 0).all()
    assert scores[-1] > -1000.0  # of a Student's t: linear in the logarithm
    assert_all_finite(model, np.array([[1e30, 0.0], [-1e300, np.nan]]))


@pytest.mark.parametrize("exponent", [-300, -30, 30, 300])
def test_unit_of_columns_only_moves_the_density(exponent):
    X, unit = rows(), 10.0**exponent
    model, scaled = small().fit(X), small().fit(X * unit)
    shift = 4 * exponent * np.log(10.0)
    assert_allclose(scaled.score_samples(X * unit), model.score_samples(X) - shift)
    assert_allclose(scaled.transform(X * unit), model.transform(X), atol=1e-6)
    assert_allclose(scaled.sample(5) / unit, model.sample(5), rtol=1e-6)


def test_columns_of_very_different_units_stand_side_by_side():
    X = rows() * np.array([1e-300, 1e-30, 1e30, 1e300])
    assert_all_finite(small().fit(X), X)


@pytest.mark.parametrize("make", [np.array, pandas.DataFrame, polars.DataFrame])
@pytest.mark.filterwarnings("ignore:X .* feature names, but")
def test_infinite_cells_are_refused(make):
    infinite = make(changed(rows(), 0, 0, np.inf))
    with pytest.raises(ValueError, match="infinity"):
        small().fit(infinite)
    model = small().fit(rows())
    for method in (model.score_samples, model.transform, model.impute):
        with pytest.raises(ValueError, match="infinity"):
            method(infinite)


# Cells and tables that were not expected


def test_category_not_seen_in_fit_is_named():
    table = pandas_table().drop(columns=["nullable", "single"])
    model = small().fit(table)
    other = table.assign(colour="pink")
    with pytest.raises(ValueError, match="'colour' holds the category 'pink'"):
        model.score_samples(other)


def test_number_that_a_column_cannot_hold_is_named():
    model = small().fit(pandas_table())
    with pytest.raises(ValueError, match="'count' is count and must hold counts"):
        model.score(pandas_table().assign(count=-1))


def test_wrong_width_is_told():
    model = small().fit(rows())
    for method in (model.score_samples, model.transform, model.impute, model.elbo):
        with pytest.raises(ValueError, match="X has 3 features, but"):
            method(rows()[:, :3])
    with pytest.raises(ValueError, match=r"X must have shape \(n_samples, 2\)"):
        model.inverse_transform(rows())
    with pytest.raises(ValueError, match="latent vectors are finite"):
        model.inverse_transform([[0.0, np.nan]])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.full(120, -1.0), "Negative values"),
        (np.zeros(120), "at least one non-zero"),
        (np.full(120, np.nan), "contains NaN"),
        (np.full(120, np.inf), "contains infinity"),
        (np.ones(3), r"shape == \(3,\), expected \(120,\)"),
    ],
    ids=["negative", "zero", "NaN", "infinite", "too few"],
)
def test_weights_that_make_no_sense_are_refused(weights, message):
    for method in (small().fit, small().partial_fit, small().fit(rows()).score):
        with pytest.raises(ValueError, match=message):
            method(rows(), sample_weight=weights)


def test_one_row_with_weight_is_too_few():
    weights = np.r_[1.0, np.zeros(119)]
    with pytest.raises(ValueError, match="At least 2 rows are required"):
        small().fit(rows(), sample_weight=weights)


@pytest.mark.parametrize("seed", range(3))
def test_weights_next_to_zero_break_nothing(seed):
    weights = np.r_[1.0, np.full(119, 1e-60)]
    model = small(random_state=seed).fit(rows(), sample_weight=weights)
    assert_all_finite(model, rows())


@pytest.mark.parametrize(
    "parameters",
    [
        {"n_components": 0},
        {"hidden_layer_sizes": (0,)},
        {"hidden_layer_sizes": (2.5,)},
        {"hidden_layer_sizes": "wide"},
        {"activation": "step"},
        {"likelihood": "cauchy"},
        {"likelihood": 3},
        {"categorical_features": [9]},
        {"prior": "flat"},
        {"beta": -1.0},
        {"beta": np.nan},
        {"n_importance_samples": 0},
        {"kl_warm_up": -1},
        {"free_bits": -1.0},
        {"masking_fraction": 1.5},
        {"learning_rate_init": 0.0},
        {"batch_size": 0},
        {"max_iter": 0},
        {"validation_fraction": 0.0},
        {"n_iter_no_change": 0},
        {"tol": -1.0},
        {"device": 3},
        {"random_state": "seed"},
        {"encoder": 3},
    ],
    ids=lambda parameters: "-".join(map(str, *parameters.items())),
)
def test_parameter_that_makes_no_sense_is_named(parameters):
    (name,) = parameters
    with pytest.raises((InvalidParameterError, ValueError), match=name):
        small(**parameters).fit(rows())


def test_free_bits_of_a_bound_that_has_none_are_refused():
    with pytest.raises(ValueError, match=r"free_bits .* n_importance_samples=1, got 5"):
        small(free_bits=0.1).fit(rows())


@pytest.mark.parametrize("prior", ["mixture", "vamp"])
def test_free_bits_without_a_closed_form_are_refused(prior):
    with pytest.raises(ValueError, match="free_bits needs prior='normal'"):
        small(free_bits=0.1, prior=prior, n_importance_samples=1).fit(rows())


@pytest.mark.parametrize("n_samples", [0, -1, 2.5, "many"])
def test_number_of_samples_must_be_one(n_samples):
    with pytest.raises(ValueError, match="n_samples"):
        small().fit(rows()).sample(n_samples)


@pytest.mark.parametrize("n_draws", [0, -1, 2.5])
def test_number_of_draws_must_be_one(n_draws):
    model = small().fit(rows())
    with pytest.raises(ValueError, match="n_draws must be"):
        model.impute(rows(), n_draws=n_draws)
    with pytest.raises(ValueError, match="n_importance_samples must be"):
        model.score_samples(rows(), n_importance_samples=n_draws)


@pytest.mark.parametrize(
    ("likelihood", "message"),
    [
        ({"hue": "gaussian"}, "names the column 'hue'"),
        ({9: "gaussian"}, "names the column 9"),
        ({"real": "cauchy"}, "likelihood of column 'real' is 'cauchy'"),
        ({"real": "categorical"}, "'categorical' of column 'real' needs categories"),
        ({"colour": "gaussian"}, "'gaussian' of column 'colour' needs numbers"),
        ({"real": "bernoulli"}, "'bernoulli' of column 'real' needs values 0 and 1"),
        ({"real": "poisson"}, "'poisson' of column 'real' needs whole numbers"),
        ("bernoulli", "'bernoulli' of column 'real' needs values 0 and 1"),
    ],
)
def test_likelihood_that_does_not_fit_its_column_is_named(likelihood, message):
    with pytest.raises(ValueError, match=message):
        small(likelihood=likelihood).fit(pandas_table())


def test_likelihood_by_column():
    likelihood = {"real": "gaussian", 1: "poisson", "integer": "auto"}
    model = small(likelihood=likelihood).fit(pandas.DataFrame(mixed_columns()))
    assert model.likelihoods_[:3] == ["gaussian", "poisson", "student_t"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_gpu_that_is_absent_is_told():
    with pytest.raises(ValueError, match="device='cuda' is not available"):
        small(device="cuda").fit(rows())
    model = small().fit(rows()).set_params(device="cuda")
    with pytest.raises(ValueError, match="device='cuda' is not available"):
        model.score_samples(rows())


@pytest.mark.parametrize("device", ["toaster", "meta", ""])
def test_device_that_torch_does_not_know_is_told(device):
    with pytest.raises(ValueError, match="is not available to torch here"):
        small(device=device).fit(rows())


# Conditions

NUMBERS = np.linspace(0.0, 1.0, 120)
LETTERS = np.repeat(["a", "b"], 60)
CONDITIONS = {
    "strings": (LETTERS, "a"),
    "list": (LETTERS.tolist(), "b"),
    "objects": (LETTERS.astype(object), "a"),
    "integers": (np.repeat([3, 7], 60), 3),
    "booleans": (np.repeat([True, False], 60), True),
    "numbers": (NUMBERS, 0.33),
    "series": (pandas.Series(LETTERS, index=range(5, 125)), "a"),
    "categories": (pandas.Series(LETTERS, dtype="category"), "a"),
    "nullable": (pandas.Series(np.repeat([3, 7], 60), dtype="Int64"), 3),
    "polars": (polars.Series(LETTERS.tolist()), "a"),
    "pandas table": (
        pandas.DataFrame({"k": LETTERS, "v": NUMBERS}),
        pandas.DataFrame({"k": ["a"], "v": [0.3]}),
    ),
    "polars table": (
        polars.DataFrame({"k": LETTERS, "v": NUMBERS}),
        polars.DataFrame({"k": ["a"], "v": [0.3]}),
    ),
    "columns of objects": (
        np.column_stack([LETTERS.astype(object), NUMBERS.astype(object)]),
        ["a", 0.3],
    ),
    "columns of integers": (np.column_stack([LETTERS == "a"] * 2).astype(int), [0, 0]),
}


@pytest.mark.parametrize("case", CONDITIONS)
def test_conditions_of_many_types(case):
    X, (y, one) = rows(), CONDITIONS[case]
    model = small(conditional=True).fit(X, y)
    assert np.isfinite(model.score_samples(X, y)).all()
    assert np.isfinite(model.impute(with_holes(X), y)).all()
    assert model.transform(X, y).shape == (120, 2)
    assert model.sample(4, y=one).shape == (4, 4)
    assert model.inverse_transform(np.zeros((3, 2)), one).shape == (3, 4)
    assert_array_equal(
        model.sample(120, y=y, random_state=0), model.sample(120, y=y, random_state=0)
    )


def test_several_columns_take_numbers_as_numbers_and_labels_as_labels():
    y = np.column_stack([LETTERS.astype(object), NUMBERS.astype(object)])
    model = small(conditional=True).fit(rows(), y)
    assert model._n_conditions == 2 + 1


@pytest.fixture(scope="module")
def shifted():
    """Two classes far from one another, and a model given the class."""
    X = rows(200) + 6.0 * (np.arange(200) % 2)[:, None]
    y = np.where(np.arange(200) % 2, "high", "low")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return small(conditional=True, max_iter=40).fit(X, y), X, y


def test_samples_follow_the_condition(shifted):
    model, _, _ = shifted
    high, low = (model.sample(200, y=y).mean() for y in ("high", "low"))
    assert high > 4.0
    assert low < 2.0
    each = model.sample(200, y=["high", "low"] * 100)
    assert each[::2].mean() > 4.0
    assert each[1::2].mean() < 2.0
    assert 1.5 < model.sample(400).mean() < 4.5


def test_without_conditions_scores_are_sums_over_their_frequencies(shifted):
    model, X, _ = shifted
    each = [model.score_samples(X, label) for label in ("high", "low")]
    assert_allclose(model.score_samples(X), np.logaddexp(*each) - np.log(2.0))
    bound = model.elbo(X)
    assert (bound.elbo <= model.score_samples(X) + 1e-9).all()
    assert (bound.kl >= 0).all()


def test_without_conditions_rows_are_reconstructed_by_their_likely_class(shifted):
    model, X, y = shifted
    given, guessed = model.reconstruct(X, y), model.reconstruct(X)
    assert np.abs(given - guessed).mean() < 0.5
    filled = model.impute(changed(X, slice(None), [1, 2, 3], np.nan))
    assert filled[y == "high"].mean() - filled[y == "low"].mean() > 3.0


def test_conditions_that_do_not_fit_are_told(shifted):
    model, X, _ = shifted
    with pytest.raises(ValueError, match="'y' holds the category 'odd'"):
        model.sample(3, y="odd")
    with pytest.raises(ValueError, match="'y' holds the category 'odd'"):
        model.score_samples(X, ["odd"] * 200)
    with pytest.raises(ValueError, match="y has 2 rows, but 3 are wanted"):
        model.sample(3, y=["high", "low"])
    with pytest.raises(ValueError, match="y is required"):
        model.inverse_transform(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="y contains missing values"):
        model.sample(1, y=[None])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y to be passed"),
        (LETTERS[:5], "inconsistent numbers of samples"),
        (np.where(NUMBERS > 0.5, np.nan, NUMBERS), "y contains NaN or infinity"),
        (np.where(NUMBERS > 0.5, np.inf, NUMBERS), "y contains NaN or infinity"),
        ([None] * 60 + ["a"] * 60, "y contains missing values"),
        (np.zeros((120, 2, 2)), "y must have shape"),
    ],
    ids=["None", "short", "NaN", "infinite", "missing", "three axes"],
)
def test_conditions_that_make_no_sense_are_refused_in_fit(y, message):
    with pytest.raises(ValueError, match=message):
        small(conditional=True).fit(rows(), y)


def test_too_many_kinds_of_conditions_are_not_summed_over():
    model = small(conditional=True).fit(rows(), NUMBERS)
    assert np.isfinite(model.score(rows(), NUMBERS))
    with pytest.raises(ValueError, match=r"more than 100 different rows .* give y"):
        model.score(rows())


def test_conditions_of_rows_left_out_are_left_out():
    X = changed(rows(), slice(0, 20), slice(None), np.nan)
    weights = np.r_[np.ones(100), np.zeros(20)]
    for y in (LETTERS, pandas.Series(LETTERS), polars.DataFrame({"k": LETTERS})):
        model = small(conditional=True).fit(X, y, sample_weight=weights)
        alone = small(conditional=True).fit(X[20:100], y[20:100])
        assert model.score(X, y) == alone.score(X, y)


# Conditions


def test_many_whole_numbers_given_are_warned_of_where_fit_is_called():
    X = rows(240)
    with pytest.warns(UserWarning, match="taken for labels") as caught:
        small(conditional=True).fit(X, np.arange(240) // 2)
    (warning,) = [w for w in caught if "labels" in str(w.message)]
    assert warning.filename == __file__


def test_a_row_of_a_label_and_a_number_is_given_to_all_samples():
    y = pandas.DataFrame({"a": np.arange(120) / 7, "c": [*"pq"] * 60})
    model = small(conditional=True).fit(rows(), y)
    assert model.sample(2, y=[[0.5, "p"]]).shape == (2, 4)


def test_an_imputer_of_a_model_given_quantities_tells_what_to_do():
    X = with_holes(rows())
    imputer = GenerativeImputer(small(conditional=True)).fit(X, rows()[:, 0])
    with pytest.raises(ValueError, match="with y among the columns of X"):
        imputer.transform(X)


# Correlation


def test_correlation_is_told_by_family_in_the_order_of_columns():
    X = rows(n_columns=5)
    X[:, 3] = X[:, 0] + 0.01 * X[:, 1]  # the second of the columns that are Gaussian
    families = {0: "gaussian", 3: "gaussian", 2: "unit_gaussian"}
    model = small(likelihood=families, max_iter=100).fit(X)
    assert set(model.correlation_) == {"gaussian", "student_t"}
    for matrix in model.correlation_.values():
        assert matrix.shape == (2, 2)
        assert_allclose(np.diag(matrix), 1.0, atol=1e-5)
        assert_allclose(matrix, matrix.T)
    assert model.correlation_["gaussian"][0, 1] > 0.5


@pytest.mark.parametrize(
    ("n_columns", "settings"),
    [(1, {}), (101, {}), (4, {"correlated": False}), (4, {"likelihood": "poisson"})],
    ids=["one", "many", "not asked", "counts"],
)
def test_no_matrix_tells_that_columns_are_not_correlated(n_columns, settings):
    X = rows(n_columns=n_columns)
    X = np.floor(np.abs(X)) if "likelihood" in settings else X
    assert small(max_iter=1, **settings).fit(X).correlation_ == {}


def test_a_hundred_columns_are_correlated():
    model = small(max_iter=1).partial_fit(rows(n_columns=100))
    assert model.correlation_["student_t"].shape == (100, 100)


# Families that were named


def counts(low, n=60, seed=0):
    """A column of a few integers from `low` on, beside one of numbers."""
    rng = np.random.default_rng(seed)
    return np.column_stack([low + np.arange(n) % 2, rng.normal(size=n)])


@pytest.mark.parametrize("family", ["poisson", "negative_binomial"])
@pytest.mark.parametrize("low", [0, 1])
def test_a_named_family_of_counts_takes_all_counts_and_nothing_else(family, low):
    model = small(likelihood={0: family}).fit(counts(low))
    assert np.isfinite(model.score_samples([[0, 0.0], [1, 0.0], [9, 0.0]])).all()
    for value in (-1.0, 1.5):
        with pytest.raises(ValueError, match="'x0' is count"):
            model.score_samples([[value, 0.0]])
    draws = model.sample(500)[:, 0]
    assert draws.max() > 1
    assert (draws >= 0).all()


@pytest.mark.parametrize("family", ["student_t", "gaussian", "unit_gaussian"])
def test_a_named_family_of_numbers_takes_all_numbers(family):
    model = small(likelihood=family).fit(counts(0))
    assert np.isfinite(model.score_samples([[-2.5, 0.0], [7.0, 0.0]])).all()
    assert model.impute([[-2.5, np.nan]])[0, 0] == -2.5


def test_a_named_bernoulli_column_takes_0_and_1_though_fit_saw_only_one():
    X = counts(0)
    X[:, 0] = 1.0
    model = small(likelihood={0: "bernoulli"}).fit(X)
    assert np.isfinite(model.score_samples([[0.0, 0.0], [1.0, 0.0]])).all()
    with pytest.raises(ValueError, match="'x0' is binary"):
        model.score_samples([[7.0, 0.0]])


def test_a_column_taken_for_bernoulli_refuses_other_values_with_the_remedy():
    model = small().fit(counts(0))
    with pytest.raises(ValueError, match="name another likelihood for the column"):
        model.score_samples([[2.0, 0.0]])


def test_a_named_count_is_scored_in_every_fold():
    table = pandas.DataFrame(counts(0)).astype({0: int}).set_axis(["k", "a"], axis=1)
    table.loc[59, "k"] = 2
    model = small(likelihood={"k": "negative_binomial"})
    assert np.isfinite(cross_val_score(model, table, cv=3)).all()


# Objectives


@pytest.mark.filterwarnings("default::sklearn.exceptions.ConvergenceWarning")
def test_collapse_is_counted_and_told():
    collapsing = {"beta": 100.0, "prior": "normal", "n_importance_samples": 1}
    with pytest.warns(ConvergenceWarning, match="posterior has collapsed.*free_bits"):
        model = small(max_iter=30, **collapsing).fit(rows())
    assert model.active_units_ == 0
    assert (model.latent_variances_ < 0.01).all()


def test_free_bits_keep_latents_in_use():
    settings = {
        "beta": 100.0,
        "prior": "normal",
        "n_importance_samples": 1,
        "max_iter": 60,
        "early_stopping": False,
    }
    divergence = [
        small(free_bits=free_bits, **settings).fit(rows()).elbo(rows()).kl.mean()
        for free_bits in (0.0, 0.5)
    ]
    assert divergence[0] < 0.1
    assert divergence[1] > 0.5


def test_free_bits_keep_every_latent_dimension_in_use():
    settings = {"beta": 4.0, "prior": "normal", "n_importance_samples": 1}
    model = small(n_components=4, free_bits=0.5, max_iter=100, **settings)
    assert model.fit(rows()).active_units_ == 4


@pytest.mark.parametrize("kl_warm_up", [1, 3, 10_000])
@pytest.mark.parametrize("max_iter", [1, 4])
def test_warm_up_ends_within_the_training(kl_warm_up, max_iter):
    model = small(kl_warm_up=kl_warm_up, max_iter=max_iter, beta=0.7)
    model.fit(rows())
    objective = model._objective(model._training_plan(108), False)
    weights = [objective.weight(epoch) for epoch in range(max_iter)]
    assert weights[-1] == 0.7
    assert (np.diff(weights) >= 0).all()
    if max_iter > 1:
        assert weights[0] < 0.7


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("rate", [1e2, 1e4, 1e6, 1e20])
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"early_stopping": False},
        {"likelihood": "gaussian", "prior": "vamp"},
        {"n_importance_samples": 1, "prior": "normal", "correlated": False},
    ],
    ids=lambda parameters: "-".join(map(str, parameters.values())) or "default",
)
def test_divergence_leaves_finite_weights_or_raises(rate, parameters):
    for method in ("fit", "partial_fit"):
        model = small(learning_rate_init=rate, max_iter=10, **parameters)
        try:
            getattr(model, method)(rows())
        except ValueError as error:
            assert "Training diverged at learning_rate_init" in str(error)  # noqa: PT017
            assert "Lower learning_rate_init" in str(error)  # noqa: PT017
        else:
            for array in model.parameters_.values():
                assert np.isfinite(array).all()


@pytest.mark.filterwarnings("default::sklearn.exceptions.ConvergenceWarning")
def test_divergence_is_told_before_it_is_tried_again():
    with (
        pytest.warns(ConvergenceWarning, match=r"diverged at .*=1e.06.* tenth of that"),
        pytest.raises(ValueError, match=r"diverged at .*=100000.* ten times this rate"),
    ):
        small(learning_rate_init=1e6).fit(rows())


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_second_run_after_one_that_diverged_is_used(monkeypatch):
    from skgen.autoencoder import _learning

    begun, ended = [], []

    class Count:
        def setup(self, estimator, context): ...
        def teardown(self, estimator, context): ...

        def on_fit_task_begin(self, estimator, context):
            begun.append((context.task_name, context.task_id))

        def on_fit_task_end(self, estimator, context):
            ended.append((context.task_name, context.task_id))

    train, rates = _learning.train, []

    def diverging_first(model, loss, n_rows, plan, generator, **others):
        rates.append(plan.learning_rate)
        if len(rates) == 1:
            watch = others["watch"]
            watch.begin()
            raise _learning.DivergedError("the loss is nan in epoch 1")
        return train(model, loss, n_rows, plan, generator, **others)

    monkeypatch.setattr(_learning, "train", diverging_first)
    model = small(learning_rate_init=0.01).set_callbacks(Count()).fit(rows())
    assert_allclose(rates, [0.01, 0.001])
    assert model.n_iter_ == 3
    assert sorted(begun) == sorted(ended)
    assert len(begun) == 1 + 1 + 3


def test_partial_fit_that_diverges_leaves_the_model_as_it_was():
    model = small().partial_fit(rows())
    before = model.score_samples(rows())
    model.set_params(learning_rate_init=1e20)
    with pytest.raises(ValueError, match="The model is as it was before this call"):
        model.partial_fit(rows())
    assert_array_equal(model.score_samples(rows()), before)


# Networks of one's own


def two_layers(n_inputs, n_outputs):
    return torch.nn.Sequential(
        torch.nn.Linear(n_inputs, 8), torch.nn.Tanh(), torch.nn.Linear(8, n_outputs)
    )


def test_makers_of_networks_are_called_with_numbers_of_inputs_and_outputs():
    model = small(encoder=two_layers, decoder=two_layers).fit(rows())
    assert_all_finite(model, rows())
    assert model.parameters_["encoder.network.0.weight"].shape == (8, 8)


def test_modules_are_copied_and_start_from_their_weights():
    module = torch.nn.Linear(2, 8)
    before = module.weight.detach().clone()
    model = small(decoder=module, learning_rate_init=1e-12).fit(rows())
    assert torch.equal(module.weight, before)
    assert_allclose(model.parameters_["decoder.network.weight"], before, atol=1e-6)


def test_modules_with_running_statistics_are_kept():
    def normalised(n_inputs, n_outputs):
        return torch.nn.Sequential(
            torch.nn.Linear(n_inputs, 8),
            torch.nn.BatchNorm1d(8),
            torch.nn.Linear(8, n_outputs),
        )

    X = rows()
    model = small(encoder=normalised, batch_size=32).fit(X)
    alone = model.score_samples(X[:1])
    assert_allclose(model.score_samples(X)[:1], alone)


@pytest.mark.parametrize("name", ["encoder", "decoder"])
def test_network_of_the_wrong_shape_is_named(name):
    def too_wide(n_inputs, n_outputs):
        return torch.nn.Linear(n_inputs, n_outputs + 1)

    with pytest.raises(ValueError, match=f"{name} must return shape"):
        small(**{name: too_wide}).fit(rows())
    with pytest.raises(ValueError, match=f"{name} must take inputs of shape"):
        small(**{name: torch.nn.Linear(77, 4)}).fit(rows())


def test_maker_that_makes_no_network_is_refused():
    with pytest.raises(TypeError, match=r"encoder must be a torch.nn.Module, or make"):
        small(encoder=lambda n_inputs, n_outputs: 3).fit(rows())
