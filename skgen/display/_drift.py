"""Whether windows of rows drift away from the reference, and in what respect."""

import numpy as np

from ._style import ACCENT, COLOURS, INK, QUIET, check_matplotlib, tidy

# Names below the windows, at most: more would overlap.
MOST_NAMES = 16

# Nats above this are drawn as infinite: sums of them overflow, and so do axes.
HIGHEST = 1e300

# The parts of the divergence: name in WindowScores, in the legend, and hatching, by
# which grey print tells them apart.
PARTS = (
    ("kl_occupancy", "occupancy", COLOURS[0], ""),
    ("kl_mean", "mean", COLOURS[1], "///"),
    ("kl_covariance", "covariance", COLOURS[2], "..."),
)


class DriftDisplay:
    """Windows in order: divergence from the reference above, p-values below.

    The bars add up to the Kullback-Leibler divergence of each window from the
    reference, in three parts: how often its components occur, where their rows are, and
    how these spread. The p-values have a logarithmic axis and a line at
    `level`; windows at or below it are marked in both. Of windows without any drift, a
    share of `level` is marked as well. A part that is infinite reaches as high as the
    highest finite bar, under the sign ∞; one that is unknown is left out.

    It is recommended to use :meth:`from_estimator`. All parameters are stored as
    attributes.

    Parameters
    ----------
    windows : WindowScores
        What `score_windows` returns: an object with the arrays `names`, `kl_occupancy`,
        `kl_mean`, `kl_covariance` and `p_value`, one entry for each window.

    level : float, default=0.05
        p-value at and below which a window is marked, between 0 and 1.

    window_name : str, default="first row of the window"
        What the names of the windows are: label of the horizontal axis.

    Attributes
    ----------
    marked_ : ndarray of bool of shape (n_windows,)
        Windows whose p-value is at most `level`.

    axes_ : ndarray of shape (2,) of matplotlib Axes
        Axes of the divergences and of the p-values, which share their windows.

    figure_ : matplotlib Figure
        Figure that holds the axes.

    bounding_ax_ : matplotlib Axes or None
        The axes given to draw on, whose place the two axes take.

    bars_ : list of three matplotlib BarContainer
        Occupancy, mean and covariance, one on top of the other.

    infinite_ : list of matplotlib Text
        Signs ∞ above the windows of infinite divergence.

    p_value_line_ : matplotlib Line2D
        p-values of all windows.

    marked_points_ : matplotlib Line2D
        p-values of the windows marked.

    level_line_ : matplotlib Line2D
        Line at `level`.

    See Also
    --------
    SurpriseDisplay : Which columns make rows strange.

    Examples
    --------
    >>> import numpy as np
    >>> from types import SimpleNamespace
    >>> from skgen.display import DriftDisplay
    >>> windows = SimpleNamespace(
    ...     names=np.array([0, 100, 200]),
    ...     kl_occupancy=np.array([0.01, 0.02, 0.02]),
    ...     kl_mean=np.array([0.03, 0.02, 0.40]),
    ...     kl_covariance=np.array([0.02, 0.03, 0.05]),
    ...     p_value=np.array([0.8, 0.6, 0.001]),
    ... )
    >>> DriftDisplay(windows=windows).plot().marked_
    array([False, False,  True])
    """

    def __init__(self, *, windows, level=0.05, window_name="first row of the window"):
        self.windows = windows
        self.level = level
        self.window_name = window_name

    @property
    def marked_(self):
        """Windows whose p-value is at most `level`."""
        return np.asarray(self.windows.p_value, dtype=float) <= self.level

    @classmethod
    def from_estimator(
        cls,
        detector,
        X,
        *,
        groups=None,
        window=100,
        level=0.05,
        window_name=None,
        ax=None,
        bar_kw=None,
    ):
        """Draw `detector.score_windows(X, groups, window=window)`.

        Parameters
        ----------
        detector : fitted KLAnomalyDetector
            Or any estimator with `score_windows`.

        X : array-like or data frame of shape (n_samples, n_features)
            Rows in order of time, where they have one; none of them was in `fit`.

        groups : array-like of shape (n_samples,), default=None
            The window of each row. With None, windows are runs of `window` rows.

        window : int, default=100
            Rows of a window, where there are no `groups`.

        level : float, default=0.05
            p-value at and below which a window is marked, between 0 and 1.

        window_name : str, default=None
            What the names of the windows are. None takes the name of `groups`, where
            it is a pandas or polars series.

        ax : matplotlib Axes or sequence of two Axes, default=None
            Axes to draw on: two, or one to be divided. With None a new figure is made.

        bar_kw : dict, default=None
            Passed to `ax.bar` for all three parts.

        Returns
        -------
        display : DriftDisplay

        Raises
        ------
        TypeError
            When the detector has no `score_windows`.

        ValueError
            When `level` is no probability.
        """
        if not hasattr(detector, "score_windows"):
            raise TypeError(
                "detector must have a method score_windows, as KLAnomalyDetector has, "
                f"got {type(detector).__name__}, which has none."
            )
        windows = detector.score_windows(X, groups, window=window)
        if window_name is None:
            window_name = _name_of(groups)
        display = cls(windows=windows, level=level, window_name=window_name)
        return display.plot(ax=ax, bar_kw=bar_kw)

    def plot(self, ax=None, *, bar_kw=None):
        """Draw bars and p-values.

        Parameters
        ----------
        ax : matplotlib Axes or sequence of two Axes, default=None
            Axes to draw on: two, or one to be divided. With None a new figure is made.

        bar_kw : dict, default=None
            Passed to `ax.bar` for all three parts.

        Returns
        -------
        display : DriftDisplay
            This object, with `axes_` and `figure_` set.
        """
        if not 0.0 < self.level < 1.0:
            raise ValueError(f"level must lie between 0 and 1, got {self.level!r}.")
        self.bounding_ax_, self.axes_ = _two_axes(ax, len(self.windows.names))
        upper, lower = self.axes_
        places = np.arange(len(self.windows.names))
        for each in self.axes_:
            for place in places[self.marked_]:
                each.axvspan(
                    place - 0.5, place + 0.5, color=ACCENT, alpha=0.13, linewidth=0
                )
            tidy(each)
            each.margins(x=0.01)
        self._draw_parts(upper, places, bar_kw or {})
        self._draw_p_values(lower, places)
        self._name_windows(lower, places)
        upper.tick_params(labelbottom=False)
        self.figure_ = upper.figure
        return self

    def _draw_parts(self, ax, places, bar_kw):
        parts = np.array([getattr(self.windows, part) for part, *_ in PARTS], float)
        drawn, infinite = _finite_heights(parts)
        self.bars_, foot = [], np.zeros(len(places))
        for heights, (_, name, colour, hatch) in zip(drawn, PARTS):
            look = {
                "width": 0.8 if len(places) <= 100 else 1.0,
                "color": colour,
                "hatch": hatch if len(places) <= 60 else "",
                "edgecolor": "white",
                "linewidth": 0,
                "label": name,
            }
            self.bars_.append(ax.bar(places, heights, bottom=foot, **look | bar_kw))
            foot = foot + heights
        self.infinite_ = [
            ax.text(place, foot[place], "∞", ha="center", va="bottom")
            for place in places[infinite]
        ]
        ax.set_ylabel("KL from the reference, nats")
        _legend_above(ax, *ax.get_legend_handles_labels())

    def _draw_p_values(self, ax, places):
        p_values = np.asarray(self.windows.p_value, dtype=float)
        ax.set_yscale("log")
        look = {
            "marker": "o",
            "markersize": _marker_size(places),
            # Between many points a line is a thicket.
            "linewidth": 0.8 if len(places) <= 100 else 0.0,
        }
        (self.p_value_line_,) = ax.plot(
            places, p_values, color=QUIET, markerfacecolor="white", **look
        )
        marked = self.marked_
        n_marked = f"{marked.sum()} of {len(marked)} windows at or below it"
        (self.marked_points_,) = ax.plot(
            places[marked],
            p_values[marked],
            linestyle="none",
            marker="v",
            markersize=_marker_size(places) + 2.5,
            color=ACCENT,
            label=n_marked,
            zorder=4,
        )
        self.level_line_ = ax.axhline(
            self.level, color=INK, linestyle="--", label=f"level {self.level:g}"
        )
        known = p_values[np.isfinite(p_values)]
        least = min(known.min(initial=self.level), self.level)
        ax.set_ylim(least / 2.0, 1.5)
        ax.set_ylabel("p-value")
        handles = [self.level_line_, self.marked_points_]
        _legend_above(ax, handles, [handle.get_label() for handle in handles])

    def _name_windows(self, ax, places):
        names = _texts(np.asarray(self.windows.names))
        step = _round_step(len(names) / MOST_NAMES)
        longest = max((len(name) for name in names), default=0)
        # Beside one another they have room for about a hundred letters.
        slanted = (longest + 2) * len(names[::step]) > 90
        turned = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
        ax.set_xticks(places[::step], names[::step], **(turned if slanted else {}))
        ax.set_xlabel(self.window_name)


def _finite_heights(parts):
    """Heights to draw of parts, (n_parts, n_windows), and which windows have no end."""
    known = np.where(np.abs(parts) <= HIGHEST, parts, 0.0)
    infinite = parts > HIGHEST
    highest = known.sum(axis=0).max(initial=0.0) or 1.0
    # Beside large finite parts an infinite one is still to be seen.
    missing = np.maximum(highest - known.sum(axis=0), 0.1 * highest)
    share = missing / np.maximum(infinite.sum(axis=0), 1)
    return np.where(infinite, share, known), infinite.any(axis=0)


def _texts(names):
    """Names as text; times without digits that are 0 in all of them."""
    if names.dtype.kind == "M":
        return np.datetime_as_string(names, unit="auto").tolist()
    return [str(name) for name in names]


def _name_of(groups):
    """What the windows' names are: of groups, the name of the series, if it has one."""
    if groups is None:
        return "first row of the window"
    name = getattr(groups, "name", None)
    return name if isinstance(name, str) and name else "window"


def _two_axes(ax, n_windows):
    """The axes whose place was taken, if any, and the two to draw on."""
    check_matplotlib("DriftDisplay.plot")
    if ax is not None and not hasattr(ax, "plot"):
        axes = np.asarray(ax, dtype=object).ravel()
        if len(axes) != 2:
            raise ValueError(
                "ax must be matplotlib axes, a sequence of two of them, or None; got "
                f"a sequence of {len(axes)}."
            )
        return None, axes
    if ax is None:
        import matplotlib.pyplot as plt

        size = (np.clip(4.5 + 0.25 * n_windows, 8.0, 13.0), 5.6)
        figure = plt.figure(figsize=size, layout="constrained")
        grid = figure.add_gridspec(2, 1, height_ratios=(3, 2))
    else:
        ax.set_axis_off()
        figure = ax.figure
        grid = ax.get_subplotspec().subgridspec(2, 1, height_ratios=(3, 2))
    upper = figure.add_subplot(grid[0])
    return ax, np.array([upper, figure.add_subplot(grid[1], sharex=upper)])


def _legend_above(ax, handles, names):
    """A legend in one line above the axes, where it covers nothing."""
    ax.legend(
        handles,
        names,
        loc="lower left",
        bbox_to_anchor=(-0.01, 0.98),
        ncols=len(handles),
        frameon=False,
    )


def _round_step(least):
    """The smallest of 1, 2, 5, 10, 20, ... that is no smaller than `least`."""
    steps = (factor * 10**power for power in range(9) for factor in (1, 2, 5))
    return next(step for step in steps if step >= least)


def _marker_size(places):
    return 6.0 if len(places) <= 60 else 3.0
