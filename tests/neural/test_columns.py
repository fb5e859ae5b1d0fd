"""Whole rows of mixed families, `skgen.neural._columns`."""

import numpy as np
import pytest
import torch
from hypothesis import given
from numpy.testing import assert_allclose, assert_array_equal
from strategies import seeds

from skgen.neural import (
    CONTINUOUS,
    FAMILIES,
    ColumnPlan,
    Columns,
    Marginals,
    initialise,
)

MIXED = ("categorical", "gaussian", "poisson", "student_t", "bernoulli", "gaussian")


def plan_of(families, *, correlated=True, may_hide=True, table=None):
    """A plan for a table, or for standardised columns; categories are three."""
    n_columns = len(families)
    table = np.tile([[-1.0], [1.0]], n_columns) if table is None else table
    continuous = np.array([family in CONTINUOUS for family in families])
    weights = np.ones(len(table))
    marginals = Marginals.learn(np.where(continuous, table, 0.0), weights, spikes=False)
    sizes = tuple(3 if family == "categorical" else 0 for family in families)
    means = np.full(n_columns, 2.0)
    return ColumnPlan(families, sizes, marginals, means, correlated, may_hide)


def columns_of(families, seed=0, **options):
    """Columns with random weights, in float64."""
    columns = Columns(plan_of(families, **options))
    generator = torch.Generator().manual_seed(seed)
    initialise(columns, generator)
    columns = columns.double().requires_grad_(False)
    for parameter in columns.parameters():
        parameter += 0.5 * torch.randn(parameter.shape, generator=generator)
    return columns


def table_of(families, rng, n_rows=5):
    """Cells that suit their families."""
    cells = {
        "categorical": lambda: rng.integers(0, 3, n_rows),
        "bernoulli": lambda: rng.integers(0, 2, n_rows),
        "poisson": lambda: rng.poisson(2.0, n_rows),
        "negative_binomial": lambda: rng.poisson(2.0, n_rows),
    }
    drawn = [cells.get(f, lambda: rng.normal(size=n_rows))() for f in families]
    return np.column_stack(drawn).astype(float)


def masked(families, rng, n_rows=5):
    """Cells, 0 where hidden, and the mask."""
    mask = (rng.uniform(size=(n_rows, len(families))) < 0.6).astype(float)
    cells = table_of(families, rng, n_rows) * mask
    return torch.as_tensor(cells), torch.as_tensor(mask)


@given(seed=seeds)
def test_log_density_of_a_row_is_that_of_its_families(seed):
    rng = np.random.default_rng(seed)
    columns = columns_of(MIXED, seed)
    cells, mask = masked(MIXED, rng)
    outputs = torch.as_tensor(rng.normal(size=(2, 5, columns.n_outputs)))
    told = columns.log_density(cells, mask, outputs)
    expected, start = 0.0, 0
    for family in columns.families:
        name = next(n for n, kind in FAMILIES.items() if type(family) is kind)
        own = [j for j, each in enumerate(MIXED) if each == name]
        said = outputs[..., start : start + family.n_outputs]
        expected = expected + family.log_density(cells[:, own], mask[:, own], said)
        start += family.n_outputs
    assert start == columns.n_outputs
    assert_allclose(told, expected)


def test_every_family_reads_and_tells_its_own_columns():
    """A row whose categories and counts are certain is told in the table's order."""
    families = ("poisson", "categorical", "gaussian", "categorical", "bernoulli")
    columns = columns_of(families, may_hide=False)
    said = {
        "Gaussian": [0.7, -30.0],
        "Bernoulli": [40.0],
        "Categorical": [0.0, 0.0, 40.0, 0.0, 40.0, 0.0],
        "Poisson": [np.log(3.0 / 2.0)],
    }
    parts = [said[type(family).__name__] for family in columns.families]
    outputs = torch.as_tensor(np.concatenate(parts))[None, None]
    hidden = torch.zeros(1, 5, dtype=torch.float64)
    told = columns.resolve(columns.expectations(hidden, hidden, outputs))
    assert_allclose(told[0, 0], [3.0, 2.0, 0.7, 1.0, 1.0], atol=1e-6)
    drawn = columns.draw(hidden, hidden, outputs, torch.Generator().manual_seed(0))
    assert_allclose(drawn[0, 0, [1, 3, 4]], [2.0, 1.0, 1.0])
    assert abs(drawn[0, 0, 2].item() - 0.7) < 0.1


@given(seed=seeds)
def test_encoder_does_not_see_hidden_cells(seed):
    rng = np.random.default_rng(seed)
    columns = columns_of(MIXED, seed)
    cells, mask = masked(MIXED, rng)
    other = torch.where(mask.bool(), cells, torch.as_tensor(table_of(MIXED, rng)))
    inputs = columns.inputs(cells, mask)
    assert inputs.shape == (5, columns.n_inputs)
    assert_array_equal(columns.inputs(other, mask), inputs)
    assert_array_equal(inputs[:, -len(MIXED) :], mask - 0.5)
    assert_array_equal(
        columns.inputs(cells, None), columns.inputs(cells, torch.ones_like(mask))
    )


@pytest.mark.parametrize("may_hide", [False, True])
def test_number_of_inputs_counts_the_mask_where_cells_may_be_hidden(may_hide):
    columns = columns_of(MIXED, may_hide=may_hide)
    assert columns.n_inputs == 8 + 6 * may_hide
    cells = torch.as_tensor(table_of(MIXED, np.random.default_rng(0)))
    assert columns.inputs(cells, None).shape == (5, columns.n_inputs)


def test_only_continuous_columns_are_standardised():
    rng = np.random.default_rng(0)
    table = table_of(MIXED, rng, 50)
    table[:, [1, 3, 5]] = table[:, [1, 3, 5]] * [1e-3, 1.0, 1e6] + [5.0, 0.0, -1e6]
    plan = plan_of(MIXED, table=table)
    codes = table.copy()
    codes[0, :3] = codes[1, 3:] = np.nan
    cells, mask, log_jacobian = plan.standardise(codes)
    assert_array_equal(mask, ~np.isnan(codes))
    assert (cells[~mask] == 0.0).all()
    assert_array_equal(cells[2:, [0, 2, 4]], codes[2:, [0, 2, 4]])
    assert_allclose(cells[2:, [1, 3, 5]].std(axis=0), 1.0, rtol=0.1)
    continuous = np.array([family in CONTINUOUS for family in MIXED])
    expected = -np.log(plan.marginals.scale) * continuous
    assert_allclose(log_jacobian, (mask * expected).sum(axis=1))
    assert_allclose(plan.restore(cells)[mask], codes[mask], rtol=1e-9)


def test_columns_of_a_curved_marginal_are_restored_to_what_they_were():
    rng = np.random.default_rng(0)
    table = np.column_stack([rng.integers(1, 6, 2000), rng.normal(size=2000)]) * 10.0
    marginals = Marginals.learn(table, np.ones(2000), spikes=True)
    assert not marginals.is_smooth(0)
    assert marginals.is_smooth(1)
    families = ("gaussian", "gaussian")
    plan = ColumnPlan(families, (0, 0), marginals, np.zeros(2), True, False)
    columns = Columns(plan).double()
    cells, _, _ = plan.standardise(table[:50])
    restored = columns.families[0]._restore(torch.as_tensor(cells))
    assert_allclose(plan.restore(restored.numpy()), table[:50], atol=1e-3)


def test_correlations_are_of_families_that_have_them():
    told = columns_of((*MIXED, "unit_gaussian", "unit_gaussian")).correlations()
    assert list(told) == ["gaussian"]  # of Student's t there is one column
    assert told["gaussian"].shape == (2, 2)
    assert columns_of(MIXED, correlated=False).correlations() == {}
