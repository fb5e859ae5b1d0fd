"""Selection: what is searched, what wins, what the table says, what is refused."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.callback import ProgressBar
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import homogeneity_score
from sklearn.preprocessing import StandardScaler
from strategies import overlapping

from skgen import EMGaussianMixture
from skgen.gaussian import STRUCTURES
from skgen.mixture._selection import (
    AUTO_MODELS,
    BOUNDED_MODELS,
    BRIEF_STEPS,
    FIRST_STEPS,
    Candidate,
    names_of,
    ranks_of,
)

IRIS = load_iris().data
SMALL = {"covariance_type": ["full", "diag"], "random_state": 0}


def search(n_components=range(1, 4), **settings):
    return EMGaussianMixture(n_components, **{**SMALL, **settings})


def value_of(mixture, covariance_type, n_components):
    table = mixture.selection_
    found = (table["covariance_type"] == covariance_type) & (
        table["n_components"] == n_components
    )
    return table["criterion"][found].item()


@pytest.fixture(scope="module")
def iris_search():
    mixture = EMGaussianMixture("auto", covariance_type="auto", random_state=0)
    return mixture.fit(IRIS)


# References: mclust 6.0.0, mclustBIC(X), whose sign is the other


def test_iris_is_best_described_as_by_mclust(iris_search):
    assert iris_search.covariance_type_ == "VEV"
    assert iris_search.n_components_ == 2
    assert -iris_search.bic(IRIS) >= -561.7285 - 1e-4


def test_wine_is_described_better_than_by_mclust():
    X = load_wine().data
    mixture = EMGaussianMixture(
        [3, 4], covariance_type=["VVE", "VEE", "VVI", "VEI", "EVE"], random_state=0
    ).fit(X)
    assert mixture.covariance_type_ == "VVE"
    assert -mixture.bic(X) >= -6849.3874
    assert -value_of(mixture, "VVE", 3) >= -6849.3874


def test_old_faithful_is_best_described_as_by_mclust():
    # 272 eruptions: R's `faithful`; Azzalini, A. and Bowman, A. W. (1990), "A look at
    # some data on the Old Faithful geyser", Applied Statistics 39
    path = Path(__file__).with_name("faithful.csv")
    X = np.loadtxt(path, delimiter=",", skiprows=1)
    mixture = EMGaussianMixture(range(1, 6), covariance_type="auto", random_state=0)
    mixture.fit(X)
    assert (mixture.covariance_type_, mixture.n_components_) == ("EEE", 3)
    assert -mixture.bic(X) >= -2314.3163


def test_breast_cancer_is_described_better_than_by_mclust():
    X = StandardScaler().fit_transform(load_breast_cancer().data[:, :10])
    mixture = EMGaussianMixture(
        [4, 5, 6], covariance_type=["VVV", "EVV", "VEV"], random_state=0
    ).fit(X)
    assert (mixture.covariance_type_, mixture.n_components_) == ("VVV", 5)
    assert -mixture.bic(X) >= -2568.9297


def test_wine_components_never_mix_cultivars():
    X, cultivars = load_wine(return_X_y=True)
    models = ["VVE", "VEE", "VVI", "VEI", "EEE"]
    mixture = EMGaussianMixture([3, 4], covariance_type=models, random_state=0).fit(X)
    assert homogeneity_score(cultivars, mixture.predict(X)) > 0.95


# The winner


def test_estimator_is_the_winner_of_the_table(iris_search):
    table = iris_search.selection_
    best = table["rank"].argmin()
    assert table["rank"][best] == 1
    assert table["n_components"][best] == iris_search.n_components_ == 2
    assert table["covariance_type"][best] == iris_search.covariance_type_
    assert len(iris_search.means_) == 2
    assert iris_search.converged_
    assert sorted(table["rank"]) == list(range(1, 14 * 9 + 1))
    assert np.nanmin(table["criterion"][~table["spurious"]]) == pytest.approx(
        table["criterion"][best]
    )


@pytest.mark.parametrize("criterion", ["bic", "icl", "aic"])
def test_criterion_of_the_table_is_that_of_the_estimator(criterion):
    mixture = search(criterion=criterion).fit(IRIS)
    best = mixture.selection_["criterion"][mixture.selection_["rank"] == 1].item()
    assert best == pytest.approx(getattr(mixture, criterion)(IRIS))


def test_log_likelihood_and_parameters_of_the_table_are_those_of_the_estimator():
    mixture = search().fit(IRIS)
    table = mixture.selection_
    (best,) = np.flatnonzero(table["rank"] == 1)
    total = mixture.score_samples(IRIS).sum()
    assert table["log_likelihood"][best] == pytest.approx(total)
    d_log_n = mixture.bic(IRIS) + 2 * total
    assert table["n_parameters"][best] == pytest.approx(d_log_n / np.log(150))


def test_single_candidate_gains_at_least_what_a_plain_fit_does():
    plain = EMGaussianMixture(3, random_state=0).fit(IRIS)
    searched = EMGaussianMixture([3], random_state=0).fit(IRIS)
    assert searched.lower_bound_ >= plain.lower_bound_ - 1e-6
    assert searched.covariance_type_ == "full"


@pytest.mark.parametrize("seed", range(3))
def test_few_models_are_fitted_no_worse_than_alone(seed):
    X = load_wine().data  # one column is a hundred times as wide as the others
    plain = EMGaussianMixture(9, covariance_type="EII", random_state=seed).fit(X)
    searched = EMGaussianMixture([9], covariance_type=["EII"], random_state=seed)
    assert searched.fit(X).lower_bound_ >= plain.lower_bound_ - 1e-6


@pytest.mark.parametrize("name", ["full", "tied", "diag", "spherical"])
def test_pooled_prior_stays_that_of_the_start(name):
    X = np.random.RandomState(0).randn(300, 3)
    prior = {"covariance_prior": "pooled", "covariance_prior_count": 20.0}
    plain = EMGaussianMixture(3, covariance_type=name, random_state=0, **prior)
    searched = EMGaussianMixture(
        [3], covariance_type=[name], init_params="kmeans", random_state=0, **prior
    ).fit(X)
    plain.set_params(init_params="kmeans").fit(X)
    assert searched.lower_bound_ == pytest.approx(plain.lower_bound_, abs=1e-5)


def test_winner_of_many_models_is_fitted_no_worse_than_alone():
    X = load_wine().data
    models = ["VVE", "VEE", "VVI", "VEI", "EVE", "EEE"]
    for seed in range(2):
        searched = EMGaussianMixture([3, 4], covariance_type=models, random_state=seed)
        searched.fit(X)
        plain = EMGaussianMixture(
            searched.n_components_,
            covariance_type=searched.covariance_type_,
            random_state=seed,
        ).fit(X)
        assert searched.lower_bound_ >= plain.lower_bound_ - 1e-6


@pytest.mark.parametrize("max_iter", [1, 60, 65])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_iterations_of_a_candidate_are_at_most_as_many_as_asked_for(max_iter):
    X = np.random.RandomState(0).randn(300, 3)
    mixture = EMGaussianMixture(
        [3, 4, 5, 6], max_iter=max_iter, acceleration=None, random_state=0
    ).fit(X)
    assert len(mixture.lower_bounds_) == mixture.n_iter_ <= max_iter
    assert (np.diff(mixture.lower_bounds_) >= 0.0).all()


def test_iterations_are_counted_from_the_start():
    X = np.random.RandomState(0).randn(300, 3)
    mixture = EMGaussianMixture([4, 5], acceleration=None, random_state=0).fit(X)
    assert mixture.converged_
    assert len(mixture.lower_bounds_) == mixture.n_iter_ > BRIEF_STEPS
    assert mixture.lower_bounds_[-1] == mixture.lower_bound_


def test_further_starts_never_leave_the_best_worse():
    X = load_wine().data[:, :5]
    settings = {"covariance_type": ["VVE", "VVV"], "init_params": "random"}
    once, often = (search([3, 4], n_init=n, **settings).fit(X) for n in (1, 4))
    assert often.bic(X) <= once.bic(X) + 1e-6
    assert (often.selection_["criterion"] <= once.selection_["criterion"] + 0.01).all()
    best = often.selection_["criterion"][often.selection_["rank"] == 1].item()
    assert best == pytest.approx(often.bic(X))


def test_without_search_there_is_no_table():
    mixture = search().fit(IRIS)
    mixture.set_params(n_components=2, covariance_type="full").fit(IRIS)
    assert not hasattr(mixture, "selection_")
    assert (mixture.n_components_, mixture.covariance_type_) == (2, "full")


def test_held_out_likelihood_finds_the_clusters():
    X, _ = overlapping(spread=9.0)
    mixture = search(range(1, 5), criterion="held-out").fit(X)
    assert mixture.n_components_ == 3
    again = search(range(1, 5), criterion="held-out").fit(X)
    assert_array_equal(again.selection_["criterion"], mixture.selection_["criterion"])


def test_held_out_likelihood_is_near_the_score_of_new_rows():
    X, _ = overlapping(600, spread=9.0)
    mixture = search([3], covariance_type=["full"], criterion="held-out").fit(X[::2])
    held_out = -0.5 * mixture.selection_["criterion"][0] / 300
    assert held_out == pytest.approx(mixture.score(X[1::2]), abs=0.15)


def test_same_seed_same_table():
    first, second = (search().fit(IRIS).selection_ for _ in range(2))
    for name, column in first.items():
        assert_array_equal(column, second[name])


def test_units_of_the_columns_do_not_matter():
    scale = np.array([1e-3, 1.0, 50.0, 1e4])
    plain, scaled = search().fit(IRIS), search().fit(IRIS * scale)
    shift = 2 * 150 * np.log(scale).sum()
    found = scaled.selection_["criterion"] - shift
    assert_allclose(found, plain.selection_["criterion"], atol=0.01)


def test_every_way_to_start_can_be_searched():
    for init_params in ("kmeans", "k-means++", "random_from_data", "random"):
        mixture = search(init_params=init_params).fit(IRIS)
        assert np.isfinite(mixture.selection_["criterion"]).all()


# What is searched


def test_auto_is_nine_sizes_and_fourteen_models(iris_search):
    table = iris_search.selection_
    assert_array_equal(np.unique(table["n_components"]), np.arange(1, 10))
    assert set(table["covariance_type"]) == set(AUTO_MODELS)
    assert len(AUTO_MODELS) == 14


def test_auto_asks_for_no_more_components_than_there_are_rows():
    mixture = EMGaussianMixture("auto", random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(IRIS[[0, 60, 120, 20]])
    assert mixture.n_components_ <= 4
    reasons = mixture.selection_["reason"][4:]
    assert all("distinct rows" in reason for reason in reasons)
    assert np.isnan(mixture.selection_["criterion"][4:]).all()


@pytest.mark.parametrize("sizes", [range(1, 3), [2, 1, 2], np.array([1, 2]), (1, 2)])
def test_sizes_may_come_in_any_container(sizes):
    mixture = search(sizes, covariance_type="diag").fit(IRIS)
    assert_array_equal(mixture.selection_["n_components"], [1, 2])
    assert mixture.n_components is sizes
    assert_array_equal(clone(mixture).n_components, sizes)


def test_model_under_two_names_is_fitted_once():
    assert names_of(["VVV", "full", "tied", "EEE"]) == ("VVV", "tied")
    mixture = search(2, covariance_type=["VVV", "full"]).fit(IRIS)
    assert_array_equal(mixture.selection_["covariance_type"], ["VVV"])
    assert mixture.covariance_type_ == "VVV"


# Ties and spurious candidates


def test_ties_go_to_the_simplest_model_that_was_named_first():
    rng = np.random.RandomState(0)
    column = np.r_[rng.randn(60), 20 + rng.randn(60)][:, None]
    mixture = EMGaussianMixture("auto", covariance_type="auto", random_state=0)
    mixture.fit(column)
    assert (mixture.covariance_type_, mixture.n_components_) == ("EII", 2)


def test_ranks_put_spurious_candidates_behind_and_missing_ones_last():
    candidates = [
        Candidate(1, "a", criterion=9.0, n_parameters=4),
        Candidate(1, "b", criterion=1.0, spurious=True),
        Candidate(1, "c", reason="none"),
        Candidate(1, "d", criterion=9.0 + 1e-9, n_parameters=3),
        Candidate(1, "e", criterion=8.0),
    ]
    assert_array_equal(ranks_of(candidates, 1e-6), [3, 4, 5, 2, 1])


def test_component_of_a_few_rows_is_spurious_and_does_not_win():
    rng = np.random.RandomState(0)
    X = np.vstack([rng.randn(100, 2), 5 + 1e-6 * rng.randn(4, 2)])
    mixture = EMGaussianMixture([1, 2], random_state=0).fit(X)
    assert_array_equal(mixture.selection_["spurious"], [False, True])
    assert mixture.selection_["criterion"][1] < mixture.selection_["criterion"][0]
    assert mixture.n_components_ == 1


@pytest.mark.parametrize("seed", range(3))
def test_components_of_fewer_rows_than_turn_them_do_not_win(seed):
    X = np.random.default_rng(seed).normal(size=(15, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture = EMGaussianMixture("auto", covariance_type="auto", random_state=0)
        mixture.fit(X)
    few = mixture.weights_.min() * 15 < mixture.n_features_in_ + 2 - 1e-6
    assert not (few and mixture.covariance_type_ in ("EEV", "VEV", "EVV", "VVV"))


@pytest.mark.parametrize(
    ("expected", "names"),
    [
        (6, ["VVV", "EVV", "EEV", "VEV"]),  # each turned its own way
        (5, ["EVE", "VVE"]),
        (3, ["EII", "EEI", "VEI", "EVI", "VEE"]),
    ],
)
def test_rows_that_describe_a_component(expected, names):
    assert [STRUCTURES[name].fewest_rows(4) for name in names] == [expected] * len(
        names
    )


def test_search_starts_in_units_common_to_all_columns_where_a_model_has_but_those():
    X = load_wine().data
    settings = {"covariance_type": ["EII", "VII", "EEI", "VEI"], "random_state": 0}
    mixture = EMGaussianMixture([9], **settings).fit(X)
    # mclust 6.0.0: BIC -19053.7 of EII with nine components
    assert -value_of(mixture, "EII", 9) >= -19053.8


class Steps:
    """Counts the iterations of each candidate."""

    def __init__(self):
        self.counts = []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        if context.task_name == "candidate":
            self.counts.append(0)

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.counts[-1] += context.task_name == "em-step"
        return False


def test_spurious_candidates_are_given_up_soon():
    X = np.random.RandomState(0).randn(40, 4)
    steps = Steps()
    mixture = EMGaussianMixture(
        [1, 8, 9], covariance_type=["VVV", "EVV", "VEV", "EEV"], tol=0.0, random_state=0
    )
    mixture.set_params(max_iter=100).set_callbacks(steps)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(X)
    spurious = mixture.selection_["spurious"]
    assert spurious[4:].all()
    assert max(steps.counts[4:12]) <= FIRST_STEPS


@pytest.mark.filterwarnings("ignore:Components")
def test_warns_where_all_candidates_are_spurious():
    X = np.random.RandomState(0).randn(6, 8)
    with pytest.warns(ConvergenceWarning, match="All candidates .* spurious"):
        search([1, 2], covariance_type="full").fit(X)


# Weights, holes, noise, awkward rows


def test_weights_count_rows():
    X, _ = overlapping(60, spread=6.0)
    weights = np.arange(60) % 3
    weighted = search().fit(X, sample_weight=weights)
    repeated = search().fit(np.repeat(X, weights, axis=0))
    for name in ("criterion", "log_likelihood"):
        expected = repeated.selection_[name]
        assert_allclose(weighted.selection_[name], expected, atol=0.01)
    assert weighted.n_components_ == repeated.n_components_


def test_weights_that_sum_to_one_are_refused():
    with pytest.raises(ValueError, match=r"sample_weight must sum to at least 2"):
        search().fit(IRIS, sample_weight=np.full(150, 1 / 150))


@pytest.mark.parametrize("criterion", ["bic", "icl", "held-out"])
def test_rows_with_holes_are_searched(criterion):
    X, _ = overlapping(200, d=3, spread=9.0)
    X[np.random.RandomState(0).uniform(size=X.shape) < 0.1] = np.nan
    mixture = search([2, 3], criterion=criterion).fit(X)
    assert mixture.n_components_ == 3
    if criterion == "bic":
        assert mixture.selection_["criterion"].min() == pytest.approx(mixture.bic(X))


def test_column_that_a_part_hides_is_named():
    X, _ = overlapping(60, d=3, spread=9.0)
    X[1:, 2] = np.nan
    with pytest.raises(ValueError, match=r"columns \[2\] hold NaN alone without part"):
        search([1, 2], criterion="held-out").fit(X)


def test_bounded_ratio_is_searched_among_the_models_that_know_it():
    mixture = search(2, covariance_type="auto", max_eigenvalue_ratio=20.0).fit(IRIS)
    assert set(mixture.selection_["covariance_type"]) == set(BOUNDED_MODELS)
    with pytest.raises(ValueError, match="max_eigenvalue_ratio is for"):
        search(covariance_type=["VEV"], max_eigenvalue_ratio=20.0).fit(IRIS)


def test_noise_is_searched():
    X, _ = overlapping(200, spread=9.0)
    X = np.vstack([X, np.random.RandomState(0).uniform(-20, 20, (20, 2))])
    mixture = search([1, 2, 3, 4], noise="uniform").fit(X)
    assert mixture.noise_weight_ > 0.02
    best = mixture.selection_["criterion"][mixture.selection_["rank"] == 1].item()
    assert best == pytest.approx(mixture.bic(X))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "rows",
    [
        np.c_[IRIS, np.full(150, 3.0)],
        np.c_[IRIS, IRIS[:, 0]],
        IRIS[:3],
        np.repeat(IRIS[:5], 20, axis=0),
        np.ones((10, 2)),
        IRIS[:, :1],
        np.random.RandomState(0).randn(8, 12),
    ],
    ids=["constant", "duplicate", "few", "repeated", "one row", "column", "wide"],
)
def test_awkward_rows_are_searched(rows):
    mixture = EMGaussianMixture(
        [1, 2, 3, 6], covariance_type="auto", random_state=0
    ).fit(rows)
    table = mixture.selection_
    assert np.isfinite(mixture.means_).all()
    assert (np.isnan(table["criterion"]) == (table["reason"] != "")).all()


def test_candidates_that_cannot_be_fitted_are_recorded():
    X = np.c_[IRIS, np.full(150, 3.0)]
    mixture = EMGaussianMixture(
        [1, 2], covariance_type=["VVV", "EII"], reg_covar=0.0, random_state=0
    ).fit(X)
    assert mixture.covariance_type_ == "EII"
    failed = mixture.selection_["covariance_type"] == "VVV"
    assert all("definite" in why for why in mixture.selection_["reason"][failed])


def test_raises_where_no_candidate_can_be_fitted():
    X = np.c_[IRIS, np.full(150, 3.0)]
    with pytest.raises(ValueError, match="None of the candidates could be fitted"):
        search(covariance_type="full", reg_covar=0.0).fit(X)


# What users see


def test_verbose_prints_a_line_for_each_candidate(capsys):
    search([1, 2], verbose=1).fit(IRIS)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("full, 1 components: bic ")
    # two candidates of two components start as a plain fit does, too, and the winner
    # is climbed to the end
    assert len(lines) == 4 + 2 + 1


class StopAfter:
    """Stops the search at the end of some candidate."""

    def __init__(self, n_candidates):
        self.n_candidates, self.names = n_candidates, []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        if context.task_name == "candidate":
            self.names.append(fitted_estimator.covariance_type_)
            return len(self.names) == self.n_candidates
        return False


def test_callback_may_stop_the_search():
    mixture = search([1, 2, 3])
    callback = StopAfter(3)
    mixture.set_callbacks(callback).fit(IRIS)
    assert callback.names == ["full", "diag", "full"]
    reasons = mixture.selection_["reason"]
    assert all(why == "" for why in reasons[:3])
    assert all("stopped" in why for why in reasons[3:])
    assert (mixture.n_components_, mixture.covariance_type_) == (2, "full")


@pytest.mark.filterwarnings("ignore")
def test_progress_bar_runs():
    search([1, 2]).set_callbacks(ProgressBar()).fit(IRIS)


# What is refused


@pytest.mark.parametrize(
    "sizes", [[], [0], [1.5], [True], ["2"], [-1, 2], [[1, 2]], [1.0, 2.0]]
)
def test_sizes_that_are_none_are_refused(sizes):
    with pytest.raises(ValueError, match=r"n_components must be .* list, range or"):
        EMGaussianMixture(sizes).fit(IRIS)


def test_unknown_name_in_a_list_is_named():
    with pytest.raises(ValueError, match="got 'VXV' in"):
        search(covariance_type=["full", "VXV"]).fit(IRIS)


def test_empty_list_of_names_is_refused():
    with pytest.raises(ValueError, match="at least one name"):
        search(covariance_type=[]).fit(IRIS)


@pytest.mark.parametrize(
    "given",
    [
        {"weights_init": [1.0]},
        {"means_init": IRIS[:1]},
        {"precisions_init": np.eye(4)[None]},
        {"warm_start": True},
    ],
    ids=lambda given: next(iter(given)),
)
def test_start_of_one_candidate_is_refused_in_a_search(given):
    with pytest.raises(ValueError, match=f"{next(iter(given))} must be"):
        search(**given).fit(IRIS)
