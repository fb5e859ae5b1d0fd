"""``max_eigenvalue_ratio``: no component is much narrower than another, or wider."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from strategies import COVARIANCE_TYPES, overlapping, two_cigars

from skgen import EMGaussianMixture
from skgen.gaussian import STRUCTURES
from skgen.mixture._fitting import in_company, robustly_scaled

every_type = pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
every_ratio = pytest.mark.parametrize("ratio", [1.0, 2.0, 10.0])
others = [name for name, kind in STRUCTURES.items() if kind.storage is not kind]


def bounded(k, covariance_type, ratio, **parameters):
    parameters = {"random_state": 0, **parameters}
    return EMGaussianMixture(
        k, covariance_type=covariance_type, max_eigenvalue_ratio=ratio, **parameters
    )


def eigenvalues(mixture, X):
    """Those of all components, in units of the columns' standard deviations."""
    scale = np.nanstd(X, axis=0)
    if mixture.covariance_type == "spherical":  # which knows one unit only
        scale = np.full_like(scale, np.sqrt(np.mean(scale**2)))
    return np.linalg.eigvalsh(mixture._covariance_matrices() / np.outer(scale, scale))


@every_type
@every_ratio
def test_eigenvalues_are_within_the_ratio(covariance_type, ratio):
    X = two_cigars()[0] * [1.0, 1e3]
    mixture = bounded(3, covariance_type, ratio).fit(X)
    values = eigenvalues(mixture, X)
    assert values.max() <= ratio * values.min() * (1 + 1e-8)


@every_type
@every_ratio
def test_eigenvalues_are_within_the_ratio_where_cells_are_missing(
    covariance_type, ratio
):
    X = two_cigars()[0]
    X[np.random.default_rng(0).random(X.shape) < 0.2] = np.nan
    values = eigenvalues(bounded(2, covariance_type, ratio).fit(X), X)
    assert values.max() <= ratio * values.min() * (1 + 1e-8)


@every_type
@every_ratio
def test_plain_em_never_lowers_the_likelihood(covariance_type, ratio):
    X = overlapping()[0]
    mixture = bounded(3, covariance_type, ratio, acceleration=None, tol=1e-9).fit(X)
    assert (np.diff(mixture.lower_bounds_) >= 0.0).all()
    assert mixture.lower_bound_ == pytest.approx(mixture.score(X), abs=1e-10)
    assert mixture.converged_


@every_type
def test_ratio_of_1_gives_spheres_of_one_size(covariance_type):
    X = overlapping()[0]
    values = eigenvalues(bounded(3, covariance_type, 1.0).fit(X), X)
    assert_allclose(values, values[0, 0], rtol=1e-8)


@every_type
def test_ratio_that_does_not_bind_changes_nothing(covariance_type):
    X = overlapping()[0]
    free = EMGaussianMixture(3, covariance_type=covariance_type, random_state=0).fit(X)
    held = bounded(3, covariance_type, 1e9).fit(X)
    assert held.lower_bound_ == pytest.approx(free.lower_bound_, abs=1e-6)
    assert_allclose(held.means_, free.means_, atol=1e-2)


@every_type
def test_tighter_ratio_is_not_likelier(covariance_type):
    """From one start, the maximum of one component is a global one."""
    X = two_cigars()[0]
    bounds = [
        bounded(1, covariance_type, ratio).fit(X).lower_bound_
        for ratio in (1.0, 2.0, 5.0, 100.0, None)
    ]
    assert (np.diff(bounds) >= -1e-12).all()


def test_component_does_not_collapse_onto_a_heap_of_rows():
    X = np.vstack([overlapping(d=2)[0], np.ones((12, 2))])
    mixture = bounded(4, "full", 50.0).fit(X)  # no warning of a collapse
    values = eigenvalues(mixture, X)
    assert values.max() <= 50.0 * values.min() * (1 + 1e-8)


def test_ratio_goes_with_noise():
    rng = np.random.default_rng(0)
    X = np.vstack([overlapping()[0], rng.uniform(-15, 15, size=(20, 2))])
    mixture = bounded(3, "full", 4.0, noise="uniform").fit(X)
    # Units are those of rows that are not isolated.
    values = eigenvalues(mixture, X[in_company(robustly_scaled(X))])
    assert values.max() <= 4.0 * values.min() * (1 + 1e-8)
    assert mixture.noise_weight_ > 0.02


@pytest.mark.parametrize("covariance_type", [*others, "factor"])
def test_ratio_is_refused_where_the_constrained_maximum_is_not_known(covariance_type):
    message = rf"max_eigenvalue_ratio is for .* got .*'{covariance_type}'.* Set max_"
    with pytest.raises(ValueError, match=message):
        bounded(2, covariance_type, 3.0).fit(overlapping()[0])


@pytest.mark.parametrize("name", ["VVV", "EEE", "VVI", "VII"])
def test_mclusts_names_of_the_four_are_taken(name):
    assert bounded(2, name, 3.0).fit(overlapping()[0]).converged_


@pytest.mark.parametrize("ratio", [0.5, 0, -1.0, "wide"])
def test_ratio_below_1_is_refused(ratio):
    with pytest.raises(ValueError, match="'max_eigenvalue_ratio' parameter of EMGauss"):
        bounded(2, "full", ratio).fit(overlapping()[0])
