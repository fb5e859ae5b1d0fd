"""`GaussianMixtureEnsemble`: a mean of mixtures, which is a mixture like any other."""

import pickle

import numpy as np
import pandas
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpydoc.validate import validate
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks
from strategies import overlapping

from skgen import EMGaussianMixture
from skgen.mixture import GaussianMixtureEnsemble


def ensemble(*sizes, **parameters):
    parameters = {"random_state": 0, **parameters}
    if sizes:
        parameters["n_components"] = sizes
    return GaussianMixtureEnsemble(**parameters)


def holed(n=200, d=3, share=0.3, seed=0, dtype=np.float64):
    X = overlapping(n, d, 3, seed)[0].astype(dtype)
    X[np.random.default_rng(seed).random(X.shape) < share] = np.nan
    return X


# Contract


# k-means, which starts more than one component, is itself not equivariant to weights.
NOT_OF_KMEANS = {
    "check_sample_weight_equivalence_on_dense_data": "scikit-learn's KMeans starts it",
}


@pytest.mark.filterwarnings("ignore:X .* feature names, but")
@parametrize_with_checks(
    [
        GaussianMixtureEnsemble(),
        GaussianMixtureEnsemble((2, 3), shrinkage=1.0, rows_per_component=1),
    ],
    expected_failed_checks=lambda ensemble: (
        {} if ensemble.rows_per_component is None else NOT_OF_KMEANS
    ),
)
def test_passes_scikit_learns_check(estimator, check):
    check(estimator)


@pytest.mark.parametrize("method", ["", ".fit"])
def test_docstring_names_and_describes_every_parameter(method):
    not_asked = {"RT02", "GL01", "GL02", "ES01", "SA01", "EX01"}
    errors = validate(f"skgen.mixture.GaussianMixtureEnsemble{method}")["errors"]
    assert [error for error in errors if error[0] not in not_asked] == []


def test_docstring_lists_every_fitted_attribute():
    fitted = ensemble(1).fit(pandas.DataFrame(holed(), columns=["a", "b", "c"]))
    for name in vars(fitted):
        if name.endswith("_") and not name.startswith("_"):
            assert name in GaussianMixtureEnsemble.__doc__, name


# Laws


def test_it_is_the_mean_of_mixtures_of_its_sizes():
    X = holed()
    fitted = ensemble(1, 2, 5).fit(X)
    assert_array_equal(fitted.n_components_, [1, 2, 5])
    assert fitted.means_.shape == (8, 3)
    assert fitted.covariances_.shape == (8, 3, 3)
    for part in np.split(fitted.weights_, [1, 3]):
        assert part.sum() == pytest.approx(1 / 3)
    parts = [
        EMGaussianMixture.from_parameters(3.0 * weights, means, covariances)
        for weights, means, covariances in zip(
            np.split(fitted.weights_, [1, 3]),
            np.split(fitted.means_, [1, 3]),
            np.split(fitted.covariances_, [1, 3]),
        )
    ]
    densities = [part.score_samples(X) for part in parts]
    expected = logsumexp(densities, axis=0) - np.log(3)
    assert_allclose(fitted.score_samples(X), expected, rtol=1e-10, atol=1e-12)


def test_one_size_without_shrinkage_is_what_em_finds():
    X = overlapping(d=3)[0]
    fitted = ensemble(1, shrinkage=0.0, reg_covar=0.0).fit(X)
    assert_allclose(fitted.means_[0], X.mean(axis=0), atol=1e-12)
    assert_allclose(fitted.covariances_[0], np.cov(X.T, bias=True))


def test_filled_cells_are_the_means_of_what_the_mixtures_fill_in():
    """Weighted by the densities of the observed cells."""
    X = holed()[:20]
    fitted = ensemble(1, 3).fit(holed())
    one, other = (
        EMGaussianMixture.from_parameters(
            2.0 * fitted.weights_[part],
            fitted.means_[part],
            fitted.covariances_[part],
        )
        for part in (slice(0, 1), slice(1, 4))
    )
    log_odds = one.score_samples(X) - other.score_samples(X)
    share = (1.0 / (1.0 + np.exp(-log_odds)))[:, None]
    expected = share * one.impute(X) + (1.0 - share) * other.impute(X)
    assert_allclose(fitted.impute(X), expected, rtol=1e-8, atol=1e-8)


def test_covariances_have_the_ridge_at_least():
    X = np.c_[holed(d=2), np.zeros(200)]
    fitted = ensemble(1, 4, reg_covar=0.01).fit(X)
    assert (fitted.covariances_[:, 2, 2] >= 0.01 - 1e-12).all()
    assert np.isfinite(fitted.score_samples(X)).all()


def test_more_shrinkage_makes_covariances_more_alike():
    X = holed()
    spreads = []
    for shrinkage in (0.0, 10.0, 1e6):
        variances = ensemble(4, shrinkage=shrinkage).fit(X)._covariance_matrices()
        spreads.append(np.ptp(variances, axis=0).max())
    assert spreads[0] > spreads[1] > spreads[2]
    assert spreads[2] < 1e-3


def test_units_and_offsets_of_columns_do_not_matter():
    X, scale = holed(), np.array([1e-6, 1.0, 1e5])
    offset = np.array([0.0, 10.0, 1e7])
    filled = ensemble().fit(X).impute(X)
    again = ensemble().fit(X * scale + offset).impute(X * scale + offset)
    assert_allclose((again - offset) / scale, filled, rtol=1e-4, atol=1e-4)


def test_weight_of_a_row_is_how_often_it_is_there():
    X = overlapping(150, 3, 3, 0)[0]
    weights = np.random.default_rng(0).integers(0, 3, len(X))
    one = ensemble(1, rows_per_component=1).fit(X, sample_weight=weights)
    other = ensemble(1, rows_per_component=1).fit(np.repeat(X, weights, axis=0))
    assert_allclose(one.means_, other.means_, atol=1e-8)
    assert_allclose(one.covariances_, other.covariances_, atol=1e-8)


def test_weights_multiplied_are_the_same_weights():
    X = holed()
    weights = np.random.default_rng(0).uniform(0.5, 2.0, len(X))
    one = ensemble(1, 3, shrinkage=0.0).fit(X, sample_weight=weights)
    other = ensemble(1, 3, shrinkage=0.0).fit(X, sample_weight=8.0 * weights)
    assert_allclose(one.score_samples(X), other.score_samples(X), rtol=1e-6, atol=1e-6)


# Sizes


@pytest.mark.parametrize(
    ("n", "expected"),
    [
        (20, [1]),
        (29, [1]),
        (30, [1, 2]),
        (75, [1, 2, 3, 5]),
        (200, [1, 2, 3, 5, 8, 12]),
    ],
)
def test_sizes_are_those_for_which_there_are_rows_enough(n, expected):
    fitted = ensemble().fit(overlapping(n, 3, 3, 0)[0])
    assert_array_equal(fitted.n_components_, expected)


@pytest.mark.parametrize(
    ("rows_per_component", "expected"), [(1, [2, 4, 50]), (20, [2, 4]), (1000, [2])]
)
def test_rows_per_component_sets_how_many_are_enough(rows_per_component, expected):
    fitted = ensemble(50, 2, 4, 4, rows_per_component=rows_per_component)
    fitted.fit(overlapping(100, 2, 3, 0)[0])
    assert_array_equal(fitted.n_components_, expected)


def test_smallest_size_is_always_fitted():
    assert_array_equal(ensemble(7, 9).fit(holed(20)).n_components_, [7])


def test_single_size_needs_no_sequence():
    one, other = ensemble(n_components=3).fit(holed()), ensemble(3).fit(holed())
    assert_array_equal(one.n_components_, [3])
    assert_array_equal(one.means_, other.means_)


@pytest.mark.parametrize("sizes", [(), (0, 1), (-1,), (1.5,), ("a",), 2.5, 0])
def test_sizes_that_are_none_are_refused(sizes):
    with pytest.raises(ValueError, match="n_components"):
        ensemble(n_components=sizes).fit(holed())


def test_smallest_size_larger_than_the_table_is_refused():
    message = "Expected n_samples >= n_components but got n_components = 9, n_samples ="
    with pytest.raises(ValueError, match=message):
        ensemble(9, 20).fit(holed(8))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rows_per_component", 0),
        ("shrinkage", -1.0),
        ("reg_covar", -1.0),
        ("max_iter", 0),
        ("random_state", "seed"),
    ],
)
def test_parameters_out_of_range_are_refused(name, value):
    with pytest.raises(ValueError, match=f"'{name}' parameter of GaussianMixtureEns"):
        ensemble(**{name: value}).fit(holed())


# Behaviour


def test_seed_determines_the_result():
    X = holed()
    one, other = ensemble().fit(X), ensemble().fit(X)
    assert_array_equal(one.means_, other.means_)
    assert_array_equal(one.impute(X, n_draws=2), other.impute(X, n_draws=2))
    different = ensemble(random_state=1).fit(X)
    assert not np.array_equal(one.means_, different.means_)


def test_global_generator_is_left_alone():
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    ensemble(random_state=None).fit(holed())
    assert_array_equal(np.random.get_state()[1], before)


TINY = {
    "2 rows": [[0.0, 1.0], [1.0, 3.0]],
    "2 rows with holes": [[0.0, np.nan], [np.nan, 3.0]],
    "1 column": [[0.0], [1.0], [np.nan], [4.0]],
    "duplicates": [[1.0, 2.0]] * 30,
    "duplicates with holes": [[1.0, np.nan], [1.0, 2.0], [np.nan, 2.0]] * 20,
    "constant column": [[5.0, float(i % 7)] for i in range(40)],
    "empty row": [[np.nan, np.nan], [0.0, 1.0], [1.0, 0.5], [2.0, 2.0]],
}


@pytest.mark.parametrize("X", TINY.values(), ids=TINY)
def test_tiny_tables_are_fitted(X):
    fitted = ensemble().fit(X)
    assert np.isfinite(fitted.score_samples(X)).all()
    assert np.isfinite(fitted.impute(X)).all()
    assert np.isfinite(fitted.impute(X, n_draws=2)).all()
    assert fitted.weights_.sum() == pytest.approx(1.0)


def test_singular_covariance_is_refused_without_a_ridge():
    X = np.c_[np.arange(40.0), np.arange(40.0)]
    with pytest.raises(ValueError, match="reg_covar"):
        ensemble(1, reg_covar=0.0).fit(X)


def test_column_of_which_nothing_is_known_is_refused_by_name():
    frame = pandas.DataFrame(holed(), columns=["a", "b", "c"])
    frame["b"] = np.nan
    with pytest.raises(ValueError, match=r"columns \['b'\] hold NaN alone"):
        ensemble().fit(frame)


def test_unfitted_ensemble_says_so():
    with pytest.raises(NotFittedError, match="GaussianMixtureEnsemble"):
        ensemble().impute(holed())


def test_answers_of_a_mixture_are_given():
    X = overlapping(d=3)[0]
    fitted = ensemble(1, 2).fit(X)
    assert fitted.predict_proba(X).shape == (150, 3)
    assert_allclose(fitted.predict_proba(X).sum(axis=1), 1.0)
    assert fitted.sample(7)[0].shape == (7, 3)
    assert fitted.get_feature_names_out().tolist() == [
        f"gaussianmixtureensemble{number}" for number in range(3)
    ]
    marginal = fitted.marginal([2, 0])
    hidden = np.where([True, False, True], X, np.nan)
    expected = marginal.score_samples(X[:, [2, 0]])
    assert_allclose(fitted.score_samples(hidden), expected)
    assert fitted.conditional({1: 0.0}).means_.shape == (3, 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_keep_their_width(dtype):
    X = holed(dtype=dtype)
    fitted = ensemble(1, 3).fit(X)
    assert fitted.means_.dtype == dtype
    filled = fitted.impute(X)
    assert filled.dtype == dtype
    assert_array_equal(filled[~np.isnan(X)], X[~np.isnan(X)])


def test_copies_answer_the_same():
    X = holed()
    fitted = ensemble(1, 3).fit(X)
    again = pickle.loads(pickle.dumps(fitted))
    assert_allclose(again.impute(X), fitted.impute(X))
    assert not hasattr(clone(fitted), "means_")


def test_half_hidden_iris_is_filled_better_than_by_one_gaussian():
    X = load_iris().data
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    hidden = np.random.default_rng(0).random(X.shape) < 0.5
    holes = np.where(hidden, np.nan, X)

    def error(model):
        return np.square(model.fit(holes).impute(holes) - X)[hidden].mean()

    assert error(ensemble()) < error(EMGaussianMixture()) < 0.5
