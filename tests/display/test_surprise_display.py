"""SurpriseDisplay: cells, orders and names are those of the detector's answers."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.decomposition import PCA

from skgen import KLAnomalyDetector
from skgen.display import SurpriseDisplay
from skgen.display._surprise import MOST_COLUMNS, MOST_DARK


class Fake:
    """A detector whose answers are its rows: scores by their sum, surprises as is."""

    calibration_scores_ = (0.0,)

    def score_samples(self, X):
        return -np.sum(X, axis=1)

    def transform(self, X):
        return np.asarray(X, dtype=float)

    def p_values(self, X):
        return 1.0 / (1.0 + np.sum(X, axis=1))


def labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def texts(display):
    return [text.get_text() for text in display.texts_]


X = np.array([[0.0, 1.0, 0.0], [4.0, 0.0, 2.0], [0.0, 2.0, 7.0], [0.0, 0.0, 1.0]])


def test_rows_come_strangest_first_and_columns_guiltiest_first():
    display = SurpriseDisplay.from_estimator(Fake(), X, n_rows=3)
    assert_array_equal(display.columns_, [2, 0, 1])
    assert_allclose(display.image_.get_array(), [[7, 0, 2], [2, 4, 0], [0, 0, 1]])
    assert labels(display.ax_.yaxis) == ["2", "1", "0"]
    assert labels(display.ax_.xaxis) == ["x2", "x0", "x1"]


def test_numbers_in_the_cells_are_their_surprises():
    display = SurpriseDisplay.from_estimator(Fake(), X - 0.25, n_rows=2)
    assert texts(display) == ["6.8", "−0.2", "1.8", "1.8", "3.8", "−0.2"]
    positions = [text.get_position() for text in display.texts_]
    assert positions == [(j, i) for i in range(2) for j in range(3)]


def test_scores_and_p_values_stand_beside_their_rows():
    display = SurpriseDisplay.from_estimator(Fake(), X, n_rows=2)
    assert labels(display.score_axis_.yaxis) == ["−9.0   p 0.1", "−6.0   p 0.14"]


def test_rows_by_choice_keep_their_order_and_names():
    display = SurpriseDisplay.from_estimator(
        Fake(), X, rows=[3, 1], row_names=["a", "b", "c", "d"]
    )
    assert labels(display.ax_.yaxis) == ["d", "b"]
    assert_allclose(display.scores, [-1, -6])
    assert_allclose(display.surprises, X[[3, 1]])


def test_only_the_guiltiest_of_many_columns_are_shown_and_it_is_said():
    wide = np.zeros((2, 60))
    wide[0, 41], wide[1, 7] = 5.0, 9.0
    display = SurpriseDisplay.from_estimator(Fake(), wide)
    assert display.image_.get_array().shape == (2, MOST_COLUMNS)
    assert_array_equal(display.columns_[:2], [7, 41])
    assert display.ax_.get_xlabel() == "the 20 most surprising of 60 columns"
    display = SurpriseDisplay.from_estimator(Fake(), wide, n_columns=1)
    assert_array_equal(display.image_.get_array(), [[9.0], [0.0]])


def test_all_columns_shown_are_not_said_to_be_few():
    assert SurpriseDisplay.from_estimator(Fake(), X).ax_.get_xlabel() == ""


def test_many_cells_carry_no_numbers():
    display = SurpriseDisplay(surprises=np.zeros((30, 12))).plot()
    assert display.texts_ == []
    assert display.image_.get_array().shape == (30, 12)


@pytest.mark.parametrize(
    ("greatest", "darkest", "extend"),
    [(0.4, 3.0, "neither"), (8.0, 8.0, "neither"), (3e4, MOST_DARK, "max")],
)
def test_colours_make_neither_noise_grave_nor_all_but_one_pale(
    greatest, darkest, extend
):
    display = SurpriseDisplay(surprises=[[0.0, greatest]]).plot()
    assert display.image_.get_clim() == (0.0, darkest)
    assert display.colorbar_.extend == extend


def test_colours_grow_darker_in_grey_print_too():
    display = SurpriseDisplay(surprises=[np.linspace(0, 12, 9)]).plot()
    colours = display.image_.to_rgba(np.linspace(0, 12, 50))[:, :3]
    grey = colours @ [0.299, 0.587, 0.114]
    assert (np.diff(grey) < 0).all()
    ink = [to_rgba(text.get_color())[0] for text in display.texts_]
    on = display.image_.to_rgba(display.image_.get_array()[0])[:, :3]
    contrast = np.abs(np.array(ink) - on @ [0.299, 0.587, 0.114])
    assert (contrast > 0.35).all()


@pytest.mark.parametrize(
    ("nats", "told"),
    [
        (99.9, "99.9"),
        (30123.0, "3e4"),
        (412.3, "412"),
        (-0.04, "0.0"),
        (1e300, "1e300"),
        (-1e300, "−1e300"),
        (np.inf, "inf"),
    ],
)
def test_large_numbers_fit_their_cells(nats, told):
    assert texts(SurpriseDisplay(surprises=[[nats]]).plot()) == [told]


def test_without_scores_nothing_stands_beside_the_rows():
    display = SurpriseDisplay(surprises=X, row_names=list("abcd")).plot()
    assert display.score_axis_ is None
    assert labels(display.ax_.yaxis) == list("abcd")


def test_keywords_and_axes_are_used(pyplot):
    ax = pyplot.subplots()[1]
    display = SurpriseDisplay.from_estimator(
        Fake(), X, ax=ax, image_kw={"cmap": "Greys", "vmax": 5.0}
    )
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert display.image_.get_cmap().name == "Greys"
    assert display.image_.get_clim() == (0.0, 5.0)


def test_detector_of_a_data_frame_names_the_column_that_was_swapped():
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 3)) @ [[1, 0, 0.9], [0, 1, 0.1], [0, 0, 0.3]]
    frame = pd.DataFrame(rows, columns=["age", "height", "weight"])
    new = frame[:20].copy()
    new.loc[4, "height"] = 8.0
    detector = KLAnomalyDetector(random_state=0).fit(frame[20:])
    display = SurpriseDisplay.from_estimator(detector, new, n_rows=4)
    assert labels(display.ax_.yaxis)[0] == "4"
    assert labels(display.ax_.xaxis)[0] == "height"
    assert_allclose(display.surprises[0], detector.transform(new)[4])
    assert_allclose(display.p_values[0], detector.p_values(new)[4])


def test_detector_without_calibration_rows_shows_no_p_values():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 2))
    detector = KLAnomalyDetector(calibration=None, random_state=0).fit(rows)
    display = SurpriseDisplay.from_estimator(detector, rows, n_rows=2)
    assert display.p_values is None
    lowest = np.sort(detector.score_samples(rows))[:2]
    told = [f"{score:.1f}".replace("-", "−") for score in lowest]
    assert labels(display.score_axis_.yaxis) == told


def test_estimator_that_names_no_columns_is_refused():
    model = PCA().fit(np.eye(3))
    model = type("Silent", (), {"transform": model.transform})()
    with pytest.raises(TypeError, match="Silent without score_samples"):
        SurpriseDisplay.from_estimator(model, X)


@pytest.mark.parametrize("rows", [[4], [-1], [], [0.5]])
def test_rows_that_are_none_are_refused(rows):
    with pytest.raises(ValueError, match=r"rows must be positions .* from 0 to 3"):
        SurpriseDisplay.from_estimator(Fake(), X, rows=rows)


@pytest.mark.parametrize("name", ["n_rows", "n_columns"])
def test_nothing_to_show_is_refused(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        SurpriseDisplay.from_estimator(Fake(), X, **{name: 0})


def test_unknown_cells_are_grey_and_the_others_keep_their_colours(pyplot):
    holed = X.copy()
    holed[2, 1] = holed[0, 2] = np.nan
    display = SurpriseDisplay(surprises=holed).plot()
    assert_array_equal(display.columns_, [2, 0, 1])
    assert display.image_.get_clim() == (0.0, 7.0)
    assert display.colorbar_.extend == "neither"
    drawn = display.image_.to_rgba(display.image_.get_array())
    grey = to_rgba("0.85")
    assert_allclose(drawn[[0, 2], [0, 2]], [grey, grey])
    assert (np.abs(drawn - grey).max(axis=2) > 0.05).sum() == 10
    assert [i for i, text in enumerate(texts(display)) if not text] == [0, 8]
    display.figure_.canvas.draw()


def test_nothing_known_is_all_grey(pyplot):
    display = SurpriseDisplay(surprises=np.full((2, 3), np.nan)).plot()
    assert display.image_.get_clim() == (0.0, 3.0)
    assert display.image_.get_array().mask.all()
    display.figure_.canvas.draw()


def test_infinite_surprise_is_as_dark_as_can_be(pyplot):
    display = SurpriseDisplay(surprises=[[np.inf, 1.0, -np.inf]]).plot()
    drawn = display.image_.to_rgba(display.image_.get_array())[0]
    assert_allclose(drawn[0], display.image_.to_rgba(MOST_DARK))
    assert_allclose(drawn[2], display.image_.to_rgba(0.0))
    assert display.colorbar_.extend == "both"


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        ((0, 3), "There is no row to show"),
        ((3, 0), "There is no column to show"),
        ((3,), r"the shape \(n_rows, n_features\), got an array of shape \(3,\)"),
    ],
)
def test_map_without_cells_is_refused(shape, told):
    with pytest.raises(ValueError, match=told):
        SurpriseDisplay(surprises=np.zeros(shape)).plot()


@pytest.mark.parametrize("name", ["scores", "p_values", "row_names", "column_names"])
@pytest.mark.parametrize("length", [0, 2, 5])
def test_lengths_that_do_not_fit_are_refused(name, length):
    what = "3 columns" if name == "column_names" else "4 rows"
    told = f"{name} must have one entry for each of the {what}, got {length}"
    with pytest.raises(ValueError, match=told):
        SurpriseDisplay(surprises=X, **{name: [0.5] * length}).plot()


@pytest.mark.parametrize("length", [3, 5])
def test_names_of_more_or_fewer_rows_than_those_of_X_are_refused(length):
    with pytest.raises(ValueError, match=f"each of the 4 rows of X, got {length}"):
        SurpriseDisplay.from_estimator(Fake(), X, row_names=["a"] * length)


def test_names_of_rows_in_a_series_are_taken_by_position():
    pd = pytest.importorskip("pandas")
    names = pd.Series(list("abcd"), index=[3, 2, 1, 0])
    display = SurpriseDisplay.from_estimator(Fake(), X, rows=[3, 1], row_names=names)
    assert labels(display.ax_.yaxis) == ["d", "b"]


def test_long_names_that_begin_alike_are_told_apart():
    names = [f"a measurement of the same kind, number {j}" for j in range(3)]
    display = SurpriseDisplay(surprises=X, column_names=names).plot()
    shown = labels(display.ax_.xaxis)
    assert len(set(shown)) == 3
    assert shown[0] == "a measuremen…d, number 2"
    assert all(len(name) == 24 for name in shown)


def test_huge_scores_take_few_letters():
    scores = [-1e300, 1e6, -99999.9, np.nan]
    display = SurpriseDisplay(surprises=X, scores=scores).plot()
    told = ["−1.0e+300", "1.0e+06", "−99999.9", "nan"]
    assert labels(display.score_axis_.yaxis) == told
