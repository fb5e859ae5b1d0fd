"""LatentDisplay: points are what transform says, colours and names the labels'."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA

from skgen.display import LatentDisplay


class Latents(BaseEstimator):
    """A transformer that returns its input, as a fitted model's latent means."""

    def transform(self, X):
        return np.asarray(X)


@pytest.fixture(scope="module")
def Z():
    return np.random.default_rng(0).normal(size=(60, 4)) * [1.0, 0.1, 3.0, 0.5] + 2.0


def drawn(scatters):
    return np.concatenate([np.asarray(each.get_offsets()) for each in scatters])


def test_two_dimensions_of_greatest_variance_are_drawn(Z):
    display = LatentDisplay.from_estimator(Latents(), Z)
    assert_allclose(drawn(display.scatters_), Z[:, [0, 2]])
    assert_allclose(display.latent_variances_, Z.var(axis=0))
    assert display.ax_.get_xlabel().startswith("latent dimension 0 (variance ")
    assert display.ax_.get_ylabel().startswith("latent dimension 2 (variance ")
    assert display.figure_ is display.ax_.figure


def test_dimensions_asked_for_are_drawn_in_their_order(Z):
    display = LatentDisplay.from_estimator(Latents(), Z, dims=(3, 1))
    assert_allclose(drawn(display.scatters_), Z[:, [3, 1]])
    assert display.ax_.get_xlabel().startswith("latent dimension 3")


def test_principal_axes_are_named_with_their_share(Z):
    display = LatentDisplay.from_estimator(Latents(), Z, dims="pca")
    pca = PCA(2).fit(Z)
    assert_allclose(drawn(display.scatters_), pca.transform(Z))
    share = round(100 * pca.explained_variance_ratio_[1])
    assert display.ax_.get_ylabel() == (
        f"latent principal axis 2 ({share} % of the variance)"
    )


def test_classes_differ_in_colour_and_marker_and_are_named_at_their_medians(Z):
    labels = np.array(["b", "a", "c"] * 20)
    display = LatentDisplay.from_estimator(
        Latents(), Z, labels=labels, dims=(0, 2), label_name="kind"
    )
    assert list(display.classes_) == ["a", "b", "c"]
    looks = set()
    for name, scatter, text in zip("abc", display.scatters_, display.class_texts_):
        rows = Z[labels == name][:, [0, 2]]
        assert_allclose(scatter.get_offsets(), rows)
        assert_allclose(text.get_position(), np.median(rows, axis=0))
        assert text.get_text() == name
        looks.add(tuple(scatter.get_facecolor()[0][:3]))
        looks.add(scatter.get_paths()[0].vertices.tobytes())
    assert len(looks) == 6
    legend = display.ax_.get_legend()
    assert legend.get_title().get_text() == "kind"
    assert [text.get_text() for text in legend.get_texts()] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "labels", [np.linspace(0, 1, 60), np.arange(60), np.arange(60.0)]
)
def test_numbers_have_a_colour_bar(labels, Z):
    display = LatentDisplay.from_estimator(Latents(), Z, labels=labels)
    assert_allclose(display.scatters_[0].get_array(), labels)
    assert display.colorbar_ is not None
    assert display.classes_ is None


def test_missing_labels_are_drawn_last_and_pale(Z):
    classes = np.array([None, "x", "y"] * 20, dtype=object)
    display = LatentDisplay.from_estimator(Latents(), Z, labels=classes, dims=(0, 2))
    assert list(display.classes_) == ["x", "y"]
    assert_allclose(display.scatters_[-1].get_offsets(), Z[::3][:, [0, 2]])
    numbers = np.where(np.arange(60) % 3 == 0, np.nan, np.linspace(0, 1, 60))
    display = LatentDisplay.from_estimator(Latents(), Z, labels=numbers)
    assert len(display.scatters_[0].get_offsets()) == 40
    assert len(display.scatters_[1].get_offsets()) == 20


def test_single_dimension_is_a_histogram_of_each_class(Z):
    labels = np.arange(60) % 3
    display = LatentDisplay.from_estimator(Latents(), Z[:, :1], labels=labels)
    assert len(display.histograms_) == 3
    assert display.scatters_ == []
    plain = LatentDisplay.from_estimator(Latents(), Z, dims=[1])
    assert sum(bar.get_height() for bar in plain.histograms_[0]) == 60


def test_single_dimension_is_drawn_against_numbers(Z):
    numbers = np.linspace(0, 1, 60)
    display = LatentDisplay.from_estimator(Latents(), Z, labels=numbers, dims=[1])
    assert_allclose(drawn(display.scatters_), np.column_stack([Z[:, 1], numbers]))


def test_name_of_a_series_is_the_title(Z):
    pandas = pytest.importorskip("pandas")
    labels = pandas.Series(["a", "b"] * 30, name="species")
    display = LatentDisplay.from_estimator(Latents(), Z, labels=labels)
    assert display.ax_.get_legend().get_title().get_text() == "species"


def test_scatter_keywords_and_axes_are_used(Z, pyplot):
    ax = pyplot.subplots()[1]
    display = LatentDisplay.from_estimator(
        Latents(), Z, ax=ax, scatter_kw={"alpha": 0.125}
    )
    assert display.ax_ is ax
    assert display.scatters_[0].get_alpha() == 0.125


@pytest.mark.parametrize("dims", [(0, 4), (-1, 0), (0, 1, 2), (0.5, 1), []])
def test_dimensions_that_are_not_there_are_refused(dims, Z):
    with pytest.raises(ValueError, match="one or two integers from 0 to 3"):
        LatentDisplay.from_estimator(Latents(), Z, dims=dims)


def test_other_bad_input_is_refused(Z):
    with pytest.raises(ValueError, match="'pca' or None, got 'umap'"):
        LatentDisplay.from_estimator(Latents(), Z, dims="umap")
    with pytest.raises(ValueError, match="each of the 60 rows of X, got 3"):
        LatentDisplay.from_estimator(Latents(), Z, labels=[1, 2, 3])
    with pytest.raises(TypeError, match="BaseEstimator, which has none"):
        LatentDisplay.from_estimator(BaseEstimator(), Z)


def test_latent_means_of_an_autoencoder_are_drawn(Z):
    from skgen import VariationalAutoencoder

    model = VariationalAutoencoder(
        2, hidden_layer_sizes=8, max_iter=2, random_state=0
    ).fit(Z)
    display = LatentDisplay.from_estimator(model, Z)
    assert_allclose(drawn(display.scatters_), model.transform(Z))
