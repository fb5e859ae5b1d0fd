"""The weighted likelihood bootstrap against standard errors that are known."""

import numpy as np
import pandas
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from strategies import COVARIANCE_TYPES, overlapping

from skgen import EMGaussianMixture


def apart(n=300, seed=0):
    """Two clusters that hardly overlap, of weights 0.3 and 0.7."""
    rng = np.random.default_rng(seed)
    labels = rng.uniform(size=n) < 0.7
    X = rng.normal(size=(n, 2)) @ [[1.0, 0.5], [0.0, 0.8]]
    return X + np.where(labels, 6.0, 0.0)[:, None]


# References


def test_standard_errors_of_one_component_are_those_of_the_textbook():
    n, d = 400, 3
    X = np.random.default_rng(0).normal(size=(n, d)) * [1.0, 5.0, 0.2]
    mixture = EMGaussianMixture().fit(X)
    found = mixture.bootstrap(X, 2000, random_state=0).standard_errors()
    deviations = X.std(axis=0)
    # Monte Carlo error of a standard deviation: 1 / sqrt(2 B), here 0.016
    assert_allclose(found["means"][0], deviations / np.sqrt(n), rtol=0.06)
    centred = X - X.mean(axis=0)
    products = centred[:, :, None] * centred[:, None, :]
    assert_allclose(
        found["covariances"][0], products.std(axis=0) / np.sqrt(n), rtol=0.08
    )
    assert_array_equal(found["weights"], [0.0])


def test_standard_errors_of_clusters_apart_are_those_of_each_by_itself():
    n = 600
    X = apart(n)
    mixture = EMGaussianMixture(2, random_state=0).fit(X)
    found = mixture.bootstrap(X, 500, random_state=0).standard_errors()
    shares = mixture.weights_
    assert_allclose(found["weights"], np.sqrt(shares * (1 - shares) / n), rtol=0.15)
    variances = np.diagonal(mixture.covariances_, axis1=1, axis2=2)
    expected = np.sqrt(variances / (n * shares[:, None]))
    assert_allclose(found["means"], expected, rtol=0.15)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    held = []
    for seed in range(60):
        X = apart(150, seed)
        mixture = EMGaussianMixture(2, random_state=0).fit(X)
        low, high = mixture.bootstrap(X, 60, random_state=seed).interval(0.9)["means"]
        order = np.argsort(mixture.means_[:, 0])
        truth = np.array([[0.0, 0.0], [6.0, 6.0]])
        held.append((low[order] <= truth) & (truth <= high[order]))
    assert 0.82 < np.mean(held) < 0.95


# Behaviour


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_parameters_of_all_fits_have_the_mixtures_shapes(covariance_type):
    X, _ = overlapping()
    mixture = EMGaussianMixture(3, covariance_type=covariance_type, random_state=0)
    result = mixture.fit(X).bootstrap(X, 5, random_state=0)
    errors, intervals = result.standard_errors(), result.interval()
    for name in ("weights", "means", "covariances"):
        shape = getattr(mixture, f"{name}_").shape
        assert getattr(result, name).shape == (5, *shape)
        assert errors[name].shape == shape
        low, high = intervals[name]
        assert (low <= high).all()
        assert low.shape == shape
    assert result.converged.shape == (5,)
    assert_allclose(result.weights.sum(axis=1), 1.0)


def test_components_keep_their_numbers():
    X = apart()
    mixture = EMGaussianMixture(2, random_state=0).fit(X)
    result = mixture.bootstrap(X, 30, random_state=0)
    assert_allclose(result.means, mixture.means_ + np.zeros((30, 1, 1)), atol=1.0)


def test_same_seed_gives_the_same_and_another_gives_another():
    X = apart()
    mixture = EMGaussianMixture(2, random_state=3).fit(X)
    first = mixture.bootstrap(X, 5, random_state=0)
    assert_array_equal(first.means, mixture.bootstrap(X, 5, random_state=0).means)
    assert (first.means != mixture.bootstrap(X, 5, random_state=1).means).all()
    own = mixture.bootstrap(X, 5)
    assert_array_equal(own.means, mixture.bootstrap(X, 5, random_state=3).means)


def test_mixture_is_left_as_it_was():
    X = pandas.DataFrame(apart(), columns=["a", "b"])
    mixture = EMGaussianMixture(2, random_state=0, n_init=2).fit(X)
    before = {name: np.copy(value) for name, value in vars(mixture).items()}
    mixture.bootstrap(X, 5)
    assert list(before) == list(vars(mixture))
    for name, value in vars(mixture).items():
        assert_array_equal(value, before[name])


def test_weights_count_as_rows_do():
    X = apart()
    weights = np.r_[np.ones(200), np.zeros(100)]
    mixture = EMGaussianMixture().fit(X, sample_weight=weights)
    result = mixture.bootstrap(X, 400, sample_weight=weights, random_state=0)
    found = result.standard_errors()["means"][0]
    assert_allclose(found, X[:200].std(axis=0) / np.sqrt(200), rtol=0.12)


def test_weights_must_not_all_be_zero():
    X = apart(60)
    with pytest.raises(ValueError, match="at least one non-zero number"):
        EMGaussianMixture().fit(X).bootstrap(X, 5, sample_weight=np.zeros(60))


def test_unit_of_weights_that_meet_pseudo_rows_is_the_users():
    X = apart()
    mixture = EMGaussianMixture(covariance_prior=np.eye(2), covariance_prior_count=1e6)
    weights = np.full(len(X), 5000.0)
    mixture.fit(X, sample_weight=weights)
    result = mixture.bootstrap(X, 20, sample_weight=weights, random_state=0)
    shrunk = np.abs(result.covariances.mean(axis=0) - mixture.covariances_)
    assert shrunk.max() < 0.3


def test_float32_rows_will_do():
    X = apart().astype(np.float32)
    mixture = EMGaussianMixture(2, random_state=0).fit(X)
    assert mixture.bootstrap(X, 3, random_state=0).means.dtype == np.float32


def test_progress_is_told_ten_times(capsys):
    X = apart(60)
    mixture = EMGaussianMixture().fit(X)
    mixture.bootstrap(X, 25, verbose=1, random_state=0)
    lines = capsys.readouterr().out.splitlines()
    assert 10 <= len(lines) <= 13
    assert lines[0].startswith("Bootstrap 2 of 25 (  8%), ")
    assert lines[-1] == "Bootstrap 25 of 25 (100%), 0.0s left"
    mixture.bootstrap(X, 3, random_state=0)
    assert capsys.readouterr().out == ""


def test_repr_is_short():
    X = apart(60)
    result = EMGaussianMixture().fit(X).bootstrap(X, 3, random_state=0)
    text = "MixtureBootstrap(n_bootstraps=3, n_components=1, n_features=2)"
    assert repr(result) == text


def test_fits_that_do_not_converge_are_told_once():
    X, _ = overlapping()
    mixture = EMGaussianMixture(3, random_state=0).fit(X).set_params(max_iter=1)
    with pytest.warns(ConvergenceWarning, match="4 of 4 bootstrap fits") as caught:
        mixture.bootstrap(X, 4, random_state=0)
    assert len(caught) == 1
    assert caught[0].filename == __file__


@pytest.mark.parametrize("n_bootstraps", [1, 0, 2.5, True, "many"])
def test_number_of_fits_must_be_an_integer_of_two_or_more(n_bootstraps):
    X = apart(60)
    with pytest.raises(ValueError, match="n_bootstraps must be an integer of at least"):
        EMGaussianMixture().fit(X).bootstrap(X, n_bootstraps)


@pytest.mark.parametrize("level", [0.0, 1.0, 95, "high", None])
def test_level_must_lie_between_0_and_1(level):
    X = apart(60)
    result = EMGaussianMixture().fit(X).bootstrap(X, 3, random_state=0)
    with pytest.raises(ValueError, match="level must lie strictly between 0 and 1"):
        result.interval(level)


def test_rows_must_have_the_mixtures_columns():
    X = apart(60)
    with pytest.raises(ValueError, match="X has 1 features, but"):
        EMGaussianMixture().fit(X).bootstrap(X[:, :1])
