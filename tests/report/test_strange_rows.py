"""Strange rows: who judges them, how sure, and the words it is told in."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.preprocessing import FunctionTransformer

from skgen import EMGaussianMixture, KLAnomalyDetector
from skgen.report import Table, _strange_rows, strange_rows
from skgen.report._strange_rows import usual_range
from skgen.report._strange_rows_text import strange_lines


def table_of(values, columns=None):
    return Table(
        name="a table",
        columns=columns or [f"c{j}" for j in range(values.shape[1])],
        values=values,
        lines=np.arange(2, len(values) + 2),
        n_rows_read=len(values),
    )


def cloud(n_rows=120, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n_rows, 3)) @ [[1, 0, 0.9], [0, 1, 0], [0, 0, 0.3]]


def with_stranger(n_rows=120):
    """A cloud whose row 7 breaks what holds between the first and the last column."""
    values = cloud(n_rows)
    values[7] = [4.0, 0.2, -4.0]
    return values


def lines_of(table, strange):
    return strange_lines(SimpleNamespace(table=table), strange)


def flowing(table, strange):
    return " ".join(" ".join(lines_of(table, strange)).split())


@pytest.fixture(scope="module")
def strange():
    return strange_rows(table_of(with_stranger()), seed=3)


class Witness(KLAnomalyDetector):
    """Remembers what it learnt and what it was asked to score."""

    met = []

    def fit(self, X, y=None):
        self.learnt, self.judged = {tuple(row) for row in X}, []
        Witness.met.append(self)
        return super().fit(X)

    def score_samples(self, X):
        self.judged += [tuple(row) for row in X]
        return super().score_samples(X)


def test_every_row_is_judged_once_by_a_detector_that_has_not_learnt_it(monkeypatch):
    monkeypatch.setattr(_strange_rows, "KLAnomalyDetector", Witness)
    monkeypatch.setattr(Witness, "met", [])
    rows = {tuple(row) for row in with_stranger()}
    result = strange_rows(table_of(with_stranger()))
    assert len(Witness.met) == result.n_folds == 5
    judged = [row for it in Witness.met for row in it.judged if row in rows]
    assert sorted(judged) == sorted(rows)
    for detector in Witness.met:
        assert not detector.learnt & set(detector.judged)
        assert len(detector.learnt) == result.n_rows_learnt == 96


def test_row_that_breaks_a_relation_is_the_strangest_by_its_columns(strange):
    assert strange.rows[0] == 7
    assert_array_equal(np.sort(np.argsort(-strange.surprises[0])[:2]), [0, 2])
    assert strange.surprises[0, [0, 2]].min() > 5 > strange.surprises[0, 1]
    # Given -4 in the last column, the first is about -4 as well.
    assert -6 < strange.lows[0, 0] < strange.highs[0, 0] < -1


def test_strangest_rows_come_in_the_order_of_their_scores(strange):
    assert_array_equal(strange.rows, np.argsort(strange.scores)[:10])
    assert len(strange.scores) == 120
    below = np.median(strange.scores) - np.sort(strange.scores)[:10]
    assert_allclose(strange.below_median, below)


def test_same_seed_judges_the_same(strange):
    again = strange_rows(table_of(with_stranger()), seed=3)
    assert_array_equal(again.scores, strange.scores)
    assert_array_equal(again.surprises, strange.surprises)


def test_rows_that_many_copies_vouch_for_are_not_strange():
    values = cloud(100)
    values[:60] = [0.5, 2.5, 0.5]
    result = strange_rows(table_of(values))
    assert not set(result.rows) & set(range(60))


@pytest.mark.parametrize(
    "values",
    [
        cloud(10),
        cloud(10)[:, :1],
        np.c_[cloud(30), np.full(30, 4.0)],
        np.random.default_rng(0).poisson(1.0, size=(40, 2)).astype(float),
        np.r_[cloud(30), np.full((1, 3), 1e9)],
        cloud(30) * 1e-9 + 1e6,
    ],
    ids=["ten rows", "one column", "constant", "counts", "far out", "far from zero"],
)
def test_awkward_tables_are_judged(values):
    table = table_of(values)
    result = strange_rows(table)
    assert result.refusal is None
    assert np.isfinite(result.scores).all()
    assert (result.below_median >= 0).all()
    assert (result.lows <= result.highs).all()
    assert len(result.rows) == min(10, len(values) // 2)
    text = "\n".join(lines_of(table, result))
    assert "nan" not in text
    assert "inf" not in text


@pytest.mark.parametrize("n_rows", [1, 25])
def test_equal_rows_are_not_strange(n_rows):
    table = table_of(np.full((n_rows, 2), 3.0))
    result = strange_rows(table)
    assert lines_of(table, result) == ["All rows are equal: none is strange."]


def test_detector_that_cannot_be_fitted_is_told(monkeypatch):
    class Refusing(KLAnomalyDetector):
        def fit(self, X, y=None):
            raise ValueError("too few\nof everything")

    monkeypatch.setattr(_strange_rows, "KLAnomalyDetector", Refusing)
    table = table_of(cloud())
    told = lines_of(table, strange_rows(table))
    assert told == ["No detector could be fitted: too few"]


def test_large_table_is_learnt_from_in_part_and_judged_whole(monkeypatch):
    monkeypatch.setattr(_strange_rows, "MOST_ROWS_LEARNT", 40)
    table = table_of(with_stranger())
    result = strange_rows(table)
    assert result.n_rows_learnt == 40
    assert len(result.scores) == 120
    told = flowing(table, result)
    assert "Each of the 5 detectors was fitted to 40 rows drawn at random." in told


def test_progress_is_told_for_every_fold():
    told = []
    strange_rows(table_of(cloud(30)), progress=lambda *message: told.append(message))
    assert [message[1:] for message in told] == [(k, 5) for k in range(6)]


def random_mixture(n_components, n_features, seed=0):
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(n_components, n_features, n_features))
    return EMGaussianMixture.from_parameters(
        rng.dirichlet(np.ones(n_components)),
        rng.normal(scale=3, size=(n_components, n_features)),
        factors @ factors.transpose(0, 2, 1) + 0.1 * np.eye(n_features),
    )


def detector_of(mixture, scaler=None):
    return SimpleNamespace(estimator_=[scaler or FunctionTransformer(), mixture])


def test_nine_of_ten_values_lie_in_the_usual_range_given_the_others():
    mixture = random_mixture(4, 3)
    rows = mixture.sample(6, random_state=0)
    rows = rows[0] if isinstance(rows, tuple) else rows
    for row in rows:
        low, high = usual_range(detector_of(mixture), row)
        for j in range(3):
            ends = np.tile(row, (2, 1))
            ends[:, j] = low[j], high[j]
            below = mixture._conditional_probabilities(ends)[:, j]
            assert_allclose(below, [0.05, 0.95], atol=1e-6)


def test_usual_range_of_one_gaussian_is_the_conditional_one():
    covariance = np.array([[1.0, 0.8], [0.8, 1.0]])
    mixture = EMGaussianMixture.from_parameters([1.0], [[2.0, 5.0]], [covariance])
    low, high = usual_range(detector_of(mixture), np.array([3.0, -1.0]))
    reach = 1.6448536269514722 * 0.6
    assert_allclose([low[0], high[0]], 2 - 0.8 * 6 + np.array([-reach, reach]))
    assert_allclose([low[1], high[1]], 5 + 0.8 * 1 + np.array([-reach, reach]))


def test_usual_range_is_in_the_units_of_the_table():
    mixture = random_mixture(2, 2)
    scaler = FunctionTransformer(np.log, np.exp, check_inverse=False)
    row = np.array([0.3, 2.0])
    plain = usual_range(detector_of(mixture), np.log(row))
    assert_allclose(usual_range(detector_of(mixture, scaler), row), np.exp(plain))


def test_text_names_the_line_the_value_its_surprise_and_what_is_usual(strange):
    table = table_of(with_stranger(), ["age", "height", "weight"])
    lines = lines_of(table, strange)
    (first,) = (line for line in lines if line.startswith("       9 "))
    assert first.split()[1] == f"{strange.below_median[0]:.1f}"
    guilty = int(np.argmax(strange.surprises[0]))
    assert f"{table.columns[guilty]} {with_stranger()[7, guilty]:g} (" in first
    assert f"({strange.surprises[0, guilty]:+.1f}), usually -" in first
    place = lines.index(first)
    assert not any("height" in line for line in lines[place : place + 2])
    assert all(len(line) <= 88 for line in lines)


def test_text_ranks_all_rows_described_and_certifies_none(strange):
    table = table_of(with_stranger())
    told = flowing(table, strange)
    assert "a table cannot certify its own anomalies" in told
    assert "KLAnomalyDetector(...).fit(clean).p_values(new)" in told
    assert "*" not in told
    starts = [line.split()[0] for line in lines_of(table, strange) if line]
    named = [int(start) for start in starts if start.isdigit()]
    assert named == list(table.lines[strange.rows])


def test_huge_distances_fit_their_column(strange):
    far = SimpleNamespace(**vars(strange) | {"below_median": np.full(10, 1e300)})
    assert " 1.0e+300  c" in "\n".join(lines_of(table_of(with_stranger()), far))


def test_nobody_asked_leaves_the_section_out():
    assert lines_of(table_of(cloud()), None) == []
