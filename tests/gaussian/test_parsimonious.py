"""The ten structures of equal and variable volume, shape and orientation.

Laws of their estimates and of EM with them; references of mclust.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from strategies import climb, parameters, seeds

from skgen.gaussian import (
    CLASSICAL,
    STRUCTURES,
    CovariancePrior,
    IllDefinedCovarianceError,
    Regularisation,
)

NAMES = ["EII", "EEI", "VEI", "EVI", "VEE", "EVE", "VVE", "EEV", "VEV", "EVV"]
ALIASES = {"VII": "spherical", "VVI": "diag", "EEE": "tied", "VVV": "full"}
INVARIANT = ["EEI", "VEI", "EVI", "VVI", "EEE", "VEE", "EVV", "VVV"]

# mclust 6, converged EM from the class labels, M-step first, no regularisation, on
# scikit-learn's tables: iris; wine, raw; breast_cancer, its first 10 columns, z-scored
# with ddof 0. Table, model, free parameters, log-likelihood after one M-step and
# converged. mclust stops short within the M-steps of VEE, EVE and VVE: theirs are
# bounds, and those of VVE on iris and wine what exact M-steps reach.
MCLUST = [
    ("iris", "EII", 15, -414.6979512733, -401.8021757890),
    ("iris", "VII", 17, -392.4984144985, -384.3140950608),
    ("iris", "EEI", 18, -364.5173643381, -361.4255220428),
    ("iris", "VEI", 20, -340.8360524756, -339.4687272607),
    ("iris", "EVI", 24, -342.9736984728, -340.0855807365),
    ("iris", "VVI", 26, -309.3627578939, -306.8604605062),
    ("iris", "EEE", 24, -256.6461842549, -256.3540431256),
    ("iris", "VEE", 26, None, -237.5601627960),
    ("iris", "EVE", 30, None, -234.1402350601),
    ("iris", "VVE", 32, None, -214.0532077881),
    ("iris", "EEV", 36, -215.1432631274, -214.8503788734),
    ("iris", "VEV", 38, -187.7097444050, -186.0732834038),
    ("iris", "EVV", 42, -209.4547976987, -205.5358808174),
    ("iris", "VVV", 44, -182.9208486053, -180.1854771313),
    ("wine", "EII", 42, -11987.6565707096, -11496.2837097832),
    ("wine", "VII", 44, -11772.3378632187, -11183.5173990900),
    ("wine", "EEI", 54, -3430.9279440192, -3422.7900932728),
    ("wine", "VEI", 56, -3392.2161997408, -3387.2480208551),
    ("wine", "EVI", 78, -3333.4523801937, -3309.9787453450),
    ("wine", "VVI", 80, -3299.0539093374, -3294.2618762069),
    ("wine", "EEE", 132, -3172.3999682977, -3171.2292779472),
    ("wine", "VEE", 134, None, -3134.0525512354),
    ("wine", "EVE", 156, None, -3040.5646684987),
    ("wine", "VVE", 158, None, -3008.2817565715),
    ("wine", "EEV", 288, -2920.4756351785, -2920.3463137656),
    ("wine", "VEV", 290, -2865.5444101791, -2865.2264777402),
    ("wine", "EVV", 312, -2844.5863341961, -2843.2252947280),
    ("wine", "VVV", 314, -2782.2613405203, -2781.2441281679),
    ("cancer", "EII", 22, -7070.7174487009, -7007.7615884480),
    ("cancer", "VII", 23, -6866.8234950154, -6776.8482776502),
    ("cancer", "EEI", 31, -6876.3094290744, -6782.1084888410),
    ("cancer", "VEI", 32, -6550.3678569651, -6470.8257547565),
    ("cancer", "EVI", 40, -6732.4423087940, -6669.1836712021),
    ("cancer", "VVI", 41, -6432.5402303909, -6315.9556679380),
    ("cancer", "EEE", 76, -2396.7395883954, -2304.5978368671),
    ("cancer", "VEE", 77, None, -1828.8375871233),
    ("cancer", "EVE", 85, None, -1988.0313264288),
    ("cancer", "VVE", 86, None, -1748.7229653201),
    ("cancer", "EEV", 121, -1834.3846840672, -1648.1923460799),
    ("cancer", "VEV", 122, -1693.0041757473, -1587.7534511642),
    ("cancer", "EVV", 130, -1588.8350682153, -1489.4547999698),
    ("cancer", "VVV", 131, -1453.9077575705, -1394.5580011999),
]
INEXACT = ("VEE", "EVE", "VVE")


def load(name):
    loader = {"iris": load_iris, "wine": load_wine, "cancer": load_breast_cancer}[name]
    X, labels = loader(return_X_y=True)
    if name == "cancer":
        X = X[:, :10]
        X = (X - X.mean(axis=0)) / X.std(axis=0)
    return X, labels


def scatters(rng, k, d, n_groups=1):
    """Counts and scatters, full, of components of unlike sizes and widths."""
    counts = rng.uniform(5.0, 50.0, n_groups * k)
    half = rng.normal(size=(n_groups * k, d, d + 3))
    half *= rng.uniform(0.2, 2.0, (n_groups * k, d, 1))
    covariances = half @ np.swapaxes(half, 1, 2) / (d + 3)
    return counts, covariances * counts[:, None, None]


def kept(structure, matrices):
    """What the storage keeps of full scatters."""
    diagonals = np.diagonal(matrices, axis1=1, axis2=2)
    return {
        CLASSICAL["full"]: matrices,
        CLASSICAL["diag"]: diagonals,
        CLASSICAL["spherical"]: diagonals.mean(axis=1),
    }[structure.storage]


def as_matrices(structure, covariances, d):
    if structure.matrices:
        return covariances
    return np.array([np.diag(np.broadcast_to(row, d)) for row in covariances])


def deviance(counts, scatters, matrices):
    """Twice the expected log-likelihood, negative, but for a constant."""
    traces = np.trace(np.linalg.solve(matrices, scatters), axis1=1, axis2=2)
    return (counts * np.linalg.slogdet(matrices)[1] + traces).sum()


cases = given(
    name=st.sampled_from(NAMES), k=st.integers(1, 4), d=st.integers(1, 5), seed=seeds
)


# References


@pytest.mark.parametrize(("table", "model", "df", "after_one", "converged"), MCLUST)
@pytest.mark.parametrize("accelerate", [False, True])
def test_em_from_labels_reaches_mclusts_likelihood(
    table, model, df, after_one, converged, accelerate
):
    X, labels = load(table)
    structure, k, d = STRUCTURES[model], labels.max() + 1, X.shape[1]
    run, first = climb(X, labels, structure, accelerate=accelerate)
    assert structure.n_parameters(k, d) + k * d + k - 1 == df
    assert run.best.bound * len(X) >= converged - 1e-6
    if model not in INEXACT:
        assert run.best.bound * len(X) == pytest.approx(converged, abs=1e-6)
        assert first == pytest.approx(after_one, abs=1e-6)


# Laws


@pytest.mark.parametrize("name", ALIASES)
def test_names_of_mclust_and_scikit_learn_are_one_structure(name):
    assert STRUCTURES[name] is STRUCTURES[ALIASES[name]]
    assert STRUCTURES[name].storage is STRUCTURES[name]


@cases
def test_estimates_lie_in_the_structure(name, k, d, seed):
    structure = STRUCTURES[name]
    counts, full = scatters(np.random.default_rng(seed), k, d)
    found = structure.estimate(counts, kept(structure, full))
    assert found.shape == structure.shape(k, d)
    matrices = as_matrices(structure, found, d)
    volumes = np.linalg.det(matrices) ** (1.0 / d)
    volume, shape, orientation = name
    if volume == "E":
        assert_allclose(volumes, volumes[0], rtol=1e-9)
    if shape in "EI":
        shapes = np.linalg.eigvalsh(matrices) / volumes[:, None]
        assert_allclose(shapes, np.broadcast_to(shapes[0], (k, d)), rtol=1e-8)
    if shape == "E" and orientation != "V":
        alike = matrices / volumes[:, None, None]
        assert_allclose(alike, np.broadcast_to(alike[0], alike.shape), atol=1e-8)
    if orientation == "E":
        products = matrices[:, None] @ matrices[None]
        assert_allclose(products, np.swapaxes(products, 0, 1), atol=1e-8)


@given(
    name=st.sampled_from([name for name in NAMES if name not in ("EVE", "VVE")]),
    k=st.integers(1, 4),
    d=st.integers(1, 5),
    seed=seeds,
)
def test_no_covariance_of_the_structure_is_likelier(name, k, d, seed):
    structure, rng = STRUCTURES[name], np.random.default_rng(seed)
    counts, full = scatters(rng, k, d)
    found = structure.estimate(counts, kept(structure, full))
    best = deviance(counts, full, as_matrices(structure, found, d))
    for width in (1e-3, 0.1, 1.0):
        noise = np.eye(d) + width * rng.normal(size=(k, d, d))
        other = noise @ full @ np.swapaxes(noise, 1, 2)
        near = structure.estimate(counts, kept(structure, other))
        other = deviance(counts, full, as_matrices(structure, near, d))
        assert other >= best - 1e-9 * abs(best)


@given(name=st.sampled_from(["EVE", "VVE"]), k=st.integers(1, 4), seed=seeds)
def test_no_axes_nearby_are_likelier(name, k, seed):
    structure, rng, d = STRUCTURES[name], np.random.default_rng(seed), 4
    counts, full = scatters(rng, k, d)
    found = structure.estimate(counts, full)
    best = deviance(counts, full, found)
    for width in (1e-3, 1e-2):
        turn = np.linalg.qr(np.eye(d) + width * rng.normal(size=(d, d)))[0]
        near = turn @ found @ turn.T
        assert deviance(counts, full, near) >= best - 1e-7 * abs(best)


@cases
def test_estimate_is_at_least_as_likely_as_the_covariances_before(name, k, d, seed):
    structure, rng = STRUCTURES[name], np.random.default_rng(seed)
    counts, full = scatters(rng, k, d)
    other_counts, other = scatters(rng, k, d)
    previous = structure.estimate(other_counts, kept(structure, other))
    found = structure.estimate(counts, kept(structure, full), previous)
    before = deviance(counts, full, as_matrices(structure, previous, d))
    assert deviance(counts, full, as_matrices(structure, found, d)) <= (
        before + 1e-9 * abs(before)
    )


@cases
def test_mixtures_behind_each_other_are_estimated_each_for_itself(name, k, d, seed):
    structure, rng = STRUCTURES[name], np.random.default_rng(seed)
    counts, full = scatters(rng, k, d, n_groups=3)
    given = kept(structure, full)
    before = structure.estimate(counts, given[::-1], n_groups=3)
    together = structure.estimate(counts, given, before, n_groups=3)
    for group in range(3):
        one = slice(group * k, (group + 1) * k)
        alone = structure.estimate(counts[one], given[one], before[one])
        assert_allclose(together[one], alone, rtol=1e-6, atol=1e-7)


@given(name=st.sampled_from(NAMES), accelerate=st.booleans(), seed=seeds)
def test_em_never_lowers_the_likelihood(name, accelerate, seed):
    rng = np.random.default_rng(seed)
    k, d = int(rng.integers(1, 4)), int(rng.integers(1, 5))
    labels = np.arange(150) % k
    X = rng.normal(size=(150, d)) @ rng.normal(size=(d, d))
    X += 2.0 * rng.normal(size=(k, d))[labels]
    bounds = []
    structure = STRUCTURES[name]
    run, first = climb(X, labels, structure, 30, accelerate, floor=1e-10)
    bounds = [first / len(X), *run.bounds]
    assert (np.diff(bounds) >= -1e-10).all()
    if not accelerate:  # `bounds` are the best so far: what was reached is the last
        assert run.best.bound == pytest.approx(run.bounds[-1], abs=1e-10)


@pytest.mark.parametrize("name", [*NAMES, *ALIASES])
def test_likelihood_knows_no_units_of_columns_just_where_it_says_so(name):
    X, labels = load("iris")
    units = np.array([0.1, 1.0, 7.0, 300.0])
    structure = STRUCTURES[name]
    assert structure.isotropic == (name not in INVARIANT)
    before = climb(X, labels, structure)[0].best.bound
    after = climb(X * units, labels, structure)[0].best.bound
    same = abs(after + np.log(units).sum() - before) < 1e-8
    assert same == (name in INVARIANT)


@cases
def test_one_component_is_the_classical_structure(name, k, d, seed):
    structure = STRUCTURES[name]
    counts, full = scatters(np.random.default_rng(seed), 1, d)
    given = kept(structure, full)
    expected = structure.storage.estimate(counts, given)
    assert_allclose(structure.estimate(counts, given), expected, rtol=1e-8, atol=1e-9)


# Edges


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n_rows", [0, 1, 2])
def test_floor_holds_components_of_fewer_rows_than_columns(name, n_rows):
    structure, rng = STRUCTURES[name], np.random.default_rng(0)
    counts, full = scatters(rng, 3, 4)
    rows = rng.normal(size=(n_rows, 4))
    full[1], counts[1] = rows.T @ rows, max(n_rows, 1)
    given = kept(structure, full)
    found = Regularisation(floor=1e-6).covariances(structure, counts, given)
    assert np.isfinite(found).all()
    structure.factor(found)
    smallest = np.linalg.eigvalsh(as_matrices(structure, found, 4)).min()
    assert smallest >= 1e-6 * (1.0 - 1e-6) * counts.min() / counts.sum()


@pytest.mark.parametrize("name", NAMES)
def test_collapsed_component_without_a_floor_is_an_error_of_its_own(name):
    structure, rng = STRUCTURES[name], np.random.default_rng(0)
    counts, full = scatters(rng, 3, 4)
    full[:, :, 1] = full[:, 1] = 0.0  # a column that is constant in all of them
    given = kept(structure, full) if name != "EII" else np.zeros(3)
    with pytest.raises(IllDefinedCovarianceError):
        structure.factor(Regularisation().covariances(structure, counts, given))


@pytest.mark.parametrize("name", NAMES)
def test_ridge_leaves_estimates_in_the_structure(name):
    structure, rng = STRUCTURES[name], np.random.default_rng(0)
    counts, full = scatters(rng, 3, 4)
    full[0] = 0.0
    held = Regularisation(ridge=np.full(4, 0.1))
    found = held.covariances(structure, counts, kept(structure, full))
    full += 0.1 * counts[:, None, None] * np.eye(4)
    assert_allclose(found, structure.estimate(counts, kept(structure, full)))


@pytest.mark.parametrize("name", NAMES)
def test_pseudo_rows_are_rows_of_each_component(name):
    structure, rng = STRUCTURES[name], np.random.default_rng(0)
    counts, full = scatters(rng, 3, 4)
    matrix = full[2] / counts[2]
    prior = CovariancePrior.of_matrix(structure, 6.0, matrix)
    held = Regularisation(floor=1e-10, prior=prior)
    found = held.covariances(structure, counts, kept(structure, full))
    expected = structure.estimate(counts + 6.0, kept(structure, full + 6.0 * matrix))
    assert_allclose(found, expected, atol=1e-6)  # axes are known to no more digits
    mixture = parameters(rng, structure, 3, 4)
    assert prior.log_density(mixture) < 0.0


@pytest.mark.parametrize("name", NAMES)
def test_component_without_rows_leaves_the_others_as_they_are_without_it(name):
    structure, rng = STRUCTURES[name], np.random.default_rng(0)
    counts, full = scatters(rng, 3, 4)
    given = kept(structure, full)
    before = structure.estimate(counts, given[::-1])
    counts[1] = 1e-14 * counts.sum()
    given = given.copy()
    given[1] = structure.scatters_of(counts, before)[1]  # as `maximise` has it
    held, others = Regularisation(floor=1e-10), [0, 2]
    found = held.covariances(structure, counts, given, before)
    alone = held.covariances(structure, counts[others], given[others], before[others])
    structure.factor(found)
    if name not in ("EVE", "VVE"):  # whose steps from the axes before are few
        assert_allclose(found[others], alone, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", ["EVE", "VVE"])
def test_axes_are_found_again_where_variances_cross(name):
    # Components with the same axes of which the sum has no axes of its own.
    structure = STRUCTURES[name]
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    variances = np.array([[4.0, 1.0, 0.25], [0.25, 1.0, 4.0]])
    matrices = np.array([(turn * row) @ turn.T for row in variances])
    found = structure.estimate(np.full(2, 10.0), 10.0 * matrices)
    assert_allclose(found, matrices, atol=1e-6)
    again = structure.estimate(np.full(2, 10.0), 10.0 * matrices, found)
    assert_allclose(again, matrices, atol=1e-8)
