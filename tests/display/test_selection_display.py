"""MixtureSelectionDisplay: lines are the criterion, the star is its best value."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator
from sklearn.datasets import load_iris
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgen.display import MixtureSelectionDisplay
from skgen.mixture import EMGaussianMixture

X = load_iris().data
VALUES = [[30.0, 10.0, 20.0], [25.0, 40.0, np.nan]]


def display_of(values=VALUES, **keywords):
    return MixtureSelectionDisplay(
        n_components=[1, 2, 4],
        covariance_types=["full", "diag"],
        values=values,
        **keywords,
    )


class NoPairs(BaseEstimator):
    """A mixture that cannot be fitted with two components."""

    def __init__(self, n_components=1, covariance_type="full"):
        self.n_components = n_components
        self.covariance_type = covariance_type

    def fit(self, X, y=None):
        if self.n_components == 2:
            raise ValueError("two is a crowd")
        return self

    def bic(self, X):
        return float(self.n_components)


@pytest.mark.parametrize("criterion", ["bic", "aic"])
def test_lines_are_the_criterion_of_each_mixture_fitted_on_all_rows(criterion):
    display = MixtureSelectionDisplay.from_estimator(
        EMGaussianMixture(random_state=0),
        X,
        n_components=[1, 3],
        covariance_types=["tied", "spherical"],
        criterion=criterion,
    )
    for line, covariance_type in zip(display.lines_, ["tied", "spherical"]):
        mixtures = [
            EMGaussianMixture(k, covariance_type=covariance_type, random_state=0).fit(X)
            for k in (1, 3)
        ]
        assert_array_equal(line.get_xdata(), [1, 3])
        expected = [getattr(mixture, criterion)(X) for mixture in mixtures]
        assert_allclose(line.get_ydata(), expected)
        assert line.get_label() == covariance_type
    assert display.ax_.get_ylabel() == f"{criterion.upper()} (lower is better)"


def test_pipeline_is_judged_in_the_units_of_its_last_step():
    pipeline = make_pipeline(StandardScaler(), EMGaussianMixture(random_state=0))
    display = MixtureSelectionDisplay.from_estimator(
        pipeline, X, n_components=[2], covariance_types=["full"]
    )
    scaled = StandardScaler().fit_transform(X)
    expected = EMGaussianMixture(2, random_state=0).fit(scaled).bic(scaled)
    assert display.best_value_ == pytest.approx(expected)


def test_estimator_is_left_as_it_was():
    mixture = EMGaussianMixture(n_components=7, random_state=0)
    MixtureSelectionDisplay.from_estimator(
        mixture, X, n_components=[1], covariance_types=["diag"]
    )
    assert mixture.n_components == 7
    assert not hasattr(mixture, "means_")


@pytest.mark.parametrize(
    ("lower_is_better", "best"), [(True, ("full", 2, 10)), (False, ("diag", 2, 40))]
)
def test_star_stands_at_the_best_value(lower_is_better, best):
    display = display_of(lower_is_better=lower_is_better).plot()
    covariance_type, size, value = best
    assert display.best_covariance_type_ == covariance_type
    assert display.best_n_components_ == size
    assert display.best_value_ == value
    assert_array_equal(display.best_marker_.get_xydata(), [[size, value]])


def test_lines_differ_in_colour_marker_and_style():
    lines = display_of().plot().lines_
    for look in ("get_color", "get_marker", "get_linestyle"):
        assert len({getattr(line, look)() for line in lines}) == 2


def test_standard_error_is_drawn_around_the_best():
    errors = np.full((2, 3), 1.5)
    errors[0, 1] = 2.0
    display = display_of(standard_errors=errors).plot()
    (bar,) = display.errorbar_.lines[2][0].get_segments()
    assert_allclose(bar, [[2, 8], [2, 12]])


def test_search_is_shown_by_its_held_out_means_and_standard_errors():
    pipeline = make_pipeline(StandardScaler(), EMGaussianMixture(random_state=0))
    name = pipeline.steps[-1][0]
    grid = {
        f"{name}__n_components": [2, 1],
        f"{name}__covariance_type": ["full", "diag"],
    }
    search = GridSearchCV(pipeline, grid, cv=3).fit(X)
    display = MixtureSelectionDisplay.from_search(search)
    assert_array_equal(display.n_components, [1, 2])
    assert display.best_value_ == pytest.approx(search.best_score_)
    best = search.best_params_
    assert display.best_n_components_ == best[f"{name}__n_components"]
    assert display.best_covariance_type_ == best[f"{name}__covariance_type"]
    results = search.cv_results_
    folds = [results[f"split{i}_test_score"][search.best_index_] for i in range(3)]
    cell = display.covariance_types.index(display.best_covariance_type_)
    column = list(display.n_components).index(display.best_n_components_)
    error = display.standard_errors[cell, column]
    assert error == pytest.approx(np.std(folds, ddof=1) / np.sqrt(3))
    assert "higher is better" in display.ax_.get_ylabel()


def test_search_over_more_parameters_shows_the_best_over_the_others():
    grid = {"n_components": [1, 2], "reg_covar": [1e-6, 10.0]}
    search = GridSearchCV(EMGaussianMixture(random_state=0), grid, cv=3).fit(X)
    display = MixtureSelectionDisplay.from_search(search)
    results = search.cv_results_
    expected = [
        max(results["mean_test_score"][results["param_n_components"] == size])
        for size in (1, 2)
    ]
    assert_allclose(display.values, [expected])


def test_search_without_numbers_of_components_is_refused():
    search = GridSearchCV(EMGaussianMixture(random_state=0), {"tol": [0.1]}, cv=2).fit(
        X
    )
    with pytest.raises(ValueError, match=r"varied n_components; .* \['param_tol'\]"):
        MixtureSelectionDisplay.from_search(search)


def test_failed_fit_is_a_gap_and_a_warning():
    with pytest.warns(FitFailedWarning, match="full covariances with 2 .* a crowd"):
        display = MixtureSelectionDisplay.from_estimator(
            NoPairs(), X, n_components=[1, 2, 3], covariance_types=["full"]
        )
    assert_array_equal(display.values, [[1, np.nan, 3]])
    assert display.best_n_components_ == 1


def test_criterion_that_the_model_lacks_is_refused():
    with pytest.raises(ValueError, match=r"a method of NoPairs .*'bic'.* got 'waic'"):
        MixtureSelectionDisplay.from_estimator(NoPairs(), X, criterion="waic")
    with pytest.raises(ValueError, match="got 'bic'"):
        MixtureSelectionDisplay.from_estimator(LinearRegression(), X)


def test_values_without_a_number_have_no_best():
    with pytest.raises(ValueError, match="a number that is not NaN, got none"):
        display_of(np.full((2, 3), np.nan)).plot()


@pytest.mark.parametrize("lower_is_better", [True, False])
def test_frame_holds_the_best_of_every_line_when_one_lies_far_off(lower_is_better):
    sign = 1 if lower_is_better else -1
    values = sign * np.array([[1000.0, 10.0, 20.0], [900.0, 40.0, 30.0]])
    display = display_of(values, lower_is_better=lower_is_better).plot()
    low, high = display.ax_.get_ylim()
    assert low < min(10 * sign, 30 * sign) < max(10 * sign, 30 * sign) < high
    assert not low < 1000 * sign < high
    whole = display.plot(focus=False).ax_.get_ylim()
    assert whole[0] < 1000 * sign < whole[1]


# The search of an estimator itself


@pytest.fixture(scope="module")
def searched():
    mixture = EMGaussianMixture(
        [1, 2, 4], covariance_type=["diag", "VEV"], random_state=0
    )
    return mixture.fit(X)


def test_own_search_is_drawn_as_its_table_has_it(searched):
    display = MixtureSelectionDisplay.from_estimator(searched)
    table = searched.selection_
    for line, name in zip(display.lines_, ["diag", "VEV"]):
        own = table["covariance_type"] == name
        assert line.get_label() == name
        assert_array_equal(line.get_xdata(), table["n_components"][own])
        assert_array_equal(line.get_ydata(), table["criterion"][own])
    assert display.best_covariance_type_ == searched.covariance_type_ == "VEV"
    assert display.best_n_components_ == searched.n_components_ == 2
    assert display.best_value_ == table["criterion"][table["rank"] == 1]
    assert display.spurious_markers_ == []
    assert display.ax_.get_ylabel() == "BIC (lower is better)"


def test_own_search_of_a_pipeline_is_drawn():
    pipeline = make_pipeline(StandardScaler(), EMGaussianMixture([1, 2])).fit(X)
    display = MixtureSelectionDisplay.from_estimator(pipeline)
    values = pipeline[-1].selection_["criterion"]
    assert_array_equal(display.lines_[0].get_ydata(), values)


def test_spurious_candidates_are_hollow_and_neither_in_lines_nor_best():
    spurious = [[False, True, False], [False, False, False]]
    display = display_of(spurious=spurious).plot()
    assert_array_equal(display.lines_[0].get_ydata(), [30, np.nan, 20])
    (hollow,) = display.spurious_markers_
    assert_array_equal(hollow.get_xydata(), [[2, 10]])
    assert hollow.get_markerfacecolor() == "none"
    assert (display.best_covariance_type_, display.best_n_components_) == ("full", 4)
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["full", "diag", "spurious"]


def test_best_is_found_among_spurious_ones_where_all_are():
    display = display_of(spurious=np.ones((2, 3), dtype=bool))
    assert display.best_value_ == 10


def test_best_may_be_given():
    display = display_of(best=("diag", 1)).plot()
    assert_array_equal(display.best_marker_.get_xydata(), [[1, 25]])


def test_fourteen_lines_are_all_different_and_have_their_legend_beside():
    display = MixtureSelectionDisplay(
        n_components=[1, 2],
        covariance_types=[f"model {i}" for i in range(14)],
        values=np.arange(28.0).reshape(14, 2),
    ).plot()
    looks = {
        (line.get_color(), line.get_marker(), line.get_linestyle())
        for line in display.lines_
    }
    assert len(looks) == 14
    display.figure_.canvas.draw()
    legend = display.ax_.get_legend().get_window_extent()
    assert legend.x0 >= display.ax_.get_window_extent().x1


def test_estimator_without_search_and_without_rows_is_refused():
    with pytest.raises(ValueError, match="has no selection_"):
        MixtureSelectionDisplay.from_estimator(EMGaussianMixture(2).fit(X))
