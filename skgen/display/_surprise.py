"""Which columns make rows strange: surprises as a heat map."""

import numpy as np

from .._sklearn import safe_indexing
from ._style import INK, axes_to_draw_on, compact

# More columns would be stripes without names.
MOST_COLUMNS = 20

# More cells leave no room for numbers.
MOST_NUMBERED_CELLS = 240

# The darkest cell: at least so much, lest noise look grave, and at most so much, lest
# one impossible value make all others pale.
LEAST_DARK, MOST_DARK = 3.0, 12.0

# Of cells whose surprise is unknown.
UNKNOWN = "0.85"

# Colours are drawn up to here: matplotlib takes infinite values for unknown ones.
FURTHEST = 1e9


class SurpriseDisplay:
    """Heat map of surprises: strange rows by guilty columns.

    A cell is dark where the row's value is unlikely given the row's other values: its
    nats are those above what is usual in that column. Rows stand in the order given,
    by :meth:`from_estimator` the strangest first; columns by their greatest surprise.
    The colours grow darker throughout, so that the map reads in grey as well; cells
    whose surprise is NaN are grey and have no number.

    It is recommended to use :meth:`from_estimator`. All parameters are stored as
    attributes.

    Parameters
    ----------
    surprises : ndarray of shape (n_rows, n_features)
        Surprise of each cell, nats above what is usual in its column.

    scores : array-like of shape (n_rows,), default=None
        Scores of the rows, to stand beside them.

    p_values : array-like of shape (n_rows,), default=None
        p-values of the rows, to stand beside them.

    row_names : sequence of shape (n_rows,), default=None
        Names of the rows; None counts them from 0.

    column_names : sequence of shape (n_features,), default=None
        Names of the columns; None counts them: x0, x1, ...

    Attributes
    ----------
    columns_ : ndarray of shape (n_columns,)
        Positions of the columns shown, the one of the greatest surprise first.

    ax_ : matplotlib Axes
        Axes with the map.

    figure_ : matplotlib Figure
        Figure that holds the axes.

    image_ : matplotlib AxesImage
        The map; its array has the shape (n_rows, n_columns).

    texts_ : list of matplotlib Text
        Numbers in the cells, row by row; none where the cells are many.

    colorbar_ : matplotlib Colorbar
        What the colours mean.

    score_axis_ : matplotlib SecondaryAxis or None
        Scores and p-values at the right of the rows.

    See Also
    --------
    ScoreDisplay : How usual the rows are, all of them.
    DriftDisplay : How far windows of rows are from the reference.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from skgen import KLAnomalyDetector
    >>> from skgen.display import SurpriseDisplay
    >>> X, _ = load_wine(return_X_y=True)
    >>> detector = KLAnomalyDetector(random_state=0).fit(X[:150])
    >>> display = SurpriseDisplay.from_estimator(detector, X[150:], n_rows=5)
    >>> display.image_.get_array().shape
    (5, 13)
    """

    def __init__(
        self,
        *,
        surprises,
        scores=None,
        p_values=None,
        row_names=None,
        column_names=None,
    ):
        self.surprises = surprises
        self.scores = scores
        self.p_values = p_values
        self.row_names = row_names
        self.column_names = column_names

    @classmethod
    def from_estimator(
        cls,
        detector,
        X,
        *,
        n_rows=10,
        rows=None,
        n_columns=None,
        row_names=None,
        column_names=None,
        ax=None,
        image_kw=None,
    ):
        """Draw the surprises of the strangest rows of X, or of rows by choice.

        Parameters
        ----------
        detector : fitted KLAnomalyDetector
            Or any estimator with `score_samples`, higher for more normal rows, and
            `transform`, which gives a surprise for each cell.

        X : array-like or data frame of shape (n_samples, n_features)
            Rows to look for strange ones in, best such as were not in `fit`: rows of it
            vouch for themselves, with small surprises, and p-values do not hold there.

        n_rows : int, default=10
            How many rows to show: those of the lowest scores, the lowest first.

        rows : sequence of int, default=None
            Positions of the rows to show, in this order, in place of `n_rows`.

        n_columns : int, default=None
            How many columns to show: those of the greatest surprise in any row shown.
            None shows at most 20.

        row_names : sequence of shape (n_samples,), default=None
            Names of the rows of X; None counts them from 0.

        column_names : sequence of shape (n_features,), default=None
            Names of the columns; None takes the detector's.

        ax : matplotlib Axes, default=None
            Axes to draw on. With None a new figure is made.

        image_kw : dict, default=None
            Passed to `ax.imshow`.

        Returns
        -------
        display : SurpriseDisplay

        Raises
        ------
        TypeError
            When the detector has no `score_samples` or no `transform`.

        ValueError
            When `rows` are no rows of X, no row is asked for, or there are more or
            fewer names than rows or columns.
        """
        _check_detector(detector)
        scores = np.asarray(detector.score_samples(X))
        if row_names is not None:
            row_names = list(row_names)
            _check_length("row_names", row_names, len(scores), "rows of X")
        chosen = _chosen_rows(scores, n_rows, rows)
        some = safe_indexing(X, chosen)
        has_p_values = len(getattr(detector, "calibration_scores_", ())) > 0
        names = chosen if row_names is None else [row_names[i] for i in chosen]
        if column_names is None:
            column_names = _names_of(detector)
        display = cls(
            surprises=np.asarray(detector.transform(some)),
            scores=scores[chosen],
            p_values=detector.p_values(some) if has_p_values else None,
            row_names=names,
            column_names=column_names,
        )
        return display.plot(ax=ax, n_columns=n_columns, image_kw=image_kw)

    def plot(self, ax=None, *, n_columns=None, image_kw=None):
        """Draw the map.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. With None a new figure is made.

        n_columns : int, default=None
            How many columns to show: those of the greatest surprise in any row. None
            shows at most 20.

        image_kw : dict, default=None
            Passed to `ax.imshow`.

        Returns
        -------
        display : SurpriseDisplay
            This object, with `ax_` and `figure_` set.

        Raises
        ------
        ValueError
            When there is no row or no column to show, or when scores, p-values or names
            are more or fewer than the rows or columns.
        """
        surprises = self._checked_surprises()
        if n_columns is None:
            n_columns = MOST_COLUMNS
        elif n_columns < 1:
            raise ValueError(f"n_columns must be at least 1, got {n_columns}.")
        greatest = _greatest(surprises, axis=0)
        self.columns_ = np.argsort(-greatest, kind="stable")[:n_columns]
        shown = surprises[:, self.columns_]
        ax = axes_to_draw_on(ax, "SurpriseDisplay.plot", figure_size(*shown.shape))
        self._draw_image(ax, shown, image_kw or {})
        self._name_columns(ax, surprises.shape[1])
        self.score_axis_ = self._name_rows(ax, len(shown))
        self.texts_ = self._number_cells(ax, shown)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _checked_surprises(self):
        surprises = np.asarray(self.surprises, dtype=float)
        if surprises.ndim != 2:
            raise ValueError(
                "surprises must have the shape (n_rows, n_features), got an array of "
                f"shape {surprises.shape}."
            )
        for length, what in zip(surprises.shape, ("row", "column")):
            if not length:
                raise ValueError(
                    f"There is no {what} to show: surprises must have at least one, "
                    f"got an array of shape {surprises.shape}."
                )
        for name in ("scores", "p_values", "row_names"):
            _check_length(name, getattr(self, name), len(surprises), "rows")
        _check_length("column_names", self.column_names, surprises.shape[1], "columns")
        return surprises

    def _draw_image(self, ax, shown, image_kw):
        greatest, least = _greatest(shown), -_greatest(-shown)
        look = {
            "cmap": "YlOrBr",
            "vmin": 0.0,
            "vmax": np.clip(greatest, LEAST_DARK, MOST_DARK),
            "aspect": "auto",
        } | image_kw
        self.image_ = ax.imshow(np.clip(shown, -FURTHEST, FURTHEST), **look)
        self.image_.set_cmap(self.image_.get_cmap().with_extremes(bad=UNKNOWN))
        low, high = self.image_.get_clim()
        beyond = {(True, True): "both", (True, False): "min", (False, True): "max"}
        extend = beyond.get((least < low, greatest > high), "neither")
        self.colorbar_ = ax.figure.colorbar(self.image_, ax=ax, extend=extend)
        self.colorbar_.set_label("nats above what is usual")
        self.colorbar_.outline.set_visible(False)
        ax.spines[:].set_visible(False)
        # White lines between the cells: they part what has the same colour.
        ax.set_xticks(np.arange(shown.shape[1] + 1) - 0.5, minor=True)
        ax.set_yticks(np.arange(shown.shape[0] + 1) - 0.5, minor=True)
        ax.grid(which="minor", color="white", linewidth=1.5)
        ax.tick_params(which="both", length=0)

    def _name_columns(self, ax, n_features):
        names = self.column_names
        if names is None:
            names = [f"x{j}" for j in range(n_features)]
        ax.set_xticks(
            np.arange(len(self.columns_)),
            [_shortened(names[j]) for j in self.columns_],
            rotation=40,
            ha="right",
            rotation_mode="anchor",
        )
        if len(self.columns_) < n_features:
            ax.set_xlabel(
                f"the {len(self.columns_)} most surprising of {n_features} columns"
            )

    def _name_rows(self, ax, n_rows):
        names = range(n_rows) if self.row_names is None else self.row_names
        ax.set_yticks(np.arange(n_rows), [_shortened(name) for name in names])
        ax.set_ylabel("row")
        told = _beside(self.scores, self.p_values)
        if told is None:
            return None
        heading, lines = told
        right = ax.secondary_yaxis("right")
        right.set_yticks(np.arange(n_rows), lines)
        right.tick_params(length=0)
        right.spines[:].set_visible(False)
        right.set_ylabel(heading)
        return right

    def _number_cells(self, ax, shown):
        if shown.size > MOST_NUMBERED_CELLS:
            return []
        size = "small" if shown.size <= MOST_NUMBERED_CELLS / 2 else "x-small"
        return [
            ax.text(
                j,
                i,
                _cell(shown[i, j]),
                ha="center",
                va="center",
                fontsize=size,
                color=_legible_on(self.image_.to_rgba(shown[i, j])),
            )
            for i, j in np.ndindex(shown.shape)
        ]


def _check_detector(detector):
    missing = [
        name for name in ("score_samples", "transform") if not hasattr(detector, name)
    ]
    if missing:
        raise TypeError(
            "detector must have the methods score_samples and transform, as "
            f"KLAnomalyDetector has, got {type(detector).__name__} without "
            f"{' and '.join(missing)}."
        )


def _check_length(name, values, length, what):
    if values is not None and len(values) != length:
        raise ValueError(
            f"{name} must have one entry for each of the {length} {what}, "
            f"got {len(values)}."
        )


def _greatest(surprises, axis=None):
    """The greatest known surprise; -inf where none is known."""
    return np.fmax.reduce(surprises, axis=axis, initial=-np.inf)


def _chosen_rows(scores, n_rows, rows):
    """Positions of the rows to show."""
    if rows is None:
        if n_rows < 1:
            raise ValueError(f"n_rows must be at least 1, got {n_rows}.")
        return np.argsort(scores, kind="stable")[:n_rows]
    chosen = np.atleast_1d(np.asarray(rows))
    fits = chosen.ndim == 1 and chosen.size and chosen.dtype.kind in "iu"
    if not fits or chosen.min() < 0 or chosen.max() >= len(scores):
        raise ValueError(
            f"rows must be positions of rows of X, from 0 to {len(scores) - 1}, "
            f"got {rows!r}."
        )
    return chosen


def _names_of(detector):
    """Names of columns as the detector gives them out, where it does."""
    if not hasattr(detector, "get_feature_names_out"):
        return None
    return list(detector.get_feature_names_out())


def _beside(scores, p_values):
    """What stands at the right of the rows: a heading and a line for each row."""
    told = {"score": scores, "p-value": p_values}
    told = {name: values for name, values in told.items() if values is not None}
    if not told:
        return None
    cells = [
        [compact(value) if name == "score" else f"p {value:.2g}" for value in values]
        for name, values in told.items()
    ]
    lines = ["   ".join(line).replace("-", "−") for line in zip(*cells)]
    return ", ".join(told), lines


def _cell(value):
    """A number of nats in few letters; none where it is unknown."""
    if np.isnan(value):
        return ""
    if abs(value) >= 9999.5:
        text = f"{value:.0e}".replace("e+0", "e").replace("e+", "e")
    else:
        text = f"{value:.0f}" if abs(value) >= 99.95 else f"{value:.1f}"
    return text.replace("-0.0", "0.0").replace("-", "−")


def _legible_on(colour):
    """White on dark cells, ink on pale ones."""
    red, green, blue = colour[:3]
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 else INK


def figure_size(n_rows, n_columns):
    """Width and height in inches for a map of so many rows and columns."""
    return 3.2 + 0.55 * max(n_columns, 4), 1.9 + 0.34 * max(n_rows, 2)


def _shortened(name, length=24):
    """A name without its middle where it is long: names often begin alike."""
    text = str(name)
    if len(text) <= length:
        return text
    end = (length - 1) // 2
    return text[: length - 1 - end] + "…" + text[-end:]
