"""Answers block by block, `skgen.autoencoder._evaluation`; laws are told elsewhere."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from skgen.autoencoder import EvidenceLowerBound, _evaluation
from skgen.autoencoder._evaluation import Evaluation, Rows, decoded, sampled

from .models import linear


def evaluation(known, dtype=np.float64, seed=0):
    rows = Rows(*known.model._plan().standardise(known.X))
    return Evaluation(known.model._model(dtype), rows, None, np.ones(1), seed)


def test_blocks_cover_all_rows_once_and_are_small(monkeypatch):
    known = linear(0)
    monkeypatch.setattr(_evaluation, "BLOCK_NUMBERS", 10_000)
    blocks = evaluation(known)._blocks(10)
    assert len(blocks) > 1
    rows = np.concatenate([np.arange(len(known.X))[block] for block in blocks])
    assert_array_equal(rows, np.arange(len(known.X)))
    assert max(block.stop - block.start for block in blocks) * 10 * 128 <= 10_000


def test_many_draws_leave_one_row_a_block():
    blocks = evaluation(linear(0))._blocks(10**9)
    assert all(block.stop - block.start == 1 for block in blocks)


def test_evidence_bound_has_named_parts():
    bound = evaluation(linear(0)).evidence_bound(4)
    assert isinstance(bound, EvidenceLowerBound)
    assert bound._fields == ("elbo", "reconstruction", "kl")
    assert all(part.dtype == np.float64 for part in bound)


def test_single_precision_is_close():
    known = linear(0, posterior="another")
    single, double = (evaluation(known, dtype) for dtype in (np.float32, np.float64))
    assert_allclose(single.importance_bound(64), double.importance_bound(64), rtol=1e-3)
    assert single.latent_means(1).dtype == np.float32


def test_the_seed_chooses_the_noise():
    known = linear(0, posterior="another")
    first, again, other = (evaluation(known, seed=seed) for seed in (0, 0, 1))
    assert_array_equal(first.importance_bound(8), again.importance_bound(8))
    assert (first.importance_bound(8) != other.importance_bound(8)).any()


def test_imputations_are_of_their_seed():
    known = linear(0)
    asked = evaluation(known)
    asked._rows.mask[:, 1] = False
    draws = [asked.imputed_draws(3, 64, np.random.RandomState(s)) for s in (0, 0, 1)]
    assert draws[0].shape == (3, *known.X.shape)
    assert_array_equal(draws[0], draws[1])
    assert (draws[0][..., 1] != draws[2][..., 1]).all()


def test_decoded_rows_are_the_affine_map():
    known = linear(0)
    latents = np.random.default_rng(0).normal(size=(5000, 2))
    told = decoded(known.model._model(np.float64), latents, None)
    parameters = known.model.parameters_
    expected = latents @ parameters["decoder.0.weight"].T
    assert_allclose(told, expected + parameters["decoder.0.bias"], atol=1e-9)


@pytest.mark.parametrize("n_rows", [1, 4096, 4097])
def test_as_many_rows_are_sampled_as_are_wanted(n_rows):
    model = linear(0).model._model(np.float64)
    told = sampled(model, n_rows, None, np.random.RandomState(0))
    assert told.shape == (n_rows, 4)
    assert len(np.unique(told[:, 0])) == n_rows


def test_nothing_keeps_a_gradient():
    known = linear(0)
    model = known.model._model(np.float64)
    assert not any(p.requires_grad for p in model.parameters())
    assert torch.is_grad_enabled()
    evaluation(known).importance_bound(2)
    assert torch.is_grad_enabled()
