"""Contract: `VariationalAutoencoder` is a scikit-learn estimator in every respect."""

import copy
import pickle
import warnings
from tempfile import TemporaryDirectory

import cloudpickle
import joblib
import numpy as np
import pandas
import polars
import pytest
import skops.io
import torch
from numpy.testing import assert_allclose, assert_array_equal
from numpydoc.validate import validate
from sklearn import config_context
from sklearn.base import clone
from sklearn.callback import ProgressBar
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from skgen import VariationalAutoencoder
from skgen.autoencoder._learning import Objective, bound_held_out
from skgen.autoencoder._read_table import Reading, Table
from skgen.neural import generator_on

from .tables import mixed_columns, rows, small, with_holes

# The checks' tables are tiny and three epochs are few: posteriors collapse, and say so.
# Some checks hand in a data frame and an array by turns.
ignore_warnings_of_checks = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:X .* feature names, but",
)
ignore_collapse = pytest.mark.filterwarnings(
    "ignore:The posterior has collapsed:sklearn.exceptions.ConvergenceWarning"
)

SETTINGS = [
    small(),
    small(likelihood="gaussian", early_stopping=False),
    small(prior="normal", n_importance_samples=1, residual=False),
    small(prior="vamp", correlated=False, masking_fraction=0.0),
    small(conditional=True),
]


def expected_failures(estimator):
    return {
        "check_sample_weight_equivalence_on_dense_data": (
            "the solver is stochastic: repeated rows fall into other batches, with "
            "other noise, than rows of double weight"
        )
    }


@ignore_warnings_of_checks
@parametrize_with_checks(SETTINGS, expected_failed_checks=expected_failures)
def test_passes_scikit_learns_check(estimator, check):
    check(estimator)


# Checks that scikit-learn runs on its own estimators and leaves out of the above.
@ignore_warnings_of_checks
@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_dataframe_column_names_consistency,
        estimator_checks.check_get_feature_names_out_error,
        estimator_checks.check_global_output_transform_pandas,
        estimator_checks.check_global_set_output_transform_polars,
        estimator_checks.check_n_features_in_after_fitting,
        estimator_checks.check_param_validation,
        estimator_checks.check_set_output_transform,
        estimator_checks.check_set_output_transform_pandas,
        estimator_checks.check_set_output_transform_polars,
        estimator_checks.check_transformer_get_feature_names_out,
        estimator_checks.check_transformer_get_feature_names_out_pandas,
    ],
    ids=lambda check: check.__name__,
)
@pytest.mark.parametrize("conditional", [False, True])
def test_passes_check_of_scikit_learns_own_estimators(check, conditional):
    check("VariationalAutoencoder", small(conditional=conditional))


# Documentation

METHODS = sorted(
    name
    for name in dir(VariationalAutoencoder)
    if not name.startswith("_")
    and callable(getattr(VariationalAutoencoder, name))
    and getattr(VariationalAutoencoder, name).__module__.startswith("skgen.")
)
# As in scikit-learn's own test of docstrings: what a value is called may stand in
# Returns, and methods may do with a summary, without examples and references.
NOT_ASKED = {"RT02", "GL01", "GL02"}
NOT_ASKED_OF_METHODS = NOT_ASKED | {"ES01", "SA01", "EX01"}


def complaints(name, not_asked):
    found = validate(f"skgen.{name}")["errors"]
    return [(code, text) for code, text in found if code not in not_asked]


def test_docstring_names_and_describes_every_parameter():
    assert complaints("VariationalAutoencoder", NOT_ASKED) == []


def test_documented_methods_are_all_that_the_class_is_asked():
    assert METHODS == [
        "elbo",
        "fit",
        "impute",
        "inverse_transform",
        "partial_fit",
        "reconstruct",
        "sample",
        "score",
        "score_samples",
        "transform",
    ]


@pytest.mark.parametrize("method", METHODS)
def test_docstring_of_method_names_and_describes_every_parameter(method):
    assert complaints(f"VariationalAutoencoder.{method}", NOT_ASKED_OF_METHODS) == []


def test_docstring_of_the_bounds_parts_is_complete():
    name = "autoencoder.EvidenceLowerBound"
    found = complaints(name, NOT_ASKED_OF_METHODS | {"PR01"})
    assert found == []


@ignore_collapse
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_docstring_lists_every_fitted_attribute(method):
    table = pandas.DataFrame(rows(), columns=list("abcd"))
    fitted = getattr(small(), method)(table)
    for name in vars(fitted):
        if name.endswith("_") and not name.startswith("_"):
            assert f"    {name} : " in VariationalAutoencoder.__doc__, name


# Copies


COPIED = {
    "default": {},
    "normal": {"prior": "normal", "n_importance_samples": 1},
    "vamp": {"prior": "vamp", "early_stopping": False},
    "conditional": {"conditional": True},
    "mixed table": {},
}


@pytest.fixture(scope="module", params=COPIED)
def fitted(request):
    """A fitted autoencoder and the rows it was fitted on."""
    X, y = rows(), np.repeat(["a", "b"], 60)
    if request.param == "mixed table":
        X = pandas.DataFrame(mixed_columns())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return small(**COPIED[request.param]).fit(X, y), X


def _skops(model):
    data = skops.io.dumps(model)
    untrusted = skops.io.get_untrusted_types(data=data)
    name = "skgen.autoencoder._variational_autoencoder.VariationalAutoencoder"
    assert set(untrusted) <= {name}
    return skops.io.loads(data, trusted=untrusted)


def _joblib(model):
    with TemporaryDirectory() as folder:
        path = joblib.dump(model, f"{folder}/model.joblib")
        return joblib.load(*path)


@pytest.mark.parametrize(
    "copied",
    [
        lambda model: pickle.loads(pickle.dumps(model)),
        lambda model: cloudpickle.loads(cloudpickle.dumps(model)),
        _joblib,
        copy.deepcopy,
        copy.copy,
        _skops,
    ],
    ids=["pickle", "cloudpickle", "joblib", "deepcopy", "copy", "skops"],
)
def test_copy_answers_as_the_original(copied, fitted):
    model, X = fitted
    again = copied(model)
    assert_array_equal(again.score_samples(X), model.score_samples(X))
    assert_array_equal(again.transform(X), model.transform(X))
    assert_array_equal(again.sample(10), model.sample(10))
    assert again.get_params() == model.get_params()


@ignore_collapse
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_copy_goes_on_training_as_the_original(method):
    X = rows()
    model = small(warm_start=True)
    getattr(model, method)(X)
    again = pickle.loads(pickle.dumps(model))
    third = _skops(model)
    for each in (model, again, third):
        getattr(each, method)(X)
    assert_array_equal(again.score_samples(X), model.score_samples(X))
    assert_array_equal(third.score_samples(X), model.score_samples(X))


def test_pickle_holds_no_tensors(fitted):
    assert b"torch" not in pickle.dumps(fitted[0])


def test_clone_keeps_parameters_and_forgets_the_fit(fitted):
    again = clone(fitted[0])
    assert again.get_params() == fitted[0].get_params()
    assert not hasattr(again, "parameters_")


@ignore_collapse
def test_parameters_are_left_as_given():
    given = {
        "hidden_layer_sizes": np.array([16]),
        "likelihood": {0: "gaussian"},
        "categorical_features": [],
        "random_state": np.random.RandomState(0),
        "decoder": lambda n_in, n_out: torch.nn.Linear(n_in, n_out),
    }
    model = small(**given).fit(rows())
    for name, value in given.items():
        assert getattr(model, name) is value
    assert given["likelihood"] == {0: "gaussian"}


@ignore_collapse
def test_parameters_set_after_the_fit_change_no_answers():
    X, y = rows(), np.repeat(["a", "b"], 60)
    model = small(conditional=True).fit(X, y)
    expected = model.score_samples(X, y)
    model.set_params(
        n_components=5,
        hidden_layer_sizes=(3, 3),
        activation="relu",
        residual=False,
        prior="vamp",
        conditional=False,
        correlated=False,
        likelihood="gaussian",
    )
    assert_array_equal(model.score_samples(X, y), expected)
    assert model.transform(X).shape == (len(X), 2)
    assert len(model.get_feature_names_out()) == 2
    assert model.inverse_transform(np.zeros((3, 2)), "a").shape == (3, 4)


# Containers, memory layouts, types


def _memory_map(X, tmp_path):
    np.save(tmp_path / "X.npy", X)
    return np.load(tmp_path / "X.npy", mmap_mode="r")


def _read_only(X, tmp_path):
    X = X.copy()
    X.flags.writeable = False
    return X


LAYOUTS = {
    "read-only": _read_only,
    "memory map": _memory_map,
    "Fortran order": lambda X, _: np.asfortranarray(X),
    "strided": lambda X, _: np.repeat(X, 2, axis=0)[::2],
    "reversed": lambda X, _: np.ascontiguousarray(X[::-1])[::-1],
    "list": lambda X, _: X.tolist(),
    "objects": lambda X, _: X.astype(object),
    "pandas": lambda X, _: pandas.DataFrame(X),
    "polars": lambda X, _: polars.DataFrame(X),
}


@ignore_collapse
@pytest.mark.filterwarnings("ignore:X .* feature names, but")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout_of_rows_changes_nothing(layout, tmp_path):
    X = with_holes(rows())
    model = small().fit(X)
    other = LAYOUTS[layout](X, tmp_path)
    again = small().fit(other)
    for name, array in model.parameters_.items():
        assert_allclose(again.parameters_[name], array, rtol=1e-4, atol=1e-5)
    assert_allclose(model.score_samples(other), model.score_samples(X), rtol=1e-10)


@ignore_collapse
def test_rows_weights_and_conditions_are_left_as_they_were():
    X, y, weights = with_holes(rows()), rows(seed=3)[:, 0], np.arange(120.0)
    before = X.copy(), y.copy(), weights.copy()
    model = small(conditional=True).fit(X, y, sample_weight=weights)
    model.partial_fit(X, y, sample_weight=weights)
    model.transform(X, y)
    model.score(X, y, sample_weight=weights)
    model.elbo(X, y)
    model.reconstruct(X, y)
    model.impute(X, y)
    model.impute(X, y, n_draws=2)
    Z = np.zeros((120, 2))
    model.inverse_transform(Z, y)
    for array, copied in zip((X, y, weights, Z), (*before, np.zeros((120, 2)))):
        assert_array_equal(array, copied)


@ignore_collapse
def test_data_frames_are_left_as_they_were():
    table = pandas.DataFrame(mixed_columns())
    before = table.copy(deep=True)
    model = small().fit(table)
    model.impute(table)
    model.reconstruct(table)
    pandas.testing.assert_frame_equal(table, before)


@ignore_collapse
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_come_back_in_the_precision_they_were_given_in(dtype):
    X = rows().astype(dtype)
    model = small().fit(X)
    assert model.transform(X).dtype == dtype
    assert model.sample(2).dtype == dtype
    assert model.reconstruct(X).dtype == dtype
    assert model.impute(X).dtype == dtype
    assert model.score_samples(X).dtype == np.float64


@ignore_collapse
def test_single_precision_scores_nearly_as_double():
    X = rows()
    model = small(max_iter=10).fit(X)
    single, double = X.astype(np.float32), X.astype(np.float32).astype(np.float64)
    scores = model.score_samples(double)
    assert_allclose(model.score_samples(single), scores, rtol=1e-4, atol=1e-3)


@ignore_collapse
@pytest.mark.parametrize("library", [pandas, polars])
def test_set_output_gives_latents_in_the_container(library):
    table = library.DataFrame(dict(zip("abcd", rows().T)))
    model = small().set_output(transform=library.__name__).fit(table)
    latent = model.transform(table)
    assert isinstance(latent, library.DataFrame)
    names = ["variationalautoencoder0", "variationalautoencoder1"]
    assert list(latent.columns) == names
    assert_array_equal(model.get_feature_names_out(), names)
    assert isinstance(model.sample(5), library.DataFrame)
    assert isinstance(model.impute(table), library.DataFrame)


@ignore_collapse
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize("fitted", [np.asarray, pandas.DataFrame, polars.DataFrame])
@pytest.mark.parametrize("chosen", ["default", "pandas", "polars"])
def test_rows_come_in_the_container_fitted_whatever_set_output_says(fitted, chosen):
    X = rows(40)
    model = small().set_output(transform=chosen).fit(fitted(X))
    for rows_told in (
        model.sample(2),
        model.inverse_transform([[0.0, 1.0]]),
        model.reconstruct(X),
        model.impute(X),
        model.impute(X.tolist(), n_draws=2)[0],
    ):
        assert isinstance(rows_told, type(fitted(X)))


@ignore_collapse
def test_a_device_named_that_is_absent_is_remedied_by_auto():
    model = small().fit(rows()).set_params(device="cuda:99")
    with pytest.raises(ValueError, match="device"):
        model.sample()
    assert model.set_params(device="auto").sample().shape == (1, 4)


# Randomness


def global_state():
    name, keys, *rest = np.random.get_state()
    return name, keys.tolist(), rest, torch.get_rng_state().tolist()


@ignore_collapse
@pytest.mark.parametrize("random_state", [None, 0])
@pytest.mark.parametrize("prior", ["mixture", "normal", "vamp"])
def test_global_random_states_are_left_alone(prior, random_state):
    X = with_holes(rows())
    before = global_state()
    model = small(prior=prior, random_state=random_state)
    model.fit(X).sample(5)
    model.partial_fit(X)
    model.impute(X, n_draws=2)
    model.score(X)
    model.transform(X)
    assert global_state() == before


@ignore_collapse
def test_networks_of_ones_own_touch_no_global_random_state_and_are_reproducible():
    def with_dropout(n_inputs, n_outputs):
        return torch.nn.Sequential(
            torch.nn.Linear(n_inputs, 8),
            torch.nn.Dropout(0.5),
            torch.nn.Linear(8, n_outputs),
        )

    X, before = rows(), global_state()
    first = small(encoder=with_dropout).fit(X).partial_fit(X).score_samples(X)
    assert global_state() == before
    torch.randn(3)
    second = small(encoder=with_dropout).fit(X).partial_fit(X).score_samples(X)
    assert_array_equal(first, second)


@ignore_collapse
@pytest.mark.parametrize("prior", ["mixture", "vamp"])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_same_seed_gives_the_same_fit_to_the_last_bit(prior, n_threads):
    X, before = with_holes(rows()), torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        first = small(prior=prior).fit(X)
        torch.set_num_threads(n_threads)
        second = small(prior=prior).fit(X)
        assert torch.get_num_threads() == n_threads
    finally:
        torch.set_num_threads(before)
    for name, array in first.parameters_.items():
        assert_array_equal(second.parameters_[name], array)
    assert_array_equal(first.score_samples(X), second.score_samples(X))


@ignore_collapse
def test_other_seeds_give_other_fits():
    X = rows()
    scores = [small(random_state=seed).fit(X).score(X) for seed in (0, 1, None, None)]
    assert len(set(scores)) == 4


@ignore_collapse
def test_random_state_of_sample_overrides_the_estimators():
    model = small().fit(rows())
    drawn = model.sample(20, random_state=5)
    assert_array_equal(drawn, model.sample(20, random_state=5))
    assert (drawn != model.sample(20)).any()
    assert_array_equal(model.sample(20), model.sample(20, random_state=0))


@ignore_collapse
def test_random_state_of_sample_does_not_advance_the_estimators():
    generator = np.random.RandomState(0)
    model = small(random_state=generator).fit(rows())
    before = generator.get_state()[1].tolist(), generator.get_state()[2]
    model.sample(20, random_state=5)
    assert (generator.get_state()[1].tolist(), generator.get_state()[2]) == before
    first = model.sample(20)
    assert (first != model.sample(20)).any()


@ignore_collapse
def test_row_scores_the_same_in_any_company():
    X = with_holes(rows())
    model = small(max_iter=5).fit(X)
    together, latents = model.score_samples(X), model.transform(X)
    for i in (0, 17, 119):
        assert_allclose(model.score_samples(X[[i]]), together[[i]], rtol=1e-9)
        assert_allclose(model.transform(X[[i]]), latents[[i]], rtol=1e-9, atol=1e-12)


# Training


def kept_bound(model, X):
    """The bound that training watches, of the kept weights on the rows held out."""
    generator = np.random.RandomState(0)
    generator.randint(2**31 - 1)
    seed = int(generator.randint(2**31 - 1))
    table = Table(model._read(X), np.ones(len(X)), None)
    _, held_out = model._split(Reading.of(model), table, torch.device("cpu"))
    objective = Objective(model.n_importance_samples, model.beta, 0.0, 0, 0.0)
    return bound_held_out(model._model(np.float32), held_out, objective, seed)()


@ignore_collapse
@pytest.mark.parametrize("n_importance_samples", [1, 3])
def test_early_stopping_restores_the_best_weights(n_importance_samples):
    # so few rows that the model is soon worse on those held out
    X, kept = np.random.default_rng(0).normal(size=(30, 8)), {}

    class Keep:
        def setup(self, estimator, context): ...
        def teardown(self, estimator, context): ...
        def on_fit_task_begin(self, estimator, context): ...

        def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
            kept[context.task_name, context.task_id] = fitted_estimator.parameters_

    model = small(
        n_importance_samples=n_importance_samples,
        batch_size=4,
        max_iter=80,
        learning_rate_init=0.01,
        masking_fraction=0.0,
        hidden_layer_sizes=(64,),
    )
    model.set_callbacks(Keep()).fit(X)
    bounds = model.history_["validation_bound"]
    assert model.validation_bound_ == np.nanmax(bounds)
    assert model.best_iter_ == np.nanargmax(bounds) + 1 < model.n_iter_
    assert_allclose(kept_bound(model, X), model.validation_bound_, rtol=1e-5)
    for name, array in model.parameters_.items():
        assert_array_equal(array, kept["epoch", model.best_iter_ - 1][name])
        if array.size > 1:
            assert (array != kept["epoch", model.n_iter_ - 1][name]).any()


@ignore_collapse
def test_patience_ends_training_before_the_last_epoch():
    model = small(batch_size=2, max_iter=400, n_iter_no_change=2, tol=10.0)
    model.fit(rows(60))
    assert model.n_iter_ < 30
    assert len(model.loss_curve_) == len(model.history_["epoch"]) == model.n_iter_


@ignore_collapse
def test_patience_is_no_shorter_than_the_time_between_two_looks():
    # two steps in an epoch: rows held out are looked at every 50 epochs
    model = small(max_iter=150, n_iter_no_change=1, batch_size=64).fit(rows())
    looks = np.isfinite(model.history_["validation_bound"])
    assert looks.sum() > 1
    assert looks[-1]


@ignore_collapse
def test_without_early_stopping_all_rows_are_learnt_from():
    model = small(early_stopping=False, max_iter=4).fit(rows())
    assert model.n_iter_ == model.best_iter_ == 4
    assert model.validation_bound_ is None
    assert np.isnan(model.history_["validation_bound"]).all()


@ignore_collapse
def test_warm_start_goes_on_from_the_last_weights():
    X = rows()
    settings = {"warm_start": True, "early_stopping": False, "max_iter": 20}
    model = small(**settings).fit(X)
    first = model.score(X)
    model.fit(X)
    cold = small(**{**settings, "warm_start": False}).fit(X).fit(X)
    assert cold.score(X) == first
    assert model.score(X) > first
    assert model.loss_curve_[0] < cold.loss_curve_[0]


@ignore_collapse
def test_warm_start_after_a_change_of_shape_says_what_to_do():
    model = small(warm_start=True).fit(rows())
    model.set_params(n_components=3)
    with pytest.raises(ValueError, match="warm_start=False"):
        model.fit(rows())


@ignore_collapse
def test_partial_fit_goes_on_where_it_was():
    X = rows(200)
    model, scores = small(), []
    for _ in range(3):
        for part in np.array_split(X, 2):
            model.partial_fit(part)
        scores.append(model.score(X))
    assert scores[0] < scores[1] < scores[2]
    assert model.n_iter_ == len(model.loss_curve_) == 6
    with pytest.raises(ValueError, match="X has 3 features, but"):
        model.partial_fit(X[:, :3])


@ignore_collapse
def test_partial_fit_after_fit_goes_on_from_its_weights():
    X = rows()
    model = small(max_iter=30).fit(X)
    before = model.score(X)
    model.partial_fit(X)
    assert abs(model.score(X) - before) < 1.0
    assert model.score(X) != before


# What is seen of a fit


def path_of(context):
    """Names and numbers of a task and those it is part of, the outermost first."""
    path = []
    while context is not None:
        path.insert(0, (context.task_name, context.task_id))
        context = context.parent
    return path


class Recorder:
    """Notes what it is told; asks to stop at the end of one task."""

    max_propagation_depth = None

    def __init__(self, last=None):
        self.last = last
        self.begun, self.ended, self.fitted, self.data = [], [], [], []
        self.open_setups = 0

    def setup(self, estimator, context):
        self.open_setups += 1

    def teardown(self, estimator, context):
        self.open_setups -= 1

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        self.begun.append(path_of(context))

    def on_fit_task_end(
        self,
        estimator,
        context,
        *,
        X=None,
        y=None,
        metadata=None,
        fitted_estimator=None,
    ):
        self.ended.append(path_of(context))
        self.fitted.append(fitted_estimator)
        self.data.append((X, y, metadata))
        return self.ended[-1][-1] == self.last


@ignore_collapse
def test_epochs_are_tasks_of_the_fit():
    recorder = Recorder()
    model = small().set_callbacks(recorder).fit(rows())
    fit = ("fit", 0)
    epochs = [[fit, ("epoch", i)] for i in range(model.n_iter_)]
    assert recorder.begun == [[fit], *epochs]
    assert recorder.ended == [*epochs, [fit]]
    assert recorder.open_setups == 0


@ignore_collapse
@pytest.mark.parametrize("conditional", [False, True])
def test_estimator_at_an_epoch_answers_everything(conditional):
    X, y, recorder = with_holes(rows()), np.repeat(["a", "b"], 60), Recorder()
    model = small(conditional=conditional).set_callbacks(recorder).fit(X, y)
    for fitted in recorder.fitted:
        assert np.isfinite(fitted.score_samples(X)).all()
        assert fitted.sample(3).shape == (3, 4)
        assert fitted.transform(X).shape == (120, 2)
        assert np.isfinite(fitted.impute(X)).all()
        assert fitted.active_units_ in (0, 1, 2)
    assert [f.n_iter_ for f in recorder.fitted] == [1, 2, 3, 3]
    assert recorder.fitted[0].score(X) != recorder.fitted[1].score(X)
    assert recorder.fitted[-1].score(X) == model.score(X)
    assert recorder.fitted[-1].active_units_ == model.active_units_


@ignore_collapse
def test_callbacks_see_rows_conditions_and_weights():
    X, y, weights = rows(), np.repeat(["a", "b"], 60), np.linspace(0.5, 2.0, 120)
    recorder = Recorder()
    model = small(conditional=True).set_callbacks(recorder)
    model.fit(X, y, sample_weight=weights)
    for seen, given, metadata in recorder.data:
        assert_array_equal(seen, X)
        assert_array_equal(given, y)
        assert_array_equal(metadata["sample_weight"], weights)


@ignore_collapse
def test_callback_changes_nothing():
    X = rows()
    watched = small().set_callbacks(Recorder()).fit(X)
    assert_array_equal(watched.score_samples(X), small().fit(X).score_samples(X))


@ignore_collapse
@pytest.mark.parametrize("early_stopping", [False, True])
def test_callback_stops_training(early_stopping):
    X, recorder = rows(), Recorder(last=("epoch", 1))
    model = small(early_stopping=early_stopping, max_iter=10)
    model.set_callbacks(recorder).fit(X)
    assert model.n_iter_ == len(model.history_["epoch"]) == 2
    assert np.isfinite(model.score_samples(X)).all()
    assert np.isfinite(recorder.fitted[0].score_samples(X)).all()


def test_callback_is_torn_down_where_the_fit_fails():
    recorder = Recorder()
    model = small(decoder=torch.nn.Linear(2, 3)).set_callbacks(recorder)
    with pytest.raises(ValueError, match="decoder must return shape"):
        model.fit(rows())
    assert recorder.open_setups == 0


@ignore_collapse
def test_grid_search_and_pipeline_hand_callbacks_down():
    recorder = Recorder()
    pipeline = make_pipeline(StandardScaler(), small())
    search = GridSearchCV(
        pipeline, {"variationalautoencoder__n_components": [1, 2]}, cv=2
    )
    search.set_callbacks(recorder).fit(rows())
    assert sorted(recorder.begun) == sorted(recorder.ended)
    epochs = [path for path in recorder.ended if path[-1][0] == "epoch"]
    assert len(epochs) == 5 * 3


@ignore_collapse
def test_progress_bar_of_scikit_learn_reaches_its_end(capsys):
    pytest.importorskip("rich")
    small().set_callbacks(ProgressBar()).fit(rows())
    assert "VariationalAutoencoder - fit" in capsys.readouterr().out


@ignore_collapse
def test_verbose_prints_a_line_for_each_epoch(capsys):
    small(verbose=1).fit(rows())
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("Epoch 1, bound = ")
    assert "held out" in lines[-1]
    small().fit(rows())
    assert capsys.readouterr().out == ""


# Metadata, searches, pipelines


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


@ignore_collapse
@pytest.mark.usefixtures("routing")
def test_weights_are_routed_through_a_pipeline():
    X, weights = rows(), np.random.default_rng(0).uniform(0.1, 3.0, 120)
    model = small()
    model.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    scaler = StandardScaler().set_fit_request(sample_weight=True)
    pipeline = Pipeline([("scale", scaler), ("model", model)])
    pipeline.fit(X, sample_weight=weights)

    scaled = StandardScaler().fit_transform(X, sample_weight=weights)
    alone = small().fit(scaled, sample_weight=weights)
    assert alone.score(scaled) != small().fit(scaled).score(scaled)
    assert pipeline.score(X, sample_weight=weights) == alone.score(
        scaled, sample_weight=weights
    )


@pytest.mark.usefixtures("routing")
def test_weights_nobody_asked_for_are_refused():
    search = GridSearchCV(small(), {"n_components": [1]}, cv=2)
    with pytest.raises(ValueError, match=r"sample_weight.* are passed but are not"):
        search.fit(rows(), sample_weight=np.ones(120))


def test_weights_of_zero_are_rows_left_out():
    X = rows()
    weights = np.repeat([1.0, 0.0], 60)
    weighted = small(max_iter=10).fit(X, sample_weight=weights)
    alone = small(max_iter=10).fit(X[:60])
    assert_array_equal(weighted.score_samples(X), alone.score_samples(X))


def test_unit_of_weights_does_not_matter():
    X, weights = rows(), np.random.default_rng(0).uniform(0.1, 3.0, 120)
    fits = [
        small(max_iter=10).fit(X, sample_weight=factor * weights)
        for factor in (1.0, 1e-200, 1e200)
    ]
    for other in fits[1:]:
        assert_allclose(other.score(X), fits[0].score(X), rtol=1e-3)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_grid_search_in_two_processes_finds_what_one_does():
    X = rows()
    grid = {"n_components": [1, 2], "prior": ["normal", "mixture"]}
    results = [
        GridSearchCV(small(), grid, cv=2, n_jobs=n_jobs).fit(X) for n_jobs in (1, 2)
    ]
    one, two = (each.cv_results_["mean_test_score"] for each in results)
    assert_allclose(one, two, rtol=1e-6)
    assert np.isfinite(one).all()


@ignore_collapse
def test_cross_validation_gives_the_held_out_bound():
    X = rows()
    scores = cross_val_score(small(), X, cv=2)
    assert_allclose(scores[0], small().fit(X[60:]).score(X[:60]))


@ignore_collapse
def test_step_of_a_pipeline_feeds_the_next():
    table = pandas.DataFrame(rows(), columns=list("abcd"))
    pipeline = make_pipeline(small(), PCA(1)).fit(table)
    latent = small().fit(table).transform(table)
    assert_allclose(pipeline.transform(table), PCA(1).fit_transform(latent))
    assert_array_equal(
        pipeline[:-1].get_feature_names_out(),
        ["variationalautoencoder0", "variationalautoencoder1"],
    )


@ignore_collapse
def test_column_transformer_gives_it_some_columns():
    table = pandas.DataFrame(mixed_columns())
    transformer = ColumnTransformer(
        [("latent", small(), ["real", "colour"])], remainder="passthrough"
    )
    transformer.set_output(transform="pandas")
    latent = transformer.fit_transform(table)
    assert list(latent.columns)[:2] == [
        "latent__variationalautoencoder0",
        "latent__variationalautoencoder1",
    ]
    assert latent.shape == (120, 5)


@ignore_collapse
def test_fits_at_once_in_threads_do_not_disturb_one_another():
    X = rows()
    models = joblib.Parallel(n_jobs=2, prefer="threads")(
        joblib.delayed(small().fit)(X) for _ in range(4)
    )
    expected = small().fit(X).score_samples(X)
    for model in models:
        assert_array_equal(model.score_samples(X), expected)


def test_generator_of_torch_is_ones_own():
    before = torch.get_rng_state()
    generator = generator_on(torch.device("cpu"), np.random.RandomState(0))
    torch.randn(3, generator=generator)
    assert torch.equal(torch.get_rng_state(), before)
