"""DriftDisplay: bars and points are the numbers of the windows."""

from dataclasses import dataclass

import numpy as np
import pytest
from matplotlib.axes import Axes
from numpy.testing import assert_allclose, assert_array_equal

from skgen import KLAnomalyDetector
from skgen.display import DriftDisplay


@dataclass(frozen=True)
class Windows:
    """What `score_windows` returns, with made-up values."""

    names: np.ndarray
    kl_occupancy: np.ndarray
    kl_mean: np.ndarray
    kl_covariance: np.ndarray
    p_value: np.ndarray


def windows(n_windows=6, names=None):
    rng = np.random.default_rng(n_windows)
    parts = rng.gamma(2.0, size=(3, n_windows))
    p_value = rng.uniform(0.06, 1.0, size=n_windows)
    p_value[[1, n_windows - 1]] = [0.05, 0.002]
    return Windows(
        np.arange(n_windows) * 50 if names is None else np.array(names), *parts, p_value
    )


class Fake:
    """A detector that has scored the windows already, and says what it was asked."""

    def score_windows(self, X, groups=None, *, window=100):
        self.asked = X, groups, window
        return windows()


def heights(bars):
    return [bar.get_height() for bar in bars]


def test_bars_are_the_parts_and_stand_on_one_another():
    display = DriftDisplay(windows=windows()).plot()
    given = windows()
    parts = [given.kl_occupancy, given.kl_mean, given.kl_covariance]
    for bars, part, foot in zip(display.bars_, parts, np.cumsum([[0] * 6, *parts], 0)):
        assert_allclose(heights(bars), part)
        assert_allclose([bar.get_y() for bar in bars], foot)
    tops = [bar.get_y() + bar.get_height() for bar in display.bars_[-1]]
    assert_allclose(tops, sum(parts))
    names = [text.get_text() for text in display.axes_[0].get_legend().get_texts()]
    assert names == ["occupancy", "mean", "covariance"]


def test_p_values_are_on_a_logarithmic_axis_that_shares_the_windows():
    display = DriftDisplay(windows=windows()).plot()
    upper, lower = display.axes_
    assert_allclose(display.p_value_line_.get_ydata(), windows().p_value)
    assert lower.get_yscale() == "log"
    assert upper.get_shared_x_axes().joined(upper, lower)
    low, high = lower.get_ylim()
    assert low < 0.002 < 1.0 < high


def test_windows_at_or_below_the_level_are_marked_and_counted():
    display = DriftDisplay(windows=windows()).plot()
    assert_array_equal(np.flatnonzero(display.marked_), [1, 5])
    assert_array_equal(display.marked_points_.get_xdata(), [1, 5])
    assert_allclose(display.marked_points_.get_ydata(), [0.05, 0.002])
    assert display.marked_points_.get_label() == "2 of 6 windows at or below it"
    for ax in display.axes_:
        spans = [patch for patch in ax.patches if patch.get_alpha() is not None]
        assert [span.get_x() for span in spans] == [0.5, 4.5]


def test_level_moves_the_line_and_the_marks():
    display = DriftDisplay(windows=windows(), level=0.01).plot()
    assert_allclose(display.level_line_.get_ydata(), 0.01)
    assert display.level_line_.get_label() == "level 0.01"
    assert_array_equal(display.marked_points_.get_xdata(), [5])


def test_level_line_is_in_sight_when_no_window_reaches_it():
    calm = windows()
    calm.p_value[:] = 0.9
    display = DriftDisplay(windows=calm).plot()
    assert display.axes_[1].get_ylim()[0] < 0.05
    assert not display.marked_.any()


def test_unknown_values_are_left_out():
    holed = windows()
    holed.kl_covariance[0] = holed.p_value[0] = np.nan
    display = DriftDisplay(windows=holed).plot()
    assert display.bars_[2][0].get_height() == 0
    assert not display.marked_[0]
    assert np.isfinite(display.axes_[1].get_ylim()).all()


def test_infinite_parts_reach_as_high_as_the_highest_finite_bar_and_are_told(pyplot):
    far = windows()
    far.kl_mean[2] = far.kl_covariance[4] = far.kl_occupancy[4] = np.inf
    display = DriftDisplay(windows=far).plot()
    bars = display.bars_[-1]
    tops = np.array([bar.get_y() + bar.get_height() for bar in bars])
    finite = [0, 1, 3, 5]
    parts = [far.kl_occupancy, far.kl_mean, far.kl_covariance]
    assert_allclose(tops[finite], sum(parts)[finite])
    assert (tops[[2, 4]] >= 0.999 * tops[finite].max()).all()
    assert tops.max() <= 1.2 * tops[finite].max()
    assert display.bars_[1][2].get_height() > 0
    told = [(text.get_text(), text.get_position()[0]) for text in display.infinite_]
    assert told == [("∞", 2), ("∞", 4)]
    display.figure_.canvas.draw()


@pytest.mark.parametrize("infinite", [np.inf, 1e308])
def test_windows_that_are_all_infinite_can_be_drawn(infinite, pyplot):
    far = windows()
    far.kl_mean[:] = infinite
    far.kl_occupancy[:] = far.kl_covariance[:] = np.nan
    display = DriftDisplay(windows=far).plot()
    assert_allclose(heights(display.bars_[1]), 1.0)
    display.figure_.canvas.draw()


def test_finite_windows_have_no_sign_of_infinity():
    assert DriftDisplay(windows=windows()).plot().infinite_ == []


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (np.arange("2026-01", "2026-07", dtype="datetime64[M]"), "2026-03-01"),
        (np.datetime64("2026-01-01T00:30", "ns") + np.arange(6), None),
        (np.array([0.5, 1.5, 2.5, 3.5, 4.5, 5.5]), "2.5"),
        (np.array(list("abcdef")), "c"),
    ],
    ids=["months", "nanoseconds", "numbers", "letters"],
)
def test_names_of_windows_are_shown_as_they_are_read(names, told):
    if names.dtype.kind == "M":
        names = names.astype("datetime64[ns]")
    _, shown = ticks(DriftDisplay(windows=windows(names=names)).plot().axes_[1])
    assert shown[2] == (told or "2026-01-01T00:30:00.000000002")


def ticks(ax):
    labels = [label.get_text() for label in ax.get_xticklabels()]
    return ax.get_xticks(), labels


def test_windows_are_named_below_by_every_few_of_many():
    positions, names = ticks(DriftDisplay(windows=windows()).plot().axes_[1])
    assert_array_equal(positions, range(6))
    assert names == ["0", "50", "100", "150", "200", "250"]
    positions, names = ticks(DriftDisplay(windows=windows(300)).plot().axes_[1])
    assert_array_equal(positions, range(0, 300, 20))
    assert names[:3] == ["0", "1000", "2000"]


def test_groups_and_window_are_passed_on():
    detector = Fake()
    groups = list("aabbcc")
    display = DriftDisplay.from_estimator(detector, "rows", groups=groups, window=7)
    assert detector.asked == ("rows", groups, 7)
    assert display.axes_[1].get_xlabel() == "window"
    display = DriftDisplay.from_estimator(detector, "rows", window=7, level=0.5)
    assert display.axes_[1].get_xlabel() == "first row of the window"
    assert display.level == 0.5


def test_axis_has_the_name_of_a_series():
    pd = pytest.importorskip("pandas")
    groups = pd.Series(list("aabbcc"), name="month")
    display = DriftDisplay.from_estimator(Fake(), None, groups=groups)
    assert display.axes_[1].get_xlabel() == "month"


def test_one_axes_is_divided_and_two_are_used(pyplot):
    ax = pyplot.subplots()[1]
    display = DriftDisplay(windows=windows()).plot(ax=ax)
    assert display.bounding_ax_ is ax
    assert all(isinstance(each, Axes) for each in display.axes_)
    assert display.figure_ is ax.figure
    axes = pyplot.subplots(2)[1]
    display = DriftDisplay(windows=windows()).plot(ax=axes)
    assert list(display.axes_) == list(axes)
    assert display.bounding_ax_ is None
    assert len(axes[0].containers) == 3


def test_bar_keywords_are_used():
    display = DriftDisplay(windows=windows()).plot(bar_kw={"width": 0.3})
    assert display.bars_[1][0].get_width() == pytest.approx(0.3)


def test_three_axes_are_refused(pyplot):
    axes = pyplot.subplots(3)[1]
    with pytest.raises(ValueError, match="a sequence of 3"):
        DriftDisplay(windows=windows()).plot(ax=axes)


@pytest.mark.parametrize("level", [0.0, 1.0, 5])
def test_level_that_is_no_probability_is_refused(level):
    with pytest.raises(ValueError, match="level must lie between 0 and 1"):
        DriftDisplay(windows=windows(), level=level).plot()


def test_detector_without_windows_is_refused():
    with pytest.raises(TypeError, match="object, which has none"):
        DriftDisplay.from_estimator(object(), None)


def test_windows_of_a_fitted_detector_are_drawn():
    rng = np.random.default_rng(0)
    reference, new = rng.normal(size=(600, 2)), rng.normal(size=(300, 2))
    new[200:, 0] += 2.0
    detector = KLAnomalyDetector(random_state=0).fit(reference)
    display = DriftDisplay.from_estimator(detector, new)
    scores = detector.score_windows(new)
    assert_allclose(heights(display.bars_[1]), scores.kl_mean)
    assert_allclose(display.p_value_line_.get_ydata(), scores.p_value)
    assert display.marked_[2]
    assert ticks(display.axes_[1])[1] == ["0", "100", "200"]
