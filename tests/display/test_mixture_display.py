"""MixtureDisplay: the artists hold the numbers of the fitted model."""

import builtins

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.mixture import BayesianGaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgen.display import MixtureDisplay
from skgen.mixture import EMGaussianMixture

COVARIANCE_TYPES = ["full", "tied", "diag", "spherical"]


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(0)
    turned = rng.normal(size=(120, 3)) @ rng.normal(size=(3, 3))
    round_ = rng.normal(loc=[6, 0, -4], size=(80, 3))
    return np.vstack([turned, round_])


def matrices(mixture):
    """Covariances as matrices, written out independently of the display."""
    n_components, n_features = mixture.means_.shape
    covariances = mixture.covariances_
    return {
        "full": lambda: covariances,
        "tied": lambda: np.stack([covariances] * n_components),
        "diag": lambda: np.stack([np.diag(row) for row in covariances]),
        "spherical": lambda: np.stack([v * np.eye(n_features) for v in covariances]),
    }[mixture.covariance_type]()


def covariance_of(ellipse):
    """The matrix whose ellipse of one standard deviation this is."""
    angle = np.radians(ellipse.angle)
    axes = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    variances = np.array([ellipse.width, ellipse.height]) ** 2 / 4
    return axes @ np.diag(variances) @ axes.T


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_ellipses_are_the_covariances_of_the_chosen_columns(X, covariance_type):
    mixture = EMGaussianMixture(2, covariance_type=covariance_type, random_state=0)
    display = MixtureDisplay.from_estimator(mixture.fit(X), X, columns=[2, 0])
    expected = matrices(mixture)[:, [2, 0]][:, :, [2, 0]]
    for k, (inner, outer) in enumerate(display.ellipses_):
        assert_allclose(inner.center, mixture.means_[k, [2, 0]])
        assert_allclose(covariance_of(inner), expected[k], rtol=1e-9, atol=1e-12)
        assert_allclose(covariance_of(outer), 4 * expected[k], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_ellipses_are_the_covariances_in_the_principal_axes(X, covariance_type):
    mixture = EMGaussianMixture(3, covariance_type=covariance_type, random_state=0)
    display = MixtureDisplay.from_estimator(mixture.fit(X), X)
    pca = PCA(2, svd_solver="full").fit(X)
    expected = pca.components_ @ matrices(mixture) @ pca.components_.T
    assert_allclose(display.covariances, expected, atol=1e-12)
    for k, (inner, _) in enumerate(display.ellipses_):
        assert_allclose(covariance_of(inner), expected[k], rtol=1e-9, atol=1e-12)
    assert_allclose(display.mean_markers_.get_offsets(), pca.transform(mixture.means_))
    shares = 100 * pca.explained_variance_ratio_
    assert f"{shares[0]:.0f} % of variance" in display.ax_.get_xlabel()


def test_long_axis_of_an_ellipse_points_along_the_greatest_eigenvector(X):
    mixture = EMGaussianMixture(2, random_state=0).fit(X)
    display = MixtureDisplay.from_estimator(mixture, X, columns=[0, 1])
    for covariance, (inner, _) in zip(mixture.covariances_, display.ellipses_):
        variances, directions = np.linalg.eigh(covariance[:2, :2])
        angle = np.radians(inner.angle)
        long_axis = np.array([np.cos(angle), np.sin(angle)])
        assert inner.width == pytest.approx(2 * np.sqrt(variances[1]))
        assert inner.height == pytest.approx(2 * np.sqrt(variances[0]))
        assert abs(long_axis @ directions[:, 1]) == pytest.approx(1)


def test_every_row_is_drawn_once_with_its_own_component(X):
    mixture = EMGaussianMixture(3, random_state=0).fit(X)
    display = MixtureDisplay.from_estimator(mixture, X, columns=[0, 1])
    labels = mixture.predict(X)
    for k, scatter in enumerate(display.scatters_):
        assert_array_equal(scatter.get_offsets(), X[labels == k][:, :2])


def test_components_differ_in_marker_and_in_colour(X):
    mixture = EMGaussianMixture(3, random_state=0).fit(X)
    display = MixtureDisplay.from_estimator(mixture, X)
    colours = {tuple(scatter.get_facecolor()[0]) for scatter in display.scatters_}
    markers = {
        scatter.get_paths()[0].vertices.tobytes() for scatter in display.scatters_
    }
    assert len(colours) == len(markers) == 3


def test_numbers_stand_at_the_means_and_discs_grow_with_weight(X):
    mixture = EMGaussianMixture(2, random_state=0).fit(X)
    display = MixtureDisplay.from_estimator(mixture, X, columns=[0, 1])
    assert [text.get_text() for text in display.mean_texts_] == ["0", "1"]
    positions = [text.get_position() for text in display.mean_texts_]
    assert_allclose(positions, mixture.means_[:, :2])
    areas = display.mean_markers_.get_sizes()
    assert_array_equal(np.argsort(areas), np.argsort(mixture.weights_))


def test_pipeline_is_drawn_in_the_units_of_its_last_step(X):
    X = X * [1, 100, 10_000]
    pipeline = make_pipeline(StandardScaler(), EMGaussianMixture(2, random_state=0))
    display = MixtureDisplay.from_estimator(pipeline.fit(X), X, columns=[1, 2])
    assert_allclose(display.points, pipeline[0].transform(X)[:, 1:])
    assert_allclose(display.means, pipeline[-1].means_[:, 1:])
    assert display.ax_.get_xlabel() == "x1 (after StandardScaler)"
    assert display.ax_.get_ylabel() == "x2 (after StandardScaler)"


def test_pipeline_with_fewer_features_than_columns_is_named_by_its_steps(X):
    pipeline = make_pipeline(PCA(2), EMGaussianMixture(2, random_state=0)).fit(X)
    display = MixtureDisplay.from_estimator(pipeline, X, columns=["pca1", "pca0"])
    assert_allclose(display.points, pipeline[0].transform(X)[:, ::-1])


def test_one_feature_is_drawn_as_its_density(X):
    X = X[:, :1]
    mixture = EMGaussianMixture(2, random_state=0).fit(X)
    display = MixtureDisplay.from_estimator(mixture, X, feature_names=["length"])
    where, density = display.density_line_.get_data()
    assert_allclose(density, np.exp(mixture.score_samples(where[:, None])))
    for k, line in enumerate(display.component_lines_):
        deviation = np.sqrt(mixture.covariances_[k, 0, 0])
        component = norm.pdf(where, mixture.means_[k, 0], deviation)
        assert_allclose(line.get_ydata(), mixture.weights_[k] * component)
    assert display.ax_.get_xlabel() == "length"
    assert display.ellipses_ == []


def test_one_column_of_many_is_drawn_as_its_marginal_density(X):
    mixture = EMGaussianMixture(2, random_state=0).fit(X)
    display = MixtureDisplay.from_estimator(mixture, X, columns=1)
    where, density = display.density_line_.get_data()
    deviations = np.sqrt(mixture.covariances_[:, 1, 1])
    expected = norm.pdf(where[:, None], mixture.means_[:, 1], deviations)
    assert_allclose(density, expected @ mixture.weights_)
    mass = np.trapezoid(density, where)
    assert mass == pytest.approx(1, abs=0.01)


def test_names_come_from_a_data_frame(X):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    mixture = EMGaussianMixture(2, random_state=0).fit(frame)
    display = MixtureDisplay.from_estimator(mixture, frame, columns=["c", "a"])
    assert display.axis_names == ["c", "a"]
    assert_array_equal(display.points, X[:, [2, 0]])


def test_other_mixtures_of_scikit_learn_are_drawn(X):
    mixture = BayesianGaussianMixture(n_components=2, random_state=0).fit(X)
    display = MixtureDisplay.from_estimator(mixture, X, columns=[0, 1])
    assert_allclose(display.means, mixture.means_[:, :2])


def test_given_axes_are_used(X, pyplot):
    figure, ax = pyplot.subplots()
    mixture = EMGaussianMixture(2, random_state=0).fit(X)
    display = MixtureDisplay.from_estimator(mixture, X, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is figure


def test_keywords_reach_the_artists(X):
    mixture = EMGaussianMixture(2, random_state=0).fit(X)
    display = MixtureDisplay.from_estimator(
        mixture, X, n_deviations=(3,), scatter_kw={"s": 7}, ellipse_kw={"linewidth": 9}
    )
    assert [len(ellipses) for ellipses in display.ellipses_] == [1, 1]
    assert display.ellipses_[0][0].get_linewidth() == 9
    assert_array_equal(display.scatters_[0].get_sizes(), [7])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ([0, 1, 2], "one or two columns to draw, got 3"),
        (["height"], r"among \['x0', 'x1', 'x2'\], got 'height'"),
        ([3], "below 3, the number of columns, got 3"),
    ],
)
def test_columns_that_do_not_exist_are_named(X, columns, message):
    mixture = EMGaussianMixture(2, random_state=0).fit(X)
    with pytest.raises(ValueError, match=message):
        MixtureDisplay.from_estimator(mixture, X, columns=columns)


def test_feature_names_of_another_length_are_refused(X):
    mixture = EMGaussianMixture(2, random_state=0).fit(X)
    with pytest.raises(ValueError, match="each of X's 3 columns, got 1 names"):
        MixtureDisplay.from_estimator(mixture, X, feature_names=["a"])


def test_what_is_no_mixture_is_refused(X):
    regression = LinearRegression().fit(X, X[:, 0])
    message = "fitted Gaussian mixture .* got LinearRegression without weights_, means_"
    with pytest.raises(TypeError, match=message):
        MixtureDisplay.from_estimator(regression, X)


def test_missing_matplotlib_is_an_error_that_names_the_remedy(X, monkeypatch):
    mixture = EMGaussianMixture(2, random_state=0).fit(X)
    real_import = builtins.__import__

    def import_without_matplotlib(name, *arguments, **keywords):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real_import(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", import_without_matplotlib)
    with pytest.raises(ImportError, match=r'pip install "skgen\[plot\]"'):
        MixtureDisplay.from_estimator(mixture, X)
