"""Laws: what the mathematics says of every variational autoencoder."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from scipy.special import logsumexp
from strategies import seeds

from skgen import VariationalAutoencoder
from skgen.autoencoder import _evaluation, _learning
from skgen.autoencoder._evaluation import Rows
from skgen.autoencoder._learning import Objective, TrainingRows, loss_of
from skgen.divergences import kl_divergence

from .models import QUICK, cases, inverse_softplus, linear, scrambled

# Random weights tell rows apart or not.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

draws = st.sampled_from([1, 2, 5, 16])


# Bounds


@given(case=cases(), n_draws=draws)
def test_evidence_bound_is_below_the_importance_bound_of_the_same_draws(case, n_draws):
    options = {"n_importance_samples": n_draws}
    evidence = case.model.elbo(case.X, case.y, **options)
    importance = case.model.score_samples(case.X, case.y, **options)
    assert (evidence.elbo <= importance + 1e-9).all()
    if n_draws == 1 and (case.y is not None or not case.model.conditional):
        # the divergence is no less than 0, where its estimate by one draw may be
        expected = np.minimum(importance, evidence.reconstruction)
        assert_allclose(evidence.elbo, expected, rtol=1e-9)
    assert (evidence.kl >= 0.0).all()
    assert_allclose(evidence.elbo, evidence.reconstruction - evidence.kl, rtol=1e-9)


@given(case=cases(conditional=True), n_draws=draws)
def test_bounds_are_in_order_where_y_is_summed_over(case, n_draws):
    options = {"n_importance_samples": n_draws}
    evidence = case.model.elbo(case.X, **options)
    importance = case.model.score_samples(case.X, **options)
    assert (evidence.elbo <= importance + 1e-9).all()


@pytest.mark.parametrize("prior", ["normal", "mixture", "vamp"])
@settings(max_examples=5)
@given(data=st.data())
def test_importance_bound_rises_with_the_number_of_draws_on_average(prior, data):
    case = data.draw(cases(prior=prior))
    means = []
    for n_draws in (2, 8, 32, 128):
        bounds = []
        for seed in range(8):
            case.model._noise_seed = seed
            bounds.append(
                case.model.score_samples(
                    case.X, case.y, n_importance_samples=n_draws
                ).mean()
            )
        means.append(np.mean(bounds))
    error = np.std(bounds)
    assert (np.diff(means) > -0.02 - error).all()
    assert means[-1] >= means[0]


@given(seed=seeds, n_columns=st.integers(2, 5), n_latents=st.integers(1, 2))
def test_exact_posteriors_make_both_bounds_the_log_density(seed, n_columns, n_latents):
    known = linear(seed, n_columns, n_latents)
    expected = known.law().logpdf(known.X)
    for n_draws in (2, 128):
        bound = known.model.score_samples(known.X, n_importance_samples=n_draws)
        assert_allclose(bound, expected, rtol=1e-7, atol=1e-7)
        bound = known.model.elbo(known.X, n_importance_samples=n_draws).elbo
        assert_allclose(bound, expected, rtol=1e-7, atol=1e-7)


@settings(max_examples=8)
@given(seed=seeds)
def test_other_posteriors_bound_the_log_density_from_below(seed):
    known = linear(seed, posterior="another")
    exact = known.law().logpdf(known.X)
    assert (known.model.elbo(known.X).elbo < exact).all()
    bounds = {8: [], 64: [], 512: []}
    for n_draws, each in bounds.items():
        for known.model._noise_seed in range(12):
            options = {"n_importance_samples": n_draws}
            each.append(known.model.score_samples(known.X, **options).mean())
    means = [np.mean(each) for each in bounds.values()]
    error = np.std(bounds[8]) / np.sqrt(12)
    assert (np.diff(means) > -3.0 * error).all()
    assert max(means) <= exact.mean() + 3.0 * error
    assert means[-1] == pytest.approx(exact.mean(), abs=0.02)


@given(seed=seeds)
def test_density_of_rows_with_holes_is_that_of_the_cells_seen(seed):
    known = linear(seed, posterior="prior")
    rng = np.random.default_rng(seed)
    X = known.X.copy()
    X[rng.uniform(size=X.shape) < 0.3] = np.nan
    X = X[~np.isnan(X).all(axis=1)]
    told = known.model.score_samples(X, n_importance_samples=4096)
    expected = []
    for row in X:
        seen = ~np.isnan(row)
        expected.append(known.law(seen).logpdf(row[seen]))
    assert_allclose(told, expected, atol=0.15)
    assert np.mean(told - expected) == pytest.approx(0.0, abs=0.02)


# The KL divergence


@given(case=cases(prior="normal", conditional=False))
def test_kl_part_is_the_closed_form_for_the_normal_prior(case):
    mean, scale = posterior(case)
    expected = kl_divergence(stats.norm(mean, scale), stats.norm()).sum(axis=1)
    for n_draws in (2, 128):
        told = case.model.elbo(case.X, n_importance_samples=n_draws).kl
        assert_allclose(told, expected, rtol=1e-7, atol=1e-7)


@given(case=cases(prior="mixture", conditional=False))
def test_kl_part_is_the_closed_form_for_a_mixture_of_one(case):
    parameters = case.model.parameters_
    for name in ("prior.means", "prior.raw_scales"):
        parameters[name] = np.tile(parameters[name][:1], (10, 1))
    centre = parameters["prior.means"][0].astype(float)
    spread = np.logaddexp(0.0, parameters["prior.raw_scales"][0].astype(float)) + 1e-3
    mean, scale = posterior(case)
    prior = stats.norm(np.tile(centre, (len(mean), 1)), spread)
    expected = kl_divergence(stats.norm(mean, scale), prior).sum(axis=1)
    assert_allclose(case.model.elbo(case.X).kl, expected, rtol=1e-6, atol=1e-6)


def posterior(case):
    """Mean and scale of q(z|x)."""
    model = case.model._model(np.float64)
    cells, mask, _ = case.model._plan().standardise(case.model._read(case.X))
    arrays = torch.as_tensor(cells), torch.as_tensor(mask.astype(float))
    mean, scale = (each.numpy() for each in model.encode(*arrays, None))
    assert_array_equal(case.model.transform(case.X), mean)
    return mean, scale


# Units


@given(
    case=cases(conditional=False), factor=st.floats(1e-5, 1e5), shift=st.floats(-9, 9)
)
def test_units_of_the_maps_shift_the_score_by_the_log_jacobian(case, factor, shift):
    """The same model in other units: what it says of rows in them."""
    before = case.model.score_samples(case.X)
    state = case.model._marginals_state
    column = np.arange(5) == 1
    case.model._marginals_state = {
        **state,
        "shift": np.where(column, state["shift"] * factor + shift, state["shift"]),
        "scale": np.where(column, state["scale"] * factor, state["scale"]),
    }
    X = np.where(column, case.X * factor + shift, case.X)
    expected = before - np.log(factor) * ~np.isnan(X[:, 1])
    assert_allclose(case.model.score_samples(X), expected, rtol=1e-6, atol=1e-6)


@settings(max_examples=10)
@given(seed=seeds, powers=st.lists(st.integers(-40, 40), min_size=3, max_size=3))
def test_powers_of_two_fit_the_same_model(seed, powers):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(30, 3))
    factors = 2.0 ** np.array(powers)
    models = [
        VariationalAutoencoder(2, hidden_layer_sizes=(5,), random_state=0, **QUICK)
        for _ in range(2)
    ]
    before = models[0].fit(X).score_samples(X)
    after = models[1].fit(X * factors).score_samples(X * factors)
    assert_allclose(after, before - np.log(factors).sum(), rtol=1e-9, atol=1e-9)
    for name, array in models[0].parameters_.items():
        assert_array_equal(models[1].parameters_[name], array)
    filled = [
        model.impute(np.array([[0.3, np.nan, -0.2]]) * scale)
        for model, scale in zip(models, (1.0, factors))
    ]
    assert_allclose(filled[1], filled[0] * factors, rtol=1e-9)


@settings(max_examples=10)
@given(seed=seeds, factor=st.floats(1e-6, 1e6), shift=st.floats(-1e3, 1e3))
def test_other_units_fit_nearly_the_same_model(seed, factor, shift):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(30, 3))
    other = X * factor + shift * factor
    scores = [
        VariationalAutoencoder(2, hidden_layer_sizes=(5,), random_state=0, **QUICK)
        .fit(table)
        .score_samples(table)
        for table in (X, other)
    ]
    assert_allclose(scores[1], scores[0] - 3.0 * np.log(factor), rtol=1e-3, atol=1e-3)


# Cells that are not observed


@given(seed=seeds, column=st.integers(0, 3))
def test_scoring_what_is_observed_is_scoring_the_sub_table(seed, column):
    """In the linear model that lacks the column's weights."""
    known = linear(seed, posterior="another")
    kept = np.arange(4) != column
    X = known.X.copy()
    X[:, column] = np.nan
    model = VariationalAutoencoder(**known.model.get_params()).fit(X[:, kept])
    own = known.model.parameters_
    cells = np.append(kept, kept)  # and the mask
    model.parameters_ = {
        "columns.families.0.raw_scale": own["columns.families.0.raw_scale"][kept],
        "encoder.0.weight": own["encoder.0.weight"][:, cells],
        "encoder.0.bias": own["encoder.0.bias"],
        "decoder.0.weight": own["decoder.0.weight"][kept],
        "decoder.0.bias": own["decoder.0.bias"][kept],
    }
    maps = known.model._marginals_state
    model._marginals_state = {name: array[kept] for name, array in maps.items()}
    assert model._noise_seed == known.model._noise_seed
    for n_draws in (1, 16):
        options = {"n_importance_samples": n_draws}
        assert_allclose(
            known.model.score_samples(X, **options),
            model.score_samples(X[:, kept], **options),
            rtol=1e-9,
        )
        for here, there in zip(
            known.model.elbo(X, **options), model.elbo(X[:, kept], **options)
        ):
            assert_allclose(here, there, rtol=1e-9, atol=1e-9)
    assert_allclose(known.model.transform(X), model.transform(X[:, kept]), atol=1e-12)


@given(case=cases())
def test_imputation_changes_only_what_is_missing(case):
    seen = ~np.isnan(case.X)
    filled = case.model.impute(case.X, case.y)
    assert not np.isnan(filled).any()
    assert_array_equal(filled[seen], case.X[seen])
    several = case.model.impute(case.X, case.y, n_draws=3)
    assert several.shape == (3, *case.X.shape)
    assert not np.isnan(several).any()
    for each in several:
        assert_array_equal(each[seen], case.X[seen])
    if seen.all():
        assert_array_equal(filled, case.X)


@settings(max_examples=10)
@given(seed=seeds)
def test_conditional_means_are_the_closed_form(seed):
    known = linear(seed, posterior="prior")
    rng = np.random.default_rng(seed)
    X = known.X[:10].copy()
    X[np.arange(10), rng.integers(0, 4, 10)] = np.nan
    filled = known.model.impute(X)
    several = known.model.impute(X, n_draws=2000, random_state=0)
    for row, cells, drawn in zip(X, filled, several.transpose(1, 0, 2)):
        mean, covariance = known.conditional(row)
        hidden = np.isnan(row)
        deviation = np.sqrt(np.diag(covariance))
        # the effective number of draws is below 512: importance sampling
        assert_allclose(cells[hidden], mean, atol=0.1 * deviation.max())
        assert_allclose(drawn[:, hidden].mean(axis=0), mean, atol=0.2 * deviation.max())
        assert_allclose(drawn[:, hidden].std(axis=0), deviation, rtol=0.2)


@settings(max_examples=10)
@given(case=cases(holes=True, correlated=True))
def test_multiple_imputations_average_to_the_conditional_mean(case):
    """Of all that is numbers, whatever the network."""
    numbers = [0, 1, 4]
    filled = case.model.impute(case.X, case.y)[:, numbers]
    drawn = case.model.impute(case.X, case.y, n_draws=600, random_state=1)[..., numbers]
    error = drawn.std(axis=0) / np.sqrt(600)
    # counts are whole numbers, also the expected ones
    tolerance = 5.0 * error + [1e-9, 1e-9, 0.5 + 1e-9]
    assert (np.abs(drawn.mean(axis=0) - filled) <= tolerance).mean() > 0.97


# Rows by themselves


@settings(max_examples=10)
@given(case=cases(), seed=seeds)
def test_what_is_said_of_a_row_does_not_depend_on_the_others(case, seed):
    model, X = case.model, case.X
    some = np.random.default_rng(seed).permutation(len(X))[:5]
    y, own = (None, None) if case.y is None else (case.y, case.y[some])
    for ask in (model.score_samples, model.transform, model.reconstruct, model.impute):
        together = ask(X, y)
        tolerance = {"rtol": 1e-9, "atol": 1e-9}
        assert_allclose(ask(X[some], own), together[some], **tolerance)
        alone = [ask(X[[i]], None if y is None else y[[i]])[0] for i in some]
        assert_allclose(alone, together[some], **tolerance)
    for here, there in zip(model.elbo(X[some], own), model.elbo(X, y)):
        assert_allclose(here, there[some], rtol=1e-9, atol=1e-9)


@settings(max_examples=10)
@given(case=cases())
def test_blocks_change_nothing(case):
    def answers():
        yield case.model.score_samples(case.X, case.y)
        yield from case.model.elbo(case.X, case.y)
        yield case.model.transform(case.X)
        yield case.model.impute(case.X, case.y)

    whole = list(answers())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_evaluation, "BLOCK_NUMBERS", 300_000)
        few = list(answers())
        patch.setattr(_evaluation, "BLOCK_NUMBERS", 1)
        one = list(answers())
    for here, there, other in zip(whole, few, one):
        assert_allclose(there, here, rtol=1e-9, atol=1e-9)
        assert_allclose(other, here, rtol=1e-9, atol=1e-9)


@settings(max_examples=10)
@given(case=cases())
def test_answers_are_the_same_on_every_call(case):
    assert_array_equal(
        case.model.score_samples(case.X, case.y),
        case.model.score_samples(case.X, case.y),
    )
    for ask in (case.model.transform, case.model.impute, case.model.reconstruct):
        assert_array_equal(ask(case.X, case.y), ask(case.X, case.y))
    assert_array_equal(case.model.sample(5), case.model.sample(5))


@pytest.mark.parametrize("prior", ["normal", "mixture", "vamp"])
def test_fit_is_reproducible_and_leaves_the_generators_of_others(prior):
    X = np.random.default_rng(0).normal(size=(30, 3))
    torch.manual_seed(3)
    np.random.seed(3)
    states = torch.random.get_rng_state(), np.random.get_state()[1].copy()
    scores = [
        VariationalAutoencoder(2, prior=prior, random_state=0, **QUICK)
        .fit(X)
        .score_samples(X)
        for _ in range(2)
    ]
    assert_array_equal(*scores)
    assert torch.equal(torch.random.get_rng_state(), states[0])
    assert_array_equal(np.random.get_state()[1], states[1])


# Conditions


@given(case=cases(conditional=True))
def test_density_without_y_sums_over_its_frequencies(case):
    labels, counts = np.unique(case.y, return_counts=True)
    joint = [
        case.model.score_samples(case.X, label) + np.log(count / len(case.y))
        for label, count in zip(labels, counts)
    ]
    assert_allclose(
        case.model.score_samples(case.X), logsumexp(joint, axis=0), rtol=1e-9
    )


@settings(max_examples=10)
@given(case=cases(conditional=True))
def test_means_without_y_are_averaged_by_its_posterior(case):
    """So are reconstructions, which are what the decoder expects there."""
    labels, counts = np.unique(case.y, return_counts=True)
    joint = [
        case.model.score_samples(case.X, label) + np.log(count)
        for label, count in zip(labels, counts)
    ]
    shares = np.exp(joint - logsumexp(joint, axis=0))
    means = np.array([case.model.transform(case.X, label) for label in labels])
    expected = (shares[..., None] * means).sum(axis=0)
    assert_allclose(case.model.transform(case.X), expected, rtol=1e-7, atol=1e-9)
    rows = np.array([case.model.reconstruct(case.X, label) for label in labels])
    expected = (shares[..., None] * rows).sum(axis=0)[:, :2]
    told = case.model.reconstruct(case.X)[:, :2]
    assert_allclose(told, expected, rtol=1e-7, atol=1e-9)


# The objective


@given(
    case=cases(),
    seed=seeds,
    n_draws=st.sampled_from([1, 3]),
    beta=st.sampled_from([1.0, 0.3]),
    free_bits=st.sampled_from([0.0, 0.5]),
)
def test_weights_are_repetitions_in_the_objective(case, seed, n_draws, beta, free_bits):
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 4, len(case.X))
    repeated = np.repeat(np.arange(len(case.X)), counts)
    objective = Objective(n_draws, beta, free_bits * (n_draws == 1), 0, 0.0)
    model = case.model._model(np.float32)
    rows = Rows(*case.model._plan().standardise(case.model._read(case.X)))
    conditions = None
    if case.y is not None:
        conditions = case.model._conditions_coder().encode(case.y)

    def same_noise(shape, **options):
        noise = np.random.RandomState(0).normal(size=(shape[0], 1, shape[2]))
        return torch.as_tensor(noise, dtype=torch.float32).expand(shape)

    def loss(index, weights):
        own = Rows(*(array[index] for array in rows))
        given = None if conditions is None else conditions[index]
        table = TrainingRows.of(own, given, weights, torch.device("cpu"))
        told = loss_of(model, table, objective, None)(torch.arange(len(table)), 0)
        held = _learning.bound_held_out(model, table, objective, 0)()
        return told.item(), held

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "randn", same_noise)
        weighted = loss(np.arange(len(case.X)), counts.astype(float))
        assert_allclose(weighted, loss(repeated, np.ones(len(repeated))), rtol=1e-4)


# Draws


@settings(max_examples=5)
@given(seed=seeds)
def test_samples_have_the_moments_of_the_model(seed):
    known = linear(seed)
    X = known.model.sample(20_000, random_state=0)
    deviation = np.sqrt(np.diag(known.covariance))
    assert_allclose((X.mean(axis=0) - known.mean) / deviation, 0.0, atol=0.04)
    difference = (np.cov(X.T) - known.covariance) / np.outer(deviation, deviation)
    assert np.abs(difference).max() < 0.06


@given(case=cases(conditional=False))
def test_reconstruction_is_the_inverse_of_the_latent_means(case):
    latents = case.model.transform(case.X)
    assert_allclose(
        case.model.reconstruct(case.X), case.model.inverse_transform(latents), rtol=1e-9
    )


@given(case=cases())
def test_samples_are_rows_that_the_model_can_score(case):
    X = case.model.sample(20)
    assert X.shape == (20, 5)
    assert np.isin(X[:, 2], (0, 1)).all()
    assert np.isin(X[:, 3], (0, 1, 2)).all()
    assert (X[:, 4] == np.floor(X[:, 4])).all()
    assert np.isfinite(case.model.score_samples(X)).all()


@pytest.mark.parametrize("likelihood", ["gaussian", "student_t"])
def test_density_integrates_to_one(likelihood):
    """Exactly so for any number of draws, where q(z|x) is the prior."""
    X = np.random.default_rng(0).gamma(2.0, size=(60, 1)) * 100.0
    model = VariationalAutoencoder(
        1,
        hidden_layer_sizes=(6,),
        likelihood=likelihood,
        prior="normal",
        random_state=0,
        **QUICK,
    )
    parameters = scrambled(model.fit(X), np.random.default_rng(1)).parameters_
    parameters["encoder.2.weight"] *= 0.0
    parameters["encoder.2.bias"] = np.array([0.0, inverse_softplus(1.0 - 1e-3) - 0.5])
    grid = np.linspace(-30_000.0, 30_000.0, 60_001)[:, None]
    density = np.exp(model.score_samples(grid, n_importance_samples=16))
    assert np.trapezoid(density, grid[:, 0]) == pytest.approx(1.0, abs=1e-5)
