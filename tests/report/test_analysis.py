"""The main job: the choice, its numbers and the words they are told in."""

import re
import warnings
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skgen.mixture import EMGaussianMixture
from skgen.report import Table, TableError, _analysis, analyse, report_text
from skgen.report._analysis import candidate_grid
from skgen.report._description import describe_components, n_parameters


def table_of(values, **keywords):
    return Table(
        name="two clouds",
        columns=["length", "width"],
        values=values,
        lines=np.arange(2, len(values) + 2),
        n_rows_read=len(values),
        **keywords,
    )


def two_clouds(n_rows=36):
    rng = np.random.default_rng(3)
    values = rng.normal(size=(n_rows, 2))
    values[: n_rows // 3] += [12, 0]
    # Copies, which must not stand on both sides of a split.
    values[-4:] = values[:4]
    return values * [1, 100] + [0, 5000]


@pytest.fixture(scope="module")
def analysis():
    return analyse(table_of(two_clouds()), seed=5)


def candidate(covariance_type, n_components, seed=5):
    mixture = EMGaussianMixture(
        n_components, covariance_type=covariance_type, random_state=seed
    )
    return Pipeline([("scale", StandardScaler()), ("mixture", mixture)])


def test_held_out_scores_are_those_of_folds_that_keep_copies_together(analysis):
    values = two_clouds()
    copies = np.unique(values, axis=0, return_inverse=True)[1].ravel()
    assert len(np.unique(copies)) == len(values) - 4
    expected = cross_val_score(
        candidate("diag", 2),
        values,
        groups=copies,
        cv=GroupKFold(5, shuffle=True, random_state=5),
    )
    assert_allclose(analysis.fold_scores["diag", 2], expected)


def test_chosen_mixture_has_the_greatest_held_out_mean_and_sees_all_rows(analysis):
    best = max(analysis.fold_scores, key=lambda it: analysis.fold_scores[it].mean())
    mixture = analysis.model[-1]
    assert (mixture.covariance_type, mixture.n_components) == best
    assert analysis.held_out.best_covariance_type_ == best[0]
    expected = candidate(*best).fit(two_clouds())
    assert_allclose(mixture.means_, expected[-1].means_)


def test_bic_is_that_of_each_mixture_on_all_rows(analysis):
    scaled = StandardScaler().fit_transform(two_clouds())
    for row, covariance_type in enumerate(analysis.bic.covariance_types):
        for column, size in enumerate(analysis.bic.n_components):
            mixture = candidate(covariance_type, size)[-1].fit(scaled)
            assert analysis.bic.values[row, column] == pytest.approx(
                mixture.bic(scaled)
            )


def test_two_clouds_are_found(analysis):
    assert analysis.model[-1].n_components == 2
    components = describe_components(analysis.model, two_clouds())
    # Four of the far cloud's twelve rows have a copy.
    assert sorted(component.n_rows for component in components) == [16, 20]


def test_same_seed_gives_the_same_report():
    values = two_clouds()
    first, second = (report_text(analyse(table_of(values), seed=1)) for _ in range(2))
    assert first == second


def test_progress_is_told_for_every_fit():
    told = []
    analyse(table_of(two_clouds()), progress=lambda *message: told.append(message))
    phrase = "comparing mixtures on held-out rows"
    assert [message[1] for message in told if message[0] == phrase] == list(range(41))
    assert told[-1][1:] == (1, 1)


@pytest.mark.parametrize(
    ("n_rows", "sizes"),
    [(20, [1, 2]), (60, [1, 2, 3, 4]), (150, range(1, 9)), (999, range(1, 9))],
)
def test_small_tables_get_fewer_components(n_rows, sizes):
    assert candidate_grid(n_rows, 3)["mixture__n_components"] == list(sizes)


def test_single_column_is_compared_by_equal_or_different_spreads_alone():
    analysis = analyse(replace(table_of(two_clouds()[:, :1]), columns=["length"]))
    assert analysis.bic.covariance_types == ["full", "tied"]
    assert "2 components" in report_text(analysis)


def test_large_table_is_searched_on_a_seeded_subsample_and_fitted_whole(monkeypatch):
    monkeypatch.setattr(_analysis, "MOST_ROWS_SEARCHED", 30)
    analysis = analyse(table_of(two_clouds(90)), seed=2)
    assert analysis.n_rows_searched == 30
    components = describe_components(analysis.model, two_clouds(90))
    assert sum(component.n_rows for component in components) == 90
    text = " ".join(report_text(analysis).split())
    assert "compared on 30 rows drawn at random (seed 2)" in text
    assert "then fitted to all 90" in text


class Complaint(UserWarning):
    pass


class Complaining(EMGaussianMixture):
    def fit(self, X, y=None):
        warnings.warn("did not\n converge", Complaint, stacklevel=2)
        return super().fit(X)


class Sulking(EMGaussianMixture):
    def fit(self, X, y=None):
        if self.covariance_type == "full":
            raise ValueError("ill-conditioned covariance")
        return super().fit(X)


class Refusing(EMGaussianMixture):
    def fit(self, X, y=None):
        raise ValueError("ill-conditioned covariance")


def test_warnings_of_fits_are_summed_up_in_a_line(monkeypatch):
    monkeypatch.setattr(_analysis, "EMGaussianMixture", Complaining)
    analysis = analyse(table_of(two_clouds()))
    # 40 fits on folds, 8 for BIC, one at the end.
    text = report_text(analysis)
    assert "Complaint, 49 times, first: did not converge" in text


def test_mixtures_that_fail_are_told_and_not_chosen(monkeypatch):
    monkeypatch.setattr(_analysis, "EMGaussianMixture", Sulking)
    analysis = analyse(table_of(two_clouds()))
    assert analysis.model[-1].covariance_type != "full"
    text = report_text(analysis)
    assert re.search(r"full +failed +failed", text)
    assert "FitFailedWarning" in text
    assert "nan" not in text.split("Warnings")[0]


def test_table_that_no_mixture_fits_is_an_error_with_the_reason(monkeypatch):
    monkeypatch.setattr(_analysis, "EMGaussianMixture", Refusing)
    with pytest.raises(TableError, match="no mixture could be fitted to two clouds"):
        analyse(table_of(two_clouds()))


def test_components_are_told_in_the_units_of_the_table(analysis):
    values = two_clouds()
    components = describe_components(analysis.model, values)
    responsibilities = analysis.model.predict_proba(values)
    weights = responsibilities.mean(axis=0)
    means = responsibilities.T @ values / responsibilities.sum(axis=0)[:, None]
    for k, component in enumerate(components):
        assert component.weight == pytest.approx(weights[k], rel=1e-3)
        assert_allclose(component.means, means[k], rtol=1e-3)
        off = (component.means - values.mean(axis=0)) / values.std(axis=0)
        assert_allclose(component.deviations, off, atol=1e-9)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_parameters_are_counted_as_bic_counts_them(covariance_type):
    X = np.random.default_rng(0).normal(size=(50, 4))
    mixture = EMGaussianMixture(3, covariance_type=covariance_type, random_state=0)
    penalty = mixture.fit(X).bic(X) + 2 * len(X) * mixture.score(X)
    count = n_parameters(covariance_type, 3, 4)
    assert count == pytest.approx(penalty / np.log(len(X)))


def test_report_tells_the_choice_its_score_and_the_left_out():
    table = table_of(
        two_clouds(),
        omitted={"name": "text, such as 'Ann' (line 2)"},
        notes=["columns named in a header"],
        labels=np.array(["far"] * 12 + ["near"] * 20 + ["far"] * 4),
    )
    analysis = analyse(table, seed=5)
    text = report_text(analysis)
    best = analysis.held_out.best_value_
    assert f"Held-out log-likelihood {best:.3f} ± " in text
    assert "Left out, 1 column:\n  name: text, such as 'Ann' (line 2)" in text
    assert "adjusted Rand index 1.00" in text
    assert f"{analysis.bic.best_value_:.0f}*" in text
    assert all(len(line) <= 88 for line in text.splitlines())


def test_report_says_whether_bic_agrees(analysis):
    text = " ".join(report_text(analysis).split())
    chosen = (
        analysis.held_out.best_covariance_type_,
        analysis.held_out.best_n_components_,
    )
    preferred = analysis.bic.best_covariance_type_, analysis.bic.best_n_components_
    if chosen == preferred:
        assert "BIC chooses the same mixture" in text
    else:
        cost = (analysis.fold_scores[chosen] - analysis.fold_scores[preferred]).mean()
        assert f"BIC disagrees: it prefers {preferred[1]} components" in text
        assert f"worse by {cost:.3f}" in text


def test_density_in_the_units_of_the_table_is_told(analysis):
    shift = np.log(analysis.model[0].scale_).sum()
    told = " ".join(report_text(analysis).split())
    assert f"subtract {shift:.3f} from each log-density" in told


def test_collapse_of_the_chosen_mixture_is_told_under_its_name():
    rng = np.random.default_rng(0)
    spiked = np.where(rng.uniform(size=(120, 1)) < 0.5, 0.0, rng.normal(size=(120, 1)))
    values = np.c_[spiked, rng.normal(size=120)]
    analysis = analyse(table_of(values))
    chosen = report_text(analysis).split("Components\n---")[0]
    assert analysis.chosen_warned
    assert "In this mixture: Components" in " ".join(chosen.split())
