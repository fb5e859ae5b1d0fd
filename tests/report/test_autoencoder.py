"""The second opinion: what the autoencoder saw, what is compared, what is told."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone

from skgen.report import (
    Table,
    _autoencoder,
    analyse,
    report_text,
    save_pictures,
    second_opinion,
)

N_STEPS = 4  # quality is not tested here


def table_of(values, columns=("length", "width"), **keywords):
    return Table(
        name="two clouds",
        columns=list(columns),
        values=values,
        lines=np.arange(2, len(values) + 2),
        n_rows_read=len(values),
        **keywords,
    )


def two_clouds(n_rows=80):
    rng = np.random.default_rng(3)
    values = rng.normal(size=(n_rows, 2))
    values[: n_rows // 3] += [12, 0]
    values[-8:] = values[:8]
    return values * [1, 100] + [0, 5000]


@pytest.fixture(scope="module")
def analysis():
    return analyse(table_of(two_clouds()), seed=5)


@pytest.fixture(scope="module")
def opinion(analysis):
    return second_opinion(analysis, n_steps=N_STEPS)


def words(analysis, opinion):
    return " ".join(report_text(analysis, opinion).split())


def split_of(analysis, opinion):
    values = analysis.table.values[opinion.rows]
    return _autoencoder._split(values, analysis.seed)


def test_rows_held_out_have_no_copy_among_those_learnt(analysis, opinion):
    learnt, held_out = split_of(analysis, opinion)
    assert len(learnt) == opinion.n_rows_learnt
    assert len(held_out) == len(opinion.scores)
    assert len(learnt) + len(held_out) == 80
    assert not {tuple(row) for row in learnt} & {tuple(row) for row in held_out}


def test_both_log_densities_are_of_columns_standardised_alike(analysis, opinion):
    learnt, held_out = split_of(analysis, opinion)
    mixture = clone(analysis.model).fit(learnt)
    assert_allclose(opinion.mixture_scores, mixture.score_samples(held_out))
    in_units = opinion.model.score_samples(held_out)
    assert_allclose(
        opinion.scores - in_units, np.log(mixture[0].scale_).sum(), rtol=1e-9
    )


def test_section_tells_both_and_shows_synthetic_rows(analysis, opinion):
    text = words(analysis, opinion)
    assert f"is {opinion.scores.mean():.3f} nats per row" in text
    assert f"the same rows, {opinion.mixture_scores.mean():.3f}:" in text
    assert f"{opinion.model.active_units_} of its 4 latent dimensions" in text
    lines = report_text(analysis, opinion).splitlines()
    shown = [line.split() for line in lines if line.startswith("  synthetic")]
    assert_allclose(
        np.array([row[1:] for row in shown], float),
        opinion.synthetic[:3],
        atol=1.0,
    )
    assert max(map(len, lines)) <= 88


def test_posterior_that_tells_nothing_is_told(analysis, opinion):
    collapsed = clone(opinion.model)
    collapsed.__dict__ |= opinion.model.__dict__ | {"active_units_": 0}
    text = words(analysis, replace(opinion, model=collapsed))
    assert "None of its 4 latent dimensions tells rows apart" in text


def test_winner_is_named_only_where_rows_tell(analysis, opinion):
    scores = opinion.mixture_scores
    for shift, verdict in [
        (np.linspace(-1, 1, len(scores)), "do not tell which of the two is better"),
        (2.0, "Something in the table is not Gaussian"),
        (-2.0, "The mixture describes the table better"),
    ]:
        shifted = replace(opinion, scores=scores + shift)
        assert verdict in words(analysis, shifted)


def test_same_seed_gives_the_same_section(analysis, opinion):
    again = second_opinion(analysis, n_steps=N_STEPS)
    assert report_text(analysis, again) == report_text(analysis, opinion)


def test_without_an_opinion_there_is_no_section(analysis):
    assert "autoencoder" not in report_text(analysis)


@pytest.mark.parametrize("n_rows", [10, 49])
def test_few_rows_are_refused_in_words_and_draw_no_picture(n_rows, tmp_path):
    pytest.importorskip("matplotlib")
    analysis = analyse(table_of(two_clouds(n_rows)))
    opinion = second_opinion(analysis)
    assert f"needs 50 rows or more, and the table has {n_rows}" in words(
        analysis, opinion
    )
    names = [path.name for path in save_pictures(analysis, tmp_path, opinion)]
    assert names == ["selection.png", "components.png", "scores.png"]


def test_failed_fit_is_told_and_not_raised(analysis, monkeypatch):
    def failing(*arguments):
        raise ValueError("Training diverged\ntwice")

    monkeypatch.setattr(_autoencoder, "_autoencoder", failing)
    text = words(analysis, second_opinion(analysis))
    assert "No variational autoencoder could be fitted: Training diverged" in text


def test_single_column_has_a_section_and_pictures(tmp_path):
    pytest.importorskip("matplotlib")
    analysis = analyse(table_of(two_clouds()[:, :1], columns=["length"]))
    opinion = second_opinion(analysis, n_steps=N_STEPS)
    assert "latent dimensions" in words(analysis, opinion)
    names = {path.name for path in save_pictures(analysis, tmp_path, opinion)}
    assert {"latent.png", "synthetic.png"} <= names


def test_large_table_gives_a_seeded_sample_of_its_rows(analysis, monkeypatch):
    monkeypatch.setattr(_autoencoder, "MOST_ROWS", 60)
    opinion = second_opinion(analysis, n_steps=N_STEPS)
    assert len(np.unique(opinion.rows)) == 60
    assert opinion.n_rows_learnt + len(opinion.scores) == 60


def test_columns_beyond_the_width_are_counted():
    values = np.random.default_rng(0).normal(size=(60, 12))
    columns = [f"a rather long name {j}" for j in range(12)]
    analysis = analyse(table_of(values, columns=columns))
    opinion = second_opinion(analysis, n_steps=N_STEPS)
    assert "(8 further columns not shown)" in report_text(analysis, opinion)


def test_pictures_draw_the_rows_used_and_the_synthetic_ones(analysis, opinion):
    pytest.importorskip("matplotlib")
    from skgen.report._pictures import _latent, _synthetic

    labels = np.array(["near", "far"] * 40)
    known = replace(analysis, table=replace(analysis.table, labels=labels))
    scatters = _latent(known, opinion).axes[0].collections
    means = opinion.model.transform(analysis.table.values)
    chosen = np.sort(np.argsort(-means.var(axis=0))[:2])
    assert_allclose(scatters[0].get_offsets(), means[labels == "far"][:, chosen])
    axes = np.array(_synthetic(analysis, opinion).axes).reshape(2, 2)
    real, synthetic = (axes[where].collections[0] for where in [(1, 0), (0, 1)])
    assert_allclose(real.get_offsets(), analysis.table.values)
    assert_allclose(synthetic.get_offsets(), opinion.synthetic[:, ::-1])


def test_progress_is_told(analysis):
    told = []
    second_opinion(
        analysis, n_steps=N_STEPS, progress=lambda *message: told.append(message)
    )
    phrase = "training a variational autoencoder"
    assert told == [(phrase, 0, 1), (phrase, 1, 1)]
