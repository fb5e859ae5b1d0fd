"""Rows that belong to no component: ``noise="uniform"``.

A reference, laws, then behaviour.
"""

import pickle

import numpy as np
import pandas
import pytest
from faithful import faithful, noisy_faithful
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks
from strategies import COVARIANCE_TYPES

from skgen import EMGaussianMixture, KLAnomalyDetector, reduce_mixture
from skgen.display import MixtureDisplay
from skgen.divergences import kl_divergence

# mclust 6.0.0, R 4.2.2: Mclust(X, G=2, modelNames="VVV",
# initialization=list(noise=...)), with the thirty uniform rows or thirty others as the
# first noise, then me() to 1e-14.
LOG_LIKELIHOOD = -1356.675416605
WEIGHTS = [0.56705233, 0.29808134]
NOISE_WEIGHT = 0.13486633
MEANS = [[4.32387705, 80.03051868], [1.99833773, 54.15012793]]
COVARIANCES = [
    [[0.15110237, 0.54304332], [0.54304332, 32.12657199]],
    [[0.04782441, 0.26480677], [0.26480677, 31.46828737]],
]
# Of mclust's default fit; the volume of the noise is a parameter there.
FREE_PARAMETERS = 13

# mclustBIC(X, G=2, initialization=list(noise=...)), at its default tolerance.
MCLUSTS_BIC = {
    "EII": -3356.0556,
    "VII": -3361.1351,
    "EEI": -2798.1669,
    "VEI": -2795.2474,
    "EVI": -2792.9781,
    "VVI": -2785.8573,
    "EEE": -2793.6756,
    "VEE": -2791.2526,
    "EVE": -2789.0649,
    "VVE": -2783.1282,
    "EEV": -2798.8455,
    "VEV": -2795.5973,
    "EVV": -2794.3697,
    "VVV": -2787.5975,
}

every_type = pytest.mark.parametrize("covariance_type", [*COVARIANCE_TYPES, "EEI"])


def noisy(n_components=2, **parameters):
    parameters = {"random_state": 0, **parameters}
    return EMGaussianMixture(n_components, noise="uniform", **parameters)


@pytest.fixture(scope="module", params=["full", "tied", "diag", "spherical", "factor"])
def mixture(request):
    return noisy(covariance_type=request.param).fit(noisy_faithful())


# Reference


def assert_is_mclusts(mixture, X):
    order = np.argsort(-mixture.weights_)
    log_likelihood = mixture.score_samples(X).sum()
    assert log_likelihood == pytest.approx(LOG_LIKELIHOOD, abs=1e-5)
    assert_allclose(mixture.weights_[order], WEIGHTS, atol=1e-4)
    assert mixture.noise_weight_ == pytest.approx(NOISE_WEIGHT, abs=1e-4)
    assert_allclose(mixture.means_[order], MEANS, rtol=1e-5)
    assert_allclose(mixture.covariances_[order], COVARIANCES, rtol=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_faithful_among_noise_is_that_of_mclust(seed):
    X = noisy_faithful()
    mixture = noisy(random_state=seed, tol=1e-11).fit(X)
    assert_is_mclusts(mixture, X)
    expected = -2 * LOG_LIKELIHOOD + FREE_PARAMETERS * np.log(302)
    assert mixture.bic(X) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("covariance_type", "bic"), MCLUSTS_BIC.items())
def test_every_structure_beside_noise_is_as_likely_as_mclusts(covariance_type, bic):
    X = noisy_faithful()
    found = noisy(covariance_type=covariance_type).fit(X).bic(X)
    # which stops early; two of the fourteen by more than a tenth of a nat
    assert -bic - 0.5 < found < -bic + 1e-3


def test_default_tolerance_reaches_mclusts_likelihood():
    X = noisy_faithful()
    mixture = noisy().fit(X)
    assert mixture.lower_bound_ * 302 == pytest.approx(LOG_LIKELIHOOD, abs=1e-3)
    volume = np.prod(mixture.noise_support_[1] - mixture.noise_support_[0])
    assert volume == pytest.approx(293.235735029575)


def test_plain_em_and_squarem_reach_one_maximum():
    X = noisy_faithful()
    assert_is_mclusts(noisy(acceleration=None, tol=1e-11).fit(X), X)


# Laws


@every_type
def test_noise_counts_two_parameters(covariance_type):
    X = noisy_faithful()
    with_noise = noisy(covariance_type=covariance_type).fit(X)
    without = EMGaussianMixture(2, covariance_type=covariance_type, random_state=0).fit(
        X
    )
    assert with_noise._n_parameters() == without._n_parameters() + 2
    expected = -2 * with_noise.score_samples(X).sum()
    expected += with_noise._n_parameters() * np.log(len(X))
    assert with_noise.bic(X) == pytest.approx(expected)


def test_density_integrates_to_1(mixture):
    x = np.linspace(-4.0, 10.0, 901)
    y = np.linspace(-30.0, 170.0, 901)
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    cell = (x[1] - x[0]) * (y[1] - y[0])
    total = np.exp(mixture.score_samples(grid)).sum() * cell
    assert total == pytest.approx(1.0, abs=2e-3)


def test_weights_of_components_and_of_noise_sum_to_1(mixture):
    assert mixture.weights_.sum() + mixture.noise_weight_ == pytest.approx(1.0)


def test_support_is_the_range_of_the_rows(mixture):
    X = noisy_faithful()
    assert_array_equal(mixture.noise_support_, [X.min(axis=0), X.max(axis=0)])


def test_probabilities_sum_to_1_and_the_last_is_that_of_noise(mixture):
    X = np.vstack([noisy_faithful(), [[50.0, 50.0], [3.0, 1e5]]])
    proba = mixture.predict_proba(X)
    assert proba.shape == (304, 3)
    assert_allclose(proba.sum(axis=1), 1.0)
    labels = np.where(proba[:, -1] == proba.max(axis=1), -1, proba.argmax(axis=1))
    assert_array_equal(mixture.predict(X), labels)
    assert_array_equal(np.unique(labels), [-1, 0, 1])
    assert_array_equal(proba[-2:, -1], 0.0)
    assert_array_equal(mixture.transform(X), proba)


def test_responsibility_of_noise_is_its_share_of_the_density(mixture):
    X = noisy_faithful()
    low, high = mixture.noise_support_
    density = mixture.noise_weight_ / np.prod(high - low)
    expected = density / np.exp(mixture.score_samples(X))
    assert_allclose(mixture.predict_proba(X)[:, -1], expected, rtol=1e-6, atol=1e-12)


def test_fit_predict_is_fit_and_predict():
    X = noisy_faithful()
    labels = noisy().fit_predict(X)
    assert_array_equal(labels, noisy().fit(X).predict(X))
    assert (labels[272:] == -1).mean() > 0.7
    assert (labels[:272] == -1).mean() < 0.06


def test_samples_have_the_mixtures_moments_and_labels(mixture):
    X, labels = mixture.sample(40_000, random_state=0)
    shares = np.append(mixture.weights_, mixture.noise_weight_)
    found = [(labels == label).mean() for label in (0, 1, -1)]
    assert_allclose(found, shares, atol=0.01)
    for k in range(2):
        rows = X[labels == k]
        scale = rows.std(axis=0)
        assert_allclose(rows.mean(axis=0) / scale, mixture.means_[k] / scale, atol=0.1)
    noise = X[labels == -1]
    low, high = mixture.noise_support_
    assert ((noise >= low) & (noise <= high)).all()
    assert_allclose(
        noise.mean(axis=0) / (high - low), (low + high) / 2 / (high - low), atol=0.02
    )
    assert_allclose(noise.std(axis=0) / (high - low), 12**-0.5, atol=0.01)


INSIDE = [[2.0, 60.0], [4.0, 90.0]]
OUTSIDE = [[50.0, 60.0], [3.0, 500.0], [-9.0, -9.0]]


@pytest.mark.parametrize("row", INSIDE + OUTSIDE)
@pytest.mark.parametrize("given", [0, 1])
def test_density_is_that_of_a_column_and_of_the_other_given_it(mixture, row, given):
    row = np.array(row)
    alone = mixture.marginal([given]).score_samples(row[None, [given]])
    conditional = mixture.conditional({given: row[given]})
    rest = conditional.score_samples(row[None, [1 - given]])
    joint = mixture.score_samples(row[None])
    assert_allclose(alone + rest, joint, rtol=1e-9, atol=1e-9)


def test_noise_is_gone_given_a_value_outside_the_box(mixture):
    assert mixture.conditional({0: 50.0}).noise_weight_ == pytest.approx(0.0, abs=1e-12)
    assert mixture.conditional({0: 3.0}).noise_weight_ > 0.0


def test_marginal_keeps_the_weight_and_its_part_of_the_box(mixture):
    marginal = mixture.marginal([1])
    assert marginal.noise_weight_ == pytest.approx(mixture.noise_weight_)
    assert_array_equal(marginal.noise_support_, mixture.noise_support_[:, [1]])


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_plain_em_never_lowers_the_likelihood(covariance_type):
    mixture = noisy(3, covariance_type=covariance_type, acceleration=None, tol=1e-6)
    mixture.fit(noisy_faithful())
    assert (np.diff(mixture.lower_bounds_) >= 0.0).all()
    expected = mixture.score(noisy_faithful())
    assert mixture.lower_bound_ == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag"])
def test_units_and_offsets_of_columns_do_not_matter(covariance_type):
    X, scale, offset = noisy_faithful(), np.array([1e-6, 1e5]), np.array([1e-3, 1e7])
    one = noisy(covariance_type=covariance_type, tol=1e-11).fit(X)
    other = clone(one).fit(X * scale + offset)
    assert other.noise_weight_ == pytest.approx(one.noise_weight_, abs=1e-4)
    assert_allclose((other.means_ - offset) / scale, one.means_, rtol=1e-3)
    assert_array_equal(other.predict(X * scale + offset), one.predict(X))


# Behaviour


def test_where_there_is_no_noise_its_weight_is_next_to_nothing():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    mixture = noisy(1).fit(X)
    assert 0.0 <= mixture.noise_weight_ < 0.02
    assert np.isfinite(mixture.lower_bounds_).all()
    for answer in (mixture.score_samples(X), mixture.predict_proba(X)):
        assert np.isfinite(answer).all()


@pytest.mark.filterwarnings("ignore:Components .* of 1")
def test_all_rows_may_be_noise():
    X = np.random.default_rng(0).uniform(size=(300, 2))
    mixture = noisy(1).fit(X)
    assert np.isfinite(mixture.lower_bound_)
    assert mixture.score(X) == pytest.approx(0.0, abs=0.05)
    assert np.isfinite(mixture.sample(10)[0]).all()
    assert np.isfinite(mixture.conditional({0: 0.5}).sample(10)[0]).all()


@pytest.mark.parametrize("frame", [False, True])
def test_constant_column_is_refused(frame):
    X = np.c_[noisy_faithful(), np.ones(302)]
    X = pandas.DataFrame(X, columns=["a", "b", "c"]) if frame else X
    with pytest.raises(ValueError, match=r"columns .* are constant: drop them, or set"):
        noisy().fit(X)


@every_type
def test_missing_cells_are_integrated_out_of_noise_too(covariance_type):
    X = noisy_faithful()
    missing = np.random.default_rng(0).random(X.shape) < 0.2
    X[missing] = np.nan
    mixture = noisy(covariance_type=covariance_type).fit(X)
    assert 0.02 < mixture.noise_weight_ < 0.9
    assert mixture.lower_bound_ == pytest.approx(mixture.score(X), abs=1e-10)
    assert_allclose(mixture.predict_proba(X).sum(axis=1), 1.0)
    low, high = np.nanmin(X, axis=0), np.nanmax(X, axis=0)
    assert_array_equal(mixture.noise_support_, [low, high])
    assert np.isfinite(mixture.impute(X)).all()
    assert np.isfinite(mixture.impute(X, n_draws=2)).all()


def test_every_column_of_transform_has_a_name():
    frame = pandas.DataFrame(noisy_faithful(), columns=["eruption", "waiting"])
    mixture = noisy().set_output(transform="pandas").fit(frame)
    names = [f"emgaussianmixture{number}" for number in range(3)]
    assert mixture.get_feature_names_out().tolist() == names
    assert mixture.transform(frame).columns.tolist() == names


def test_fit_without_noise_forgets_that_there_was_some():
    X = noisy_faithful()
    mixture = noisy().fit(X).set_params(noise=None).fit(X)
    plain = EMGaussianMixture(2, random_state=0).fit(X)
    assert_allclose(mixture.score_samples(X), plain.score_samples(X))
    assert mixture.predict_proba(X).shape == (302, 2)
    assert mixture.predict(X).min() == 0


def test_floats_of_half_the_width_are_kept():
    X = noisy_faithful().astype(np.float32)
    mixture = noisy().fit(X)
    assert mixture.noise_support_.dtype == np.float32
    assert mixture.predict_proba(X).dtype == np.float32
    # no row is outside of a box that holds all of them
    assert mixture.predict_proba(X)[:, -1].min() > 0.0


def test_weights_of_rows_count():
    X = noisy_faithful()
    weights = np.where(np.arange(302) < 272, 1.0, 0.0)
    mixture = noisy().fit(X, sample_weight=weights)
    support = [faithful().min(axis=0), faithful().max(axis=0)]
    assert_array_equal(mixture.noise_support_, support)
    twice = noisy(tol=1e-11).fit(X, sample_weight=np.full(302, 2.0))
    once = noisy(tol=1e-11).fit(X)
    assert twice.lower_bound_ == pytest.approx(once.lower_bound_, abs=1e-8)


def test_warm_start_goes_on_with_the_noise():
    X = noisy_faithful()
    mixture = noisy(warm_start=True, tol=1e-11).fit(X)
    before = mixture.lower_bound_
    mixture.fit(X)
    assert mixture.lower_bound_ == pytest.approx(before, abs=1e-8)
    assert mixture.noise_weight_ == pytest.approx(NOISE_WEIGHT, abs=1e-3)


def test_stored_mixture_knows_of_the_noise(mixture):
    X = noisy_faithful()
    again = pickle.loads(pickle.dumps(mixture))
    assert_array_equal(again.predict_proba(X), mixture.predict_proba(X))


def test_criteria_are_finite(mixture):
    X = noisy_faithful()
    assert mixture.icl(X) >= mixture.bic(X)
    assert np.isfinite([mixture.aic(X), mixture.icl(X)]).all()


@pytest.mark.parametrize("noise", ["gaussian", True, 0.1])
def test_other_noise_is_refused(noise):
    with pytest.raises(ValueError, match="'noise' parameter of EMGaussianMixture must"):
        EMGaussianMixture(2, noise=noise).fit(noisy_faithful())


# Of other rooms


def test_divergence_from_the_mixture_without_noise_is_the_integral(mixture):
    plain = EMGaussianMixture(
        2, covariance_type=mixture.covariance_type, random_state=0
    ).fit(faithful())
    X = mixture.sample(100_000, random_state=0)[0]
    ratios = mixture.score_samples(X) - plain.score_samples(X)
    error = ratios.std() / np.sqrt(len(X))
    found = kl_divergence(mixture, plain, tol=0.05, random_state=0)
    assert abs(float(found) - ratios.mean()) < 6 * error + 0.01 * ratios.mean()
    assert float(kl_divergence(mixture, mixture)) == pytest.approx(0.0, abs=1e-12)


def test_anomaly_detector_scores_by_the_density_with_noise():
    X = noisy_faithful()
    detector = KLAnomalyDetector(noisy()).fit(X)
    scores = detector.score_samples(X)
    assert np.isfinite(scores).all()
    assert scores[272:].mean() < scores[:272].mean() - 1.0


def test_display_draws_the_components():
    display = MixtureDisplay.from_estimator(noisy().fit(noisy_faithful()), faithful())
    assert display.ax_ is not None
    assert len(display.ax_.patches) >= 2


def test_bootstrap_takes_the_noise_along():
    X = noisy_faithful()
    result = noisy().fit(X).bootstrap(X, 8, random_state=0)
    for errors in result.standard_errors().values():
        assert np.isfinite(errors).all()


@pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:X .* feature names, but",
)
@parametrize_with_checks(
    [noisy(1, random_state=None), noisy(2, random_state=None, covariance_type="diag")]
)
def test_passes_scikit_learns_check(estimator, check):
    check(estimator)


@pytest.mark.parametrize("far", [1e3, 1e7, 1e12])
def test_however_far_an_outlier_components_are_those_of_the_other_rows(far):
    rows = np.random.default_rng(0).normal(size=(200, 2))
    mixture = EMGaussianMixture(1, noise="uniform", random_state=0)
    mixture.fit(np.vstack([rows, [[far, far]]]))
    assert_allclose(mixture.covariances_[0], np.cov(rows.T, ddof=0), atol=1e-2)
    assert mixture.noise_weight_ == pytest.approx(1 / 201, abs=1e-3)


def test_warm_start_finds_noise_that_the_last_fit_did_not_look_for():
    X = noisy_faithful()
    mixture = EMGaussianMixture(2, random_state=0, warm_start=True).fit(X)
    mixture.set_params(noise="uniform").fit(X)
    assert mixture.noise_weight_ > 0.05


def test_detector_integrates_a_density_with_noise_instead_of_leaving_it_out():
    X = noisy_faithful()
    detector = KLAnomalyDetector(noisy(), random_state=0, calibration=None).fit(X)
    expected = detector.estimator_.score_samples(X)
    assert_allclose(detector.score_samples(X), expected, atol=1e-10)


def test_parameters_do_not_tell_where_noise_may_be():
    with pytest.raises(ValueError, match="noise must be None"):
        EMGaussianMixture.from_parameters([1.0], [[0.0]], [[[1.0]]], noise="uniform")


def test_components_alone_can_be_reduced():
    with pytest.raises(ValueError, match="noise=None"):
        reduce_mixture(noisy().fit(noisy_faithful()), 1)
