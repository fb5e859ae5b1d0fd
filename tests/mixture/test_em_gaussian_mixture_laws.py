"""Laws: what the mathematics says of every mixture fitted to any table."""

import numpy as np
import pytest
import threadpoolctl
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import quad
from strategies import (
    COVARIANCE_TYPES,
    accelerations,
    covariance_types,
    initial,
    overlapping,
    rotations,
    seeds,
    two_cigars,
    ugly,
    well_posed,
)

from skgen import EMGaussianMixture
from skgen.gaussian import FeatureForm, WhitenedForm

# Ugly tables collapse components, and short runs do not converge: both are said.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

n_components = st.integers(1, 4)


def enough_rows(table, k):
    n = len(table.X) if table.weights is None else np.count_nonzero(table.weights)
    assume(n >= max(2, k))


def from_labels(table, covariance_type, **parameters):
    """A mixture that starts from the table's own groups."""
    return EMGaussianMixture(
        len(np.unique(table.labels)),
        covariance_type=covariance_type,
        **{**initial(table.X, table.labels, covariance_type), **parameters},
    )


# The likelihood


@settings(max_examples=2 * settings.default.max_examples)
@given(
    table=ugly(),
    k=n_components,
    covariance_type=covariance_types,
    acceleration=accelerations,
    init_params=st.sampled_from(["auto", "random", "random_from_data"]),
    seed=seeds,
)
def test_bounds_never_fall_and_end_in_the_score(
    table, k, covariance_type, acceleration, init_params, seed
):
    enough_rows(table, k)
    mixture = EMGaussianMixture(
        k,
        covariance_type=covariance_type,
        acceleration=acceleration,
        init_params=init_params,
        max_iter=60,
        random_state=seed,
    ).fit(table.X, sample_weight=table.weights)
    assert mixture.lower_bounds_ == sorted(mixture.lower_bounds_)
    assert mixture.lower_bounds_[-1] == mixture.lower_bound_
    assert len(mixture.lower_bounds_) == mixture.n_iter_
    score = mixture.score(table.X, sample_weight=table.weights)
    assert_allclose(score, mixture.lower_bound_, rtol=1e-6, atol=1e-6)
    for name in ("weights_", "means_", "covariances_", "precisions_"):
        assert np.isfinite(getattr(mixture, name)).all()


@given(table=well_posed(), k=n_components, covariance_type=covariance_types, seed=seeds)
def test_one_more_iteration_is_no_worse(table, k, covariance_type, seed):
    enough_rows(table, k)
    scores = [
        EMGaussianMixture(
            k,
            covariance_type=covariance_type,
            init_params="random",
            max_iter=max_iter,
            random_state=seed,
        )
        .fit(table.X, sample_weight=table.weights)
        .score(table.X, sample_weight=table.weights)
        for max_iter in range(6)
    ]
    assert (np.diff(scores) >= -1e-9).all()


@given(table=ugly(), k=n_components, covariance_type=covariance_types, seed=seeds)
def test_more_starts_are_no_worse(table, k, covariance_type, seed):
    enough_rows(table, k)
    bounds = [
        EMGaussianMixture(
            k,
            covariance_type=covariance_type,
            init_params="random_from_data",
            n_init=n_init,
            max_iter=15,
            random_state=seed,
        )
        .fit(table.X, sample_weight=table.weights)
        .lower_bound_
        for n_init in (1, 2, 4)
    ]
    assert bounds == sorted(bounds)


@pytest.mark.parametrize("covariance_type", ["tied", "diag", "spherical"])
def test_richer_covariances_are_no_less_likely(covariance_type):
    X, labels = overlapping(n=200)
    fit = {
        kind: EMGaussianMixture(3, covariance_type=kind, **initial(X, labels, kind))
        .fit(X)
        .score(X)
        for kind in (covariance_type, "full")
    }
    assert fit["full"] >= fit[covariance_type] - 1e-8


# Probabilities


@given(table=ugly(), k=n_components, covariance_type=covariance_types, seed=seeds)
def test_responsibilities_are_probabilities_and_labels_their_largest(
    table, k, covariance_type, seed
):
    enough_rows(table, k)
    mixture = EMGaussianMixture(
        k, covariance_type=covariance_type, max_iter=10, random_state=seed
    ).fit(table.X, sample_weight=table.weights)
    responsible = mixture.predict_proba(table.X)
    assert (responsible >= 0.0).all()
    assert_allclose(responsible.sum(axis=1), 1.0, rtol=1e-9)
    assert_array_equal(mixture.predict(table.X), responsible.argmax(axis=1))
    assert_array_equal(mixture.transform(table.X), responsible)
    assert_allclose(mixture.weights_.sum(), 1.0)


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_density_integrates_to_one(covariance_type, scale):
    X, _ = overlapping(d=1)
    mixture = EMGaussianMixture(3, covariance_type=covariance_type, random_state=0)
    mixture.fit(X * scale)

    def density(x):
        return scale * np.exp(mixture.score_samples([[x * scale]])[0])

    total = sum(quad(density, a, a + 2.0, epsabs=1e-10)[0] for a in range(-30, 30, 2))
    assert total == pytest.approx(1.0, abs=1e-8)


@given(table=ugly(), covariance_type=covariance_types, seed=seeds)
def test_what_is_said_of_a_row_does_not_depend_on_the_others(
    table, covariance_type, seed
):
    mixture = EMGaussianMixture(
        2, covariance_type=covariance_type, max_iter=10, random_state=seed
    ).fit(table.X, sample_weight=table.weights)
    together = mixture.score_samples(table.X), mixture.predict_proba(table.X)
    some = np.random.default_rng(seed).permutation(len(table.X))[:7]
    assert_allclose(
        mixture.score_samples(table.X[some]), together[0][some], rtol=1e-9, atol=1e-9
    )
    assert_allclose(
        mixture.predict_proba(table.X[some]), together[1][some], rtol=1e-7, atol=1e-9
    )


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_samples_have_the_moments_of_the_model(covariance_type):
    X, _ = two_cigars()
    mixture = EMGaussianMixture(2, covariance_type=covariance_type, random_state=0)
    mixture.fit(X)
    drawn, labels = mixture.sample(40_000)
    counts = np.bincount(labels, minlength=2)
    assert_allclose(counts / counts.sum(), mixture.weights_, atol=0.01)
    expected = np.array(
        {
            "full": lambda c: c,
            "tied": lambda c: [c, c],
            "diag": lambda c: [np.diag(row) for row in c],
            "spherical": lambda c: [np.eye(2) * value for value in c],
        }[covariance_type](mixture.covariances_)
    )
    for k in range(2):
        mine = drawn[labels == k]
        spread = np.sqrt(np.diag(expected[k]))
        assert_allclose(mine.mean(axis=0), mixture.means_[k], atol=0.05 * spread.max())
        deviation = (np.cov(mine.T) - expected[k]) / np.outer(spread, spread)
        assert np.abs(deviation).max() < 0.05


def test_fit_of_samples_finds_the_model_again():
    X, _ = two_cigars(400)
    model = EMGaussianMixture(2, random_state=0).fit(X)
    again = EMGaussianMixture(2, random_state=0).fit(model.sample(20_000)[0])
    order = np.argsort(model.means_[:, 0]), np.argsort(again.means_[:, 0])
    assert_allclose(again.means_[order[1]], model.means_[order[0]], atol=0.2)
    assert_allclose(again.weights_[order[1]], model.weights_[order[0]], atol=0.02)


# Weights


@given(table=well_posed(weighted=False), covariance_type=covariance_types, seed=seeds)
def test_integer_weights_are_repetitions(table, covariance_type, seed):
    times = np.random.default_rng(seed).integers(0, 4, len(table.X))
    times[:6] = 1
    k = min(2, len(np.unique(table.labels)))
    fits = [
        EMGaussianMixture(k, covariance_type=covariance_type, random_state=0).fit(
            X, sample_weight=weights
        )
        for X, weights in (
            (np.repeat(table.X, times, axis=0), None),
            (table.X, times),
        )
    ]
    assert_allclose(fits[0].lower_bound_, fits[1].lower_bound_, rtol=1e-7, atol=1e-7)
    assert_allclose(
        fits[0].score_samples(table.X),
        fits[1].score_samples(table.X),
        rtol=1e-3,
        atol=1e-3,
    )


@given(table=ugly(weighted=True), covariance_type=covariance_types, seed=seeds)
def test_weight_of_zero_is_removal_to_the_last_bit(table, covariance_type, seed):
    kept = np.random.default_rng(seed).uniform(size=len(table.X)) < 0.7
    kept[:5] = True
    weights = np.where(kept, np.maximum(table.weights, 1e-3), 0.0)
    zero, removed = (
        EMGaussianMixture(
            2, covariance_type=covariance_type, max_iter=20, random_state=0
        ).fit(X, sample_weight=w)
        for X, w in ((table.X, weights), (table.X[kept], weights[kept]))
    )
    assert_array_equal(zero.means_, removed.means_)
    assert_array_equal(zero.covariances_, removed.covariances_)
    assert zero.lower_bounds_ == removed.lower_bounds_


@given(table=well_posed(), covariance_type=covariance_types)
def test_unit_of_the_weights_does_not_matter(table, covariance_type):
    weights = np.ones(len(table.X)) if table.weights is None else table.weights
    fits = [
        from_labels(table, covariance_type).fit(table.X, sample_weight=weights * unit)
        for unit in (1.0, 1e-300, 1e300)
    ]
    for other in fits[1:]:
        assert_allclose(other.lower_bound_, fits[0].lower_bound_, rtol=1e-7, atol=1e-7)


def test_weights_of_one_are_no_weights():
    X, _ = overlapping()
    fits = [
        EMGaussianMixture(3, random_state=0).fit(X, sample_weight=weights)
        for weights in (None, np.ones(len(X)))
    ]
    assert_allclose(fits[0].means_, fits[1].means_, rtol=1e-6)


# Symmetries: what the answer must not depend on


def compare(one, other, X, moved, shift, tolerance=1e-5):
    """The other's log-densities are the one's, up to a constant."""
    assert_allclose(
        other.score_samples(moved),
        one.score_samples(X) - shift,
        rtol=tolerance,
        atol=tolerance,
    )
    assert_allclose(other.lower_bound_, one.lower_bound_ - shift, atol=tolerance)


@given(table=well_posed(), covariance_type=covariance_types, seed=seeds)
def test_order_of_rows_does_not_matter(table, covariance_type, seed):
    order = np.random.default_rng(seed).permutation(len(table.X))
    weights = None if table.weights is None else table.weights[order]
    k = len(np.unique(table.labels))
    one, other = (
        EMGaussianMixture(
            k, covariance_type=covariance_type, max_iter=10, tol=0.0, random_state=0
        ).fit(X, sample_weight=w)
        for X, w in ((table.X, table.weights), (table.X[order], weights))
    )
    compare(one, other, table.X, table.X, 0.0)


@given(table=well_posed(), covariance_type=covariance_types, seed=seeds)
def test_units_and_origins_of_columns_do_not_matter(table, covariance_type, seed):
    rng = np.random.default_rng(seed)
    d = table.X.shape[1]
    stretch = 10.0 ** rng.uniform(-8, 8, d)
    if covariance_type == "spherical":
        stretch[:] = stretch[0]  # one variance, one unit
    offset = rng.normal(size=d) * 100
    moved = (table.X + offset) * stretch
    k = len(np.unique(table.labels))
    one, other = (
        EMGaussianMixture(
            k, covariance_type=covariance_type, max_iter=10, tol=0.0, random_state=0
        ).fit(X, sample_weight=table.weights)
        for X in (table.X, moved)
    )
    compare(one, other, table.X, moved, np.log(stretch).sum())
    assert_allclose(other.means_, (one.means_ + offset) * stretch, rtol=1e-5)


@given(
    data=st.data(),
    table=well_posed(),
    covariance_type=st.sampled_from(["full", "tied", "spherical"]),
)
def test_rotation_of_rows_does_not_matter(data, table, covariance_type):
    rotation = data.draw(rotations(table.X.shape[1]))
    turned = table.X @ rotation
    fits = []
    for X in (table.X, turned):
        start = initial(X, table.labels, covariance_type)
        mixture = EMGaussianMixture(
            len(start["weights_init"]),
            covariance_type=covariance_type,
            acceleration=None,  # how far a leap goes depends on the axes
            max_iter=10,
            tol=0.0,
            **start,
        )
        fits.append(mixture.fit(X, sample_weight=table.weights))
    compare(*fits, table.X, turned, 0.0)
    assert_allclose(fits[1].means_, fits[0].means_ @ rotation, atol=1e-5)


@given(table=well_posed(max_features=3), seed=seeds)
def test_shear_of_columns_does_not_matter_to_matrices(table, seed):
    d = table.X.shape[1]
    shear = np.eye(d) + np.triu(np.random.default_rng(seed).normal(size=(d, d)), 1)
    moved = table.X @ shear
    one, other = (
        EMGaussianMixture(
            len(np.unique(table.labels)),
            acceleration=None,
            max_iter=10,
            tol=0.0,
            **initial(X, table.labels, "full"),
        ).fit(X, sample_weight=table.weights)
        for X in (table.X, moved)
    )
    compare(one, other, table.X, moved, 0.0)


@given(table=well_posed(), covariance_type=covariance_types)
def test_order_of_components_does_not_matter(table, covariance_type):
    start = initial(table.X, table.labels, covariance_type)
    k = len(start["weights_init"])
    turned = {
        name: array
        if covariance_type == "tied" and name == "precisions_init"
        else array[::-1]
        for name, array in start.items()
    }
    one, other = (
        EMGaussianMixture(
            k, covariance_type=covariance_type, max_iter=10, tol=0.0, **given
        ).fit(table.X, sample_weight=table.weights)
        for given in (start, turned)
    )
    compare(one, other, table.X, table.X, 0.0)
    assert_allclose(other.weights_[::-1], one.weights_, rtol=1e-5)


# The engine


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
@pytest.mark.parametrize("d", [2, 30])
def test_number_of_threads_changes_nothing_to_the_last_bit(covariance_type, d):
    X, _ = overlapping(n=3000, d=d)
    fits = []
    for n_threads in (1, 2):
        with threadpoolctl.threadpool_limits(n_threads, user_api="openmp"):
            mixture = EMGaussianMixture(
                3, covariance_type=covariance_type, max_iter=5, random_state=0
            )
            fits.append(mixture.fit(X))
            fits[-1].scores = mixture.score_samples(X)
    assert_array_equal(fits[0].means_, fits[1].means_)
    assert_array_equal(fits[0].covariances_, fits[1].covariances_)
    assert fits[0].lower_bounds_ == fits[1].lower_bounds_
    assert_array_equal(fits[0].scores, fits[1].scores)


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_size_of_blocks_changes_nothing_but_rounding(covariance_type, monkeypatch):
    X, labels = overlapping(n=400)
    fits = []
    for size in (3, 100, 10**6):
        for form in (FeatureForm, WhitenedForm):
            monkeypatch.setattr(form, "block_size", lambda *_, size=size: size)
        mixture = EMGaussianMixture(
            3,
            covariance_type=covariance_type,
            max_iter=10,
            tol=0.0,
            **initial(X, labels, covariance_type),
        )
        fits.append(mixture.fit(X))
    for other in fits[1:]:
        compare(fits[0], other, X, X, 0.0, tolerance=1e-8)


@given(table=well_posed(), covariance_type=covariance_types)
def test_plain_em_cannot_climb_from_where_either_kind_of_fit_ends(
    table, covariance_type
):
    fits = [
        from_labels(table, covariance_type, acceleration=acceleration).fit(
            table.X, sample_weight=table.weights
        )
        for acceleration in ("squarem", None)
    ]
    assume(all(fit.converged_ for fit in fits))
    # Both may end in a maximum of their own; each is one: EM cannot leave it.
    for fit in fits:
        on = EMGaussianMixture(
            fit.n_components,
            covariance_type=covariance_type,
            weights_init=fit.weights_,
            means_init=fit.means_,
            precisions_init=fit.precisions_,
            acceleration=None,
            max_iter=20,
            tol=0.0,
        ).fit(table.X, sample_weight=table.weights)
        assert on.lower_bound_ - fit.lower_bound_ < 1e-5
