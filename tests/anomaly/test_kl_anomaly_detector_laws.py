"""Laws: what the mathematics says of a detector's parts, columns and guarantees."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import quad
from scipy.stats import multivariate_normal, norm
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from strategies import (
    COVARIANCE_TYPES,
    covariance_types,
    overlapping,
    seeds,
    ugly,
    well_posed,
)

from skgen import EMGaussianMixture, KLAnomalyDetector

# Ugly tables collapse components, and short runs do not converge: both are said.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

few = settings(max_examples=max(5, settings.default.max_examples // 6))


def quick_mixture(n_components=2, **parameters):
    return EMGaussianMixture(n_components, max_iter=20, **parameters)


def correlated(n=300, d=3, seed=0):
    """Rows of one Gaussian, and its covariance."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(d, d)) + np.eye(d)
    return rng.normal(size=(n, d)) @ root + 3.0, root.T @ root


def standard_error(values):
    return np.std(values, ddof=1) / np.sqrt(len(values))


# The parts of a score


@given(
    table=well_posed(),
    covariance_type=covariance_types,
    ours=st.booleans(),
    k=st.integers(1, 3),
)
def test_reconstruction_and_divergence_add_up_to_minus_log_density(
    table, covariance_type, ours, k
):
    kind = quick_mixture if ours else GaussianMixture
    detector = KLAnomalyDetector(
        kind(k, covariance_type=covariance_type), calibration=None, random_state=0
    ).fit(table.X)
    parts = detector.score_components(table.X)
    log_density = detector.estimator_.score_samples(table.X)
    assert_allclose(
        parts.reconstruction + parts.posterior_divergence, -log_density, atol=1e-9
    )
    assert_allclose(parts.log_density, log_density, atol=1e-9)
    assert_allclose(parts.log_density, parts.dependence - parts.marginal, atol=1e-9)
    assert (parts.posterior_divergence >= 0.0).all()
    assert (
        parts.posterior_divergence <= -np.log(detector.estimator_.weights_.min()) + 1e-9
    ).all()


@given(table=well_posed(), k=st.integers(1, 3))
def test_parts_are_what_responsibilities_say(table, k):
    detector = KLAnomalyDetector(
        quick_mixture(k), calibration=None, random_state=0
    ).fit(table.X)
    mixture, parts = detector.estimator_, detector.score_components(table.X)
    given_component = np.column_stack(
        [
            multivariate_normal(mean, covariance).logpdf(table.X)
            for mean, covariance in zip(mixture.means_, mixture.covariances_)
        ]
    )
    responsible = mixture.predict_proba(table.X)
    expected = -(responsible * given_component).sum(axis=1)
    assert_allclose(parts.reconstruction, expected, rtol=1e-6, atol=1e-6)


@few
@given(table=ugly())
def test_parts_of_the_default_model_add_up(table):
    detector = KLAnomalyDetector(calibration=None, random_state=0)
    detector.fit(table.X, sample_weight=table.weights)
    parts = detector.score_components(table.X)
    assert_allclose(
        parts.reconstruction + parts.posterior_divergence,
        -parts.log_density,
        rtol=1e-9,
        atol=1e-9,
    )
    assert (parts.posterior_divergence >= 0.0).all()
    expected = parts.marginal / 3 + 2 / 3 * (
        parts.reconstruction + 2.0 * parts.posterior_divergence
    )
    assert_allclose(-detector.score_samples(table.X), expected, rtol=1e-9, atol=1e-9)


def test_score_is_the_weighted_sum_of_parts():
    X, _ = overlapping(n=80)
    for beta, tau in ((1.0, 1.0), (3.0, 1.0), (0.0, 0.5), (2.0, 0.0)):
        detector = KLAnomalyDetector(
            quick_mixture(), beta=beta, dependence_weight=tau, random_state=0
        ).fit(X)
        parts = detector.score_components(X)
        joint = parts.reconstruction + beta * parts.posterior_divergence
        expected = -((1.0 - tau) * parts.marginal + tau * joint)
        assert_allclose(detector.score_samples(X), expected, atol=1e-9)


@pytest.mark.parametrize(
    "estimator",
    [
        EMGaussianMixture(2),
        GaussianMixture(2),
        KernelDensity(),
        make_pipeline(StandardScaler(), EMGaussianMixture(2)),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_weights_of_1_give_the_estimators_own_log_density(estimator):
    X, _ = overlapping(n=80)
    for settings_ in ({}, {"beta": 1.0, "dependence_weight": 1.0}):
        detector = KLAnomalyDetector(estimator, random_state=0, **settings_).fit(X)
        expected = detector.estimator_.score_samples(X)
        assert_allclose(detector.score_samples(X), expected, rtol=1e-12, atol=1e-12)
    assert (detector.beta_, detector.dependence_weight_) == (1.0, 1.0)


def test_weights_of_1_give_the_log_density_of_the_default_model():
    X, _ = overlapping(n=80)
    detector = KLAnomalyDetector(beta=1, dependence_weight=1, random_state=0).fit(X)
    expected = detector.estimator_.score_samples(X)
    assert_array_equal(detector.score_samples(X), expected)


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_columns_without_dependence_are_scored_by_their_marginals(covariance_type):
    X, _ = overlapping(n=80)
    mixture = quick_mixture(covariance_type=covariance_type)
    detector = KLAnomalyDetector(mixture, dependence_weight=0.0, random_state=0).fit(X)
    alone = sum(
        detector.estimator_._column_log_densities(X)[:, j] for j in range(X.shape[1])
    )
    assert_allclose(detector.score_samples(X), alone, atol=1e-9)


# Dependence


@given(d=st.integers(1, 4), seed=seeds)
def test_mean_dependence_of_one_gaussian_is_its_total_correlation(d, seed):
    X, _ = correlated(n=2000, d=d, seed=seed)
    detector = KLAnomalyDetector(EMGaussianMixture(), calibration=None).fit(X)
    covariance = detector.estimator_.covariances_[0]
    spread = np.sqrt(np.diag(covariance))
    total = -0.5 * np.linalg.slogdet(covariance / np.outer(spread, spread))[1]
    dependence = detector.score_components(X).dependence
    # The rows of the fit have the moments of the model, and c is quadratic in them.
    assert_allclose(dependence.mean(), total, atol=1e-8)


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_mean_dependence_over_samples_is_the_total_correlation(covariance_type):
    X, _ = overlapping(n=200)
    mixture = EMGaussianMixture(3, covariance_type=covariance_type)
    detector = KLAnomalyDetector(mixture, calibration=None, random_state=0).fit(X)
    dependence = detector.score_components(detector.sample(4000)).dependence
    axis = np.linspace(-12.0, 12.0, 300)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    density = np.exp(detector.score_samples(grid)) * (axis[1] - axis[0]) ** 2
    assert_allclose(density.sum(), 1.0, atol=1e-3)
    total = density @ detector.score_components(grid).dependence
    assert total > 0.0
    assert abs(dependence.mean() - total) < 4 * standard_error(dependence)


def test_dependence_of_independent_columns_is_0():
    X, _ = correlated()
    detector = KLAnomalyDetector(
        EMGaussianMixture(1, covariance_type="diag"), calibration=None
    ).fit(X)
    assert_allclose(detector.score_components(X).dependence, 0.0, atol=1e-9)


def test_mean_dependence_of_the_default_model_sees_a_copy_and_no_more():
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(2, 1000))
    means = [
        KLAnomalyDetector(calibration=None, random_state=0)
        .fit(X)
        .score_components(X)
        .dependence.mean()
        for X in (np.column_stack([x, noise]), np.column_stack([x, x + 0.1 * noise]))
    ]
    assert abs(means[0]) < 0.1
    assert means[1] > 1.0


# What must not matter


@few
@given(
    seed=seeds,
    units=st.lists(st.sampled_from([1e-12, 1e-3, 1.0, 1e9]), min_size=3, max_size=3),
    shift=st.sampled_from([0.0, 1.0, 1e3]),
)
def test_units_and_origins_of_columns_do_not_matter_to_the_default(seed, units, shift):
    X, _ = overlapping(n=80, d=3, seed=seed)
    moved = (X + shift) * units
    one, other = (KLAnomalyDetector(random_state=0).fit(rows) for rows in (X, moved))
    assert_allclose(
        other.score_samples(moved), one.score_samples(X), rtol=1e-6, atol=1e-6
    )
    assert_allclose(other.transform(moved), one.transform(X), rtol=1e-5, atol=1e-5)
    assert_allclose(other.offset_, one.offset_, rtol=1e-6, atol=1e-6)
    assert_allclose(other.p_values(moved), one.p_values(X))


@given(seed=seeds, units=st.sampled_from([[1e-6, 1.0], [1e3, 1e-9]]))
def test_units_of_columns_change_no_ranking_of_a_mixture(seed, units):
    X, _ = overlapping(n=60, seed=seed)
    found = []
    for rows in (X, X * units):
        mixture = quick_mixture(init_params="random")
        detector = KLAnomalyDetector(mixture, random_state=0).fit(rows)
        found.append(detector.score_samples(rows))
    gaps = [scores - scores.min() for scores in found]
    assert_allclose(gaps[0], gaps[1], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "estimator",
    [
        None,
        quick_mixture(),
        KernelDensity(),
        make_pipeline(PCA(), GaussianMixture()),
    ],
    ids=["default", "mixture", "kernel", "pipeline"],
)
def test_what_is_said_of_a_row_does_not_depend_on_the_others(estimator):
    X, _ = overlapping(n=100)
    detector = KLAnomalyDetector(estimator, random_state=0).fit(X)
    order = np.random.default_rng(0).permutation(100)
    for question in ("score_samples", "transform", "p_values"):
        ask = getattr(detector, question)
        together = ask(X)
        assert_allclose(ask(X[order]), together[order], rtol=1e-9, atol=1e-9)
        alone = np.concatenate([ask(X[i : i + 1]) for i in range(10)])
        assert_allclose(alone, together[:10], rtol=1e-9, atol=1e-9)
        blocks = np.concatenate([ask(X[:37]), ask(X[37:])])
        assert_allclose(blocks, together, rtol=1e-9, atol=1e-9)


# Columns


def closed_form(mean, covariance, X):
    """log p(x_j | the other columns) of one Gaussian."""
    precision = np.linalg.inv(covariance)
    variances = 1.0 / np.diag(precision)
    away = (X - mean) @ precision * variances
    return norm(0.0, np.sqrt(variances)).logpdf(away)


@given(d=st.integers(1, 4), seed=seeds, scaled=st.booleans())
def test_surprise_of_a_column_is_the_conditional_density_of_one_gaussian(
    d, seed, scaled
):
    X, _ = correlated(n=60, d=d, seed=seed)
    mixture = EMGaussianMixture()
    estimator = make_pipeline(StandardScaler(), mixture) if scaled else mixture
    detector = KLAnomalyDetector(estimator, calibration=None).fit(X)
    new, _ = correlated(n=20, d=d, seed=seed + 1)
    fitted = X.mean(axis=0), np.cov(X.T, bias=True).reshape(d, d)
    usual = closed_form(*fitted, X).mean(axis=0)
    expected = usual - closed_form(*fitted, new)
    assert_allclose(detector.transform(new), expected, rtol=1e-6, atol=1e-6)
    assert_allclose(detector.transform(X).mean(axis=0), 0.0, atol=1e-9)


def test_surprise_of_a_mixtures_column_is_the_ratio_of_densities():
    X, _ = overlapping(n=100)
    detector = KLAnomalyDetector(EMGaussianMixture(3), calibration=None, random_state=0)
    mixture = detector.fit(X).estimator_

    def without(x, j):
        def density(cell):
            row = x.copy()
            row[j] = cell
            return np.exp(mixture.score_samples(row[None])[0])

        return np.log(sum(quad(density, a, a + 4.0)[0] for a in range(-20, 20, 4)))

    conditional = np.array(
        [
            [mixture.score_samples(x[None])[0] - without(x, j) for j in range(2)]
            for x in X[:3]
        ]
    )
    surprises = detector.transform(X[:3])
    shift = surprises + conditional
    assert_allclose(shift, np.broadcast_to(shift[0], shift.shape), atol=1e-6)


@pytest.mark.parametrize("units", [(1.0, 1.0), (1.0, 100.0), (1e-3, 1.0)])
def test_surprise_of_a_plain_densitys_column_is_integrated(units):
    X, _ = overlapping(n=80)
    kernel = make_pipeline(StandardScaler(), KernelDensity(bandwidth=0.5))
    detector = KLAnomalyDetector(kernel, calibration=None).fit(X * units)
    fitted = detector.estimator_
    rows = X[:2] * units

    def brute(x, j):
        cells = np.linspace(-30, 30, 6001) * units[j]
        varied = np.repeat(x[None], len(cells), axis=0)
        varied[:, j] = cells
        log_joint = fitted.score_samples(varied)
        density = np.exp(log_joint - log_joint.max())
        given = density / (density.sum() * (cells[1] - cells[0]))
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(given > 0.0, given * np.log(given), 0.0)
        entropy = -terms.sum() * (cells[1] - cells[0])
        here = np.interp(x[j], cells, given)
        return -np.log(here) - entropy

    expected = [[brute(x, j) for j in range(2)] for x in rows]
    assert_allclose(detector.transform(rows), expected, atol=0.03)


def test_transformers_that_mix_columns_leave_surprises_to_columns_of_the_table():
    X, _ = correlated(n=100)
    plain = KLAnomalyDetector(EMGaussianMixture(), calibration=None).fit(X)
    turned = KLAnomalyDetector(
        make_pipeline(PCA(), EMGaussianMixture()), calibration=None
    ).fit(X)
    one, other = plain.transform(X), turned.transform(X)
    # The one is less its mean over rows, the other less the entropy: for one Gaussian
    # they are the same.
    assert_allclose(other, one, atol=0.05)


@pytest.mark.parametrize("order", [[2, 1, 0], [1, 0, 2], [1, 2, 0]])
@pytest.mark.parametrize("unit", [1.0, 1e-12])
def test_transformers_that_reorder_columns_do_not_blame_others(order, unit):
    X, _ = correlated(n=100)
    X = (X - X.mean(axis=0)) * unit
    move = ColumnTransformer([("moved", StandardScaler(), order)])
    detector = KLAnomalyDetector(
        make_pipeline(move, EMGaussianMixture()), calibration=None
    ).fit(X)
    strange = np.zeros((1, 3))
    for column in range(3):
        strange[:] = 0.0
        strange[0, column] = 50.0 * X.std(axis=0)[column]
        plain = KLAnomalyDetector(EMGaussianMixture(), calibration=None).fit(X)
        assert detector.transform(strange).argmax() == plain.transform(strange).argmax()


def test_a_column_swapped_between_two_rows_is_named():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 2)) @ rng.normal(size=(2, 6))
    X += 0.2 * X.std(axis=0) * rng.normal(size=X.shape)
    detector = KLAnomalyDetector(calibration=None, random_state=0).fit(X)
    squares = ((X - X.mean(axis=0)) / X.std(axis=0)) ** 2
    pairs = rng.choice(600, (100, 2))
    hits = hits_of_squares = 0
    for pair in pairs:
        column = rng.integers(6)
        rows, far = X[pair], squares[pair]
        rows[:, column], far[:, column] = rows[::-1, column], far[::-1, column]
        stranger = detector.score_samples(rows).argmin()
        hits += detector.transform(rows)[stranger].argmax() == column
        hits_of_squares += far[stranger].argmax() == column
    assert hits >= 60
    assert hits >= 2 * hits_of_squares


def test_a_column_far_out_is_named_by_every_kind_of_density():
    apart = np.random.default_rng(0).normal(size=(200, 4))
    strange = 8.0 * np.eye(4)
    for estimator in (None, EMGaussianMixture(), KernelDensity()):
        detector = KLAnomalyDetector(estimator, calibration=None, random_state=0)
        worst = detector.fit(apart).transform(strange).argmax(axis=1)
        assert_array_equal(worst, np.arange(4))


def test_dependence_of_a_plain_density_is_in_its_units():
    X, _ = overlapping(n=100)
    for unit in (1.0, 1e3):
        kernel = KernelDensity(bandwidth=0.3 * unit)
        detector = KLAnomalyDetector(kernel, calibration=None, random_state=0)
        parts = detector.fit(X * unit).score_components(X * unit)
        assert_allclose(parts.dependence - parts.marginal, parts.log_density)
        if unit == 1.0:
            expected = parts.dependence
    assert_allclose(parts.dependence, expected, atol=1e-4)


# Guarantees

N_REPETITIONS = 200
RATES = [0.01, 0.05, 0.1]


def simulated(estimator, rate, n_repetitions, n_rows, n_new):
    """Realised false-positive rates of detectors on new normal rows."""
    realised = []
    for seed in range(n_repetitions):
        rng = np.random.default_rng(seed)
        rows = rng.standard_t(4, size=(n_rows + n_new, 2))
        detector = KLAnomalyDetector(estimator, fpr=rate, random_state=seed)
        detector.fit(rows[:n_rows])
        realised.append((detector.predict(rows[n_rows:]) == -1).mean())
    return np.array(realised)


ONE_GAUSSIAN = EMGaussianMixture(1, covariance_type="diag")


@pytest.mark.parametrize(("rate", "n_rows"), [(0.01, 400), (0.05, 100), (0.1, 40)])
def test_false_positives_are_no_more_than_fpr_in_expectation(rate, n_rows):
    realised = simulated(ONE_GAUSSIAN, rate, N_REPETITIONS, n_rows, 200)
    assert realised.mean() <= rate + 2 * standard_error(realised)
    assert realised.mean() >= rate / 3  # and the guarantee is not bought with silence


def test_false_positives_of_the_default_model_are_no_more_than_fpr():
    realised = simulated(None, 0.1, 25, 60, 200)
    assert realised.mean() <= 0.1 + 2 * standard_error(realised)
    assert realised.mean() > 0.02


def test_weighted_calibration_keeps_the_rate_where_weights_say_nothing():
    realised = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        rows = rng.normal(size=(300, 2))
        weights = rng.uniform(0.5, 2.0, 100)
        detector = KLAnomalyDetector(ONE_GAUSSIAN, fpr=0.1, random_state=seed)
        detector.fit(rows[:100], sample_weight=weights)
        realised.append((detector.predict(rows[100:]) == -1).mean())
    assert np.mean(realised) <= 0.1 + 2 * standard_error(realised)


@pytest.mark.parametrize("fpr", [None, 0.1])
def test_p_values_of_normal_rows_are_no_smaller_than_uniform(fpr):
    p_values = []
    for seed in range(N_REPETITIONS):
        rows = np.random.default_rng(seed).normal(size=(80, 2))
        detector = KLAnomalyDetector(ONE_GAUSSIAN, fpr=fpr, random_state=seed)
        p_values.append(detector.fit(rows[:60]).p_values(rows[60:]))
    for rate in (0.0625, 0.1, 0.25, 0.5, 0.9):
        shares = np.mean(np.array(p_values) <= rate, axis=1)
        assert shares.mean() <= rate + 2 * standard_error(shares)


def test_share_of_normal_rows_among_those_selected_is_no_more_than_fdr():
    false, found = [], []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        reference, new = rng.normal(size=(400, 2)), rng.normal(size=(100, 2))
        new[:20] += 5.0
        detector = KLAnomalyDetector(ONE_GAUSSIAN, random_state=seed).fit(reference)
        selected = detector.select(new, fdr=0.2)
        false.append(selected[20:].sum() / max(selected.sum(), 1))
        found.append(selected[:20].mean())
    assert np.mean(false) <= 0.2 + 2 * standard_error(false)
    assert np.mean(found) > 0.9


def test_flags_and_p_values_draw_the_same_line():
    X, _ = overlapping(n=200)
    new, _ = overlapping(n=200, spread=3.0, seed=1)
    for fpr in RATES[1:]:
        detector = KLAnomalyDetector(quick_mixture(), fpr=fpr, random_state=0).fit(X)
        flagged = detector.predict(new) == -1
        assert_array_equal(flagged, detector.p_values(new) <= fpr)


@pytest.mark.parametrize("estimator", [None, quick_mixture(), KernelDensity()])
def test_ties_are_counted_however_rows_are_grouped(estimator):
    X = np.repeat(overlapping(n=10)[0], 20, axis=0)
    detector = KLAnomalyDetector(estimator, fpr=0.1, random_state=0).fit(X)
    together, labels = detector.p_values(X), detector.predict(X)
    alone = [detector.p_values(X[i : i + 1])[0] for i in range(0, 200, 20)]
    assert_array_equal(np.repeat(alone, 20), together)
    assert_array_equal(labels == -1, together <= 0.1)


def test_false_positives_among_ties_are_no_more_than_fpr():
    realised = []
    for seed in range(50):
        rows = np.random.default_rng(seed).integers(0, 3, size=(400, 2))
        detector = KLAnomalyDetector(ONE_GAUSSIAN, fpr=0.15, random_state=seed)
        detector.fit(rows[:200])
        realised.append((detector.predict(rows[200:]) == -1).mean())
    assert np.mean(realised) <= 0.15 + 2 * standard_error(realised)


def test_smaller_p_values_are_those_of_lower_scores():
    X, _ = overlapping(n=100)
    detector = KLAnomalyDetector(quick_mixture(), fpr=0.1, random_state=0).fit(X)
    order = np.argsort(detector.score_samples(X))
    p_values = detector.p_values(X)[order]
    assert (np.diff(p_values) >= 0.0).all()
    assert p_values.min() > 0.0
    assert p_values.max() <= 1.0
