"""`EMGaussianMixture.from_parameters`: a fitted mixture without a fit."""

import pickle

import numpy as np
import pandas
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpydoc.validate import validate
from scipy.stats import multivariate_normal
from sklearn.base import clone
from sklearn.mixture import GaussianMixture
from sklearn.utils.validation import check_is_fitted
from strategies import COVARIANCE_TYPES, overlapping

from skgen import EMGaussianMixture

WEIGHTS = np.array([0.3, 0.7])
MEANS = np.array([[0.0, 1.0], [2.0, -1.0]])
COVARIANCES = {
    "full": np.array([[[1.0, 0.5], [0.5, 2.0]], [[3.0, -1.0], [-1.0, 1.0]]]),
    "tied": np.array([[1.0, 0.5], [0.5, 2.0]]),
    "diag": np.array([[1.0, 2.0], [3.0, 0.5]]),
    "spherical": np.array([1.0, 2.5]),
}
MATRICES = {
    "full": COVARIANCES["full"],
    "tied": np.array([COVARIANCES["tied"]] * 2),
    "diag": np.array([np.diag(row) for row in COVARIANCES["diag"]]),
    "spherical": np.array([v * np.eye(2) for v in COVARIANCES["spherical"]]),
}


def made(covariance_type="full", **parameters):
    return EMGaussianMixture.from_parameters(
        WEIGHTS,
        MEANS,
        COVARIANCES[covariance_type],
        covariance_type=covariance_type,
        **parameters,
    )


# References


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_density_is_that_of_the_parameters(covariance_type):
    X, _ = overlapping()
    parts = zip(WEIGHTS, MEANS, MATRICES[covariance_type])
    density = sum(w * multivariate_normal(m, c).pdf(X) for w, m, c in parts)
    assert_allclose(made(covariance_type).score_samples(X), np.log(density))


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_parameters_of_scikit_learns_mixture_answer_as_it_does(covariance_type):
    X, _ = overlapping()
    theirs = GaussianMixture(3, covariance_type=covariance_type, random_state=0).fit(X)
    ours = EMGaussianMixture.from_parameters(
        theirs.weights_,
        theirs.means_,
        theirs.covariances_,
        covariance_type=covariance_type,
    )
    assert_allclose(ours.score_samples(X), theirs.score_samples(X))
    assert_allclose(ours.precisions_, theirs.precisions_)
    assert_allclose(ours.precisions_cholesky_, theirs.precisions_cholesky_, atol=1e-12)
    assert_array_equal(ours.predict(X), theirs.predict(X))


# Behaviour


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_attributes_are_the_parameters_given(covariance_type):
    mixture = made(covariance_type)
    check_is_fitted(mixture)
    assert_array_equal(mixture.weights_, WEIGHTS)
    assert_array_equal(mixture.means_, MEANS)
    assert_array_equal(mixture.covariances_, COVARIANCES[covariance_type])
    assert (mixture.n_components, mixture.n_features_in_) == (2, 2)


def test_attributes_are_those_of_a_fit_and_tell_that_nothing_was_iterated():
    X, _ = overlapping()
    mixture = made()
    fitted = {name for name in vars(EMGaussianMixture().fit(X)) if name[-1] == "_"}
    assert {name for name in vars(mixture) if name[-1] == "_"} == fitted
    assert mixture.converged_ is True
    assert mixture.n_iter_ == 0
    assert np.isnan(mixture.lower_bound_)
    assert mixture.lower_bounds_ == []


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_warm_start_goes_on_from_the_parameters(covariance_type):
    X, _ = overlapping(k=2)
    mixture = made(covariance_type, warm_start=True, max_iter=1, tol=0.0)
    before = mixture.score(X)
    again = clone(mixture).set_params(
        warm_start=False,
        weights_init=WEIGHTS,
        means_init=MEANS,
        precisions_init=mixture.precisions_,
    )
    with pytest.warns(match="did not converge"):
        mixture.fit(X)
    with pytest.warns(match="did not converge"):
        again.fit(X)
    assert mixture.score(X) > before
    assert_allclose(mixture.means_, again.means_, rtol=1e-8, atol=1e-8)


def test_copies_answer_as_the_original_and_clones_forget():
    mixture = made(random_state=0)
    X, _ = mixture.sample(20)
    again = pickle.loads(pickle.dumps(mixture))
    assert_array_equal(again.score_samples(X), mixture.score_samples(X))
    assert_array_equal(again.sample(20)[0], X)
    assert not hasattr(clone(mixture), "means_")
    assert clone(mixture).get_params() == mixture.get_params()


def test_arrays_given_are_neither_changed_nor_kept():
    means, covariances = MEANS.copy(), COVARIANCES["full"].copy()
    mixture = EMGaussianMixture.from_parameters(WEIGHTS, means, covariances)
    mixture.means_[0] = 9.0
    mixture.covariances_[0] = 9.0
    assert_array_equal(means, MEANS)
    assert_array_equal(covariances, COVARIANCES["full"])


def test_columns_of_a_data_frame_of_means_name_the_features():
    means = pandas.DataFrame(MEANS, columns=["a", "b"])
    mixture = EMGaussianMixture.from_parameters(WEIGHTS, means, COVARIANCES["full"])
    assert mixture.feature_names_in_.tolist() == ["a", "b"]
    mixture.score_samples(means)
    with pytest.raises(ValueError, match="feature names"):
        mixture.score_samples(means.rename(columns={"a": "z"}))


def test_float32_parameters_are_taken_though_they_sum_to_one_roughly():
    weights = np.full(7, 1.0 / 7.0, dtype=np.float32)
    mixture = EMGaussianMixture.from_parameters(
        weights, np.zeros((7, 1), np.float32), np.ones(7), covariance_type="spherical"
    )
    assert mixture.weights_.dtype == mixture.means_.dtype == np.float64


def test_component_of_weight_zero_is_allowed():
    mixture = EMGaussianMixture.from_parameters([0.0, 1.0], MEANS, COVARIANCES["full"])
    alone = multivariate_normal(MEANS[1], COVARIANCES["full"][1])
    assert_allclose(mixture.score_samples(MEANS), alone.logpdf(MEANS))
    assert (mixture.sample(50, random_state=0)[1] == 1).all()


@pytest.mark.parametrize("unit", [1e-150, 1e150])
def test_units_of_columns_do_not_matter(unit):
    units = np.array([unit, 1.0])
    covariances = COVARIANCES["full"] * units[:, None] * units
    mixture = EMGaussianMixture.from_parameters(WEIGHTS, MEANS * units, covariances)
    expected = made().score_samples(MEANS) - np.log(unit)
    assert_allclose(mixture.score_samples(MEANS * units), expected)


# Bad input


def singular(covariance_type):
    return {
        "full": np.array([np.eye(2), np.ones((2, 2))]),
        "tied": np.array([[1.0, 2.0], [2.0, 1.0]]),
        "diag": np.array([[1.0, 0.0], [1.0, 1.0]]),
        "spherical": np.array([1.0, -1.0]),
    }[covariance_type]


BAD = {
    "means of one axis": ({"means": [0.0, 1.0]}, r"pass means.reshape\(-1, 1\)"),
    "means of three axes": ({"means": np.zeros((2, 2, 1))}, r"got shape \(2, 2, 1\)"),
    "means not finite": ({"means": [[np.nan, 0], [0, 0]]}, "means contains NaN"),
    "too few weights": ({"weights": [1.0]}, r"weights must have shape \(2,\)"),
    "negative weight": ({"weights": [-0.5, 1.5]}, "not be negative; got -0.5"),
    "weights' sum": ({"weights": [0.5, 0.6]}, "sum to 1; got a sum of 1.1"),
    "weights not finite": ({"weights": [np.inf, 0]}, "weights contains infinity"),
    "covariances' shape": (
        {"covariances": np.eye(2)},
        r"shape \(2, 2, 2\) for covariance_type='full'.*got \(2, 2\)",
    ),
    "covariances not finite": (
        {"covariances": np.full((2, 2, 2), np.nan)},
        "covariances contains NaN",
    ),
    "asymmetric": (
        {"covariances": [np.eye(2), [[1.0, 0.5], [0.1, 1.0]]]},
        r"covariances\[1\] must be symmetric",
    ),
    "no variance": (
        {"covariances": [np.eye(2), np.diag([1.0, 0.0])]},
        r"covariances\[1\] must be positive definite; got a variance of 0",
    ),
    "covariance_type": ({"covariance_type": "round"}, "one of 'full', 'tied'"),
    "precisions overflow": (
        {"covariances": [1e-320, 1.0], "covariance_type": "spherical"},
        "precisions, inverse covariances, cannot be held",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_error_tells_what_is_wrong(case):
    changes, message = BAD[case]
    given = {"weights": WEIGHTS, "means": MEANS, "covariances": COVARIANCES["full"]}
    with pytest.raises(ValueError, match=message):
        EMGaussianMixture.from_parameters(**(given | changes))


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_singular_covariances_are_refused(covariance_type):
    with pytest.raises(ValueError, match="must be positive"):
        EMGaussianMixture.from_parameters(
            WEIGHTS, MEANS, singular(covariance_type), covariance_type=covariance_type
        )


# Documentation


def test_docstring_describes_every_parameter():
    not_asked = {"RT02", "GL01", "GL02", "ES01", "SA01"}
    found = validate("skgen.EMGaussianMixture.from_parameters")["errors"]
    assert [(code, text) for code, text in found if code not in not_asked] == []
