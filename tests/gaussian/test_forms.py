"""Laws of the two ways to evaluate a mixture, and of normalising."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.special import logsumexp, softmax
from strategies import covariances, parameters, seeds, structures

from skgen.gaussian import (
    CLASSICAL,
    FeatureForm,
    Frame,
    GaussianStatistics,
    MixtureParameters,
    Rows,
    WhitenedForm,
    normalise,
)
from skgen.gaussian._forms import MixedForm, form_for


@given(structure=structures, k=st.integers(1, 4), d=st.integers(1, 60), seed=seeds)
def test_both_forms_give_one_log_joint_density(structure, k, d, seed):
    rng = np.random.default_rng(seed)
    mixture = parameters(rng, structure, k, d)
    frame = Frame(np.zeros(d), np.ones(d))
    rows = Rows(rng.normal(size=(17, d)), None, frame)
    found = []
    for form in (FeatureForm(mixture), WhitenedForm(mixture)):
        loaded = np.empty((form.width(structure, d), 17))
        rows.load(form, structure, slice(0, 17), loaded)
        joint = form.log_joint(loaded, np.empty((k, 17)))
        found.append(joint + form.common(loaded))
    scale = mixture.amplification.max() * d
    assert_allclose(found[0], found[1], rtol=1e-9, atol=1e-14 * scale)


@pytest.mark.parametrize("covariance_type", ["full", "diag", "spherical"])
def test_tight_components_alone_are_whitened(covariance_type):
    rng = np.random.default_rng(0)
    structure, k, d = CLASSICAL[covariance_type], 4, 3
    given = covariances(rng, structure, k, d)
    given[[0, 2]] *= 1e-9
    mixture = MixtureParameters.of_covariances(
        structure, np.full(k, 0.25), rng.normal(size=(k, d)), given
    )
    form, whitened = form_for(mixture), WhitenedForm(mixture)
    assert isinstance(form, MixedForm)
    X = np.concatenate([mixture.means + 1e-5, rng.normal(size=(40, d))])
    rows = Rows(X, None, Frame(np.zeros(d), np.ones(d)))
    found = []
    for one in (form, whitened):
        loaded = np.empty((one.width(structure, d), len(X)))
        rows.load(one, structure, slice(0, len(X)), loaded)
        joint = one.log_joint(loaded, np.empty((k, len(X)))).copy()
        sums = one.no_sums()
        responsible = joint.copy()
        normalise(responsible, 1)
        one.add(sums, responsible, loaded)
        moments = GaussianStatistics(
            structure, *one.moments(sums, None), float(len(X)), np.zeros(1)
        )
        found.append((joint, moments.about(mixture.means)))
    assert_allclose(found[0][0], found[1][0], rtol=1e-9, atol=1e-8)
    for name in ("counts", "first", "second"):
        pair = (getattr(statistics, name) for _, statistics in found)
        assert_allclose(*pair, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
@given(k=st.integers(1, 5), seed=seeds, spread=st.sampled_from([1.0, 1e3, 1e300]))
def test_responsibilities_are_the_softmax(weighted, k, seed, spread):
    rng = np.random.default_rng(seed)
    joint = rng.normal(size=(k, 9)) * spread
    weights = rng.uniform(size=9) if weighted else None
    responsible = joint.copy()
    density = normalise(responsible, 1, weights)
    expected = softmax(joint, axis=0) * (1.0 if weights is None else weights)
    assert_allclose(responsible, expected, rtol=1e-12, atol=1e-290)
    assert_allclose(density[0], logsumexp(joint, axis=0), rtol=1e-12)


@given(seed=seeds)
def test_groups_are_normalised_each_on_its_own(seed):
    joint = np.random.default_rng(seed).normal(size=(6, 9))
    together = joint.copy()
    density = normalise(together, 2)
    for group in range(2):
        alone = joint[3 * group : 3 * group + 3].copy()
        assert_allclose(normalise(alone, 1)[0], density[group])
        assert_allclose(together[3 * group : 3 * group + 3], alone)


@pytest.mark.parametrize("k", [1, 50, 500])
@pytest.mark.parametrize("d", [1, 10, 20, 500])
def test_block_of_a_form_takes_a_few_megabytes(k, d):
    for structure in CLASSICAL.values():
        mixture = parameters(np.random.default_rng(0), structure, 2, d)
        form = type(form_for(mixture))
        numbers = form.width(structure, d) + 2 * k
        assert numbers * form.block_size(structure, k, d) * 8 < 40e6
