"""How usual rows are: the histogram of their log-densities."""

import numpy as np

from ._fitted_mixture import scale_note
from ._style import ACCENT, INK, PALE, axes_to_draw_on, n_bins, outlined, tidy


class ScoreDisplay:
    """Histogram of log-densities, with the lowest rows marked.

    `score_samples` answers in nats; the higher, the more usual the row. A line
    stands at a low quantile; the rows below it have ticks at the foot, and the
    lowest carry their row's name.

    It is recommended to use :meth:`from_estimator`. All parameters are stored as
    attributes.

    Parameters
    ----------
    scores : array-like of shape (n_samples,)
        Log-density of each row, in nats.

    quantile : float, default=0.02
        Share of rows to mark as low, between 0 and 1.

    row_names : sequence of shape (n_samples,), default=None
        Names of the rows; None counts them from 0.

    score_name : str, default="log-density of a row, nats"
        What the horizontal axis shows.

    Attributes
    ----------
    threshold_ : float
        The `quantile` of the scores.

    ax_ : matplotlib Axes
        Axes with the histogram.

    figure_ : matplotlib Figure
        Figure that holds the axes.

    bars_ : matplotlib BarContainer
        The histogram.

    quantile_line_ : matplotlib Line2D
        Vertical line at `threshold_`.

    low_ticks_ : matplotlib Line2D
        Ticks of the rows below `threshold_`.

    annotations_ : list of matplotlib Annotation
        Names of the lowest rows, the lowest first.

    See Also
    --------
    MixtureDisplay : The components of a fitted mixture.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skgen.display import ScoreDisplay
    >>> from skgen.mixture import EMGaussianMixture
    >>> X, _ = load_iris(return_X_y=True)
    >>> mixture = EMGaussianMixture(n_components=3, random_state=0).fit(X)
    >>> display = ScoreDisplay.from_estimator(mixture, X, n_annotated=2)
    >>> len(display.annotations_), display.ax_.get_ylabel()
    (2, 'rows')
    """

    def __init__(
        self,
        *,
        scores,
        quantile=0.02,
        row_names=None,
        score_name="log-density of a row, nats",
    ):
        self.scores = scores
        self.quantile = quantile
        self.row_names = row_names
        self.score_name = score_name

    @property
    def threshold_(self):
        """The `quantile` of the scores."""
        return float(np.quantile(self.scores, self.quantile))

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        quantile=0.02,
        n_annotated=5,
        row_names=None,
        ax=None,
        hist_kw=None,
    ):
        """Draw the histogram of `estimator.score_samples(X)`.

        Parameters
        ----------
        estimator : fitted estimator with `score_samples`
            A mixture, a pipeline that ends in one, or any other density.

        X : array-like of shape (n_samples, n_features)
            Rows to score.

        quantile : float, default=0.02
            Share of rows to mark as low, between 0 and 1.

        n_annotated : int, default=5
            How many of the lowest rows to name.

        row_names : sequence of shape (n_samples,), default=None
            Names of the rows; None counts them from 0.

        ax : matplotlib Axes, default=None
            Axes to draw on. With None a new figure is made.

        hist_kw : dict, default=None
            Passed to `ax.hist`.

        Returns
        -------
        display : ScoreDisplay
        """
        if not 0 <= quantile <= 1:
            raise ValueError(f"quantile must lie between 0 and 1, got {quantile}.")
        note = scale_note(estimator)
        display = cls(
            scores=np.asarray(estimator.score_samples(X)),
            quantile=quantile,
            row_names=row_names,
            score_name="log-density of a row, nats" + (f" ({note})" if note else ""),
        )
        return display.plot(ax=ax, n_annotated=n_annotated, hist_kw=hist_kw)

    def plot(self, ax=None, *, n_annotated=5, hist_kw=None):
        """Draw the histogram.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. With None a new figure is made.

        n_annotated : int, default=5
            How many of the lowest rows to name.

        hist_kw : dict, default=None
            Passed to `ax.hist`.

        Returns
        -------
        display : ScoreDisplay
            This object, with `ax_` and `figure_` set.
        """
        ax = axes_to_draw_on(ax, "ScoreDisplay.plot")
        scores = np.asarray(self.scores)
        look = {"bins": n_bins(scores), "color": PALE, "edgecolor": "white"}
        _, _, self.bars_ = ax.hist(scores, **{**look, **(hist_kw or {})})
        self._draw_threshold(ax, scores)
        ax.margins(x=0.1)
        self.annotations_ = self._annotate(ax, scores, n_annotated)
        ax.set_xlabel(f"{self.score_name}; higher is more usual")
        ax.set_ylabel("rows")
        ax.yaxis.get_major_locator().set_params(integer=True)
        ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(-0.02, 0.99))
        tidy(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw_threshold(self, ax, scores):
        low = scores[scores < self.threshold_]
        self.quantile_line_ = ax.axvline(
            self.threshold_,
            color=ACCENT,
            linestyle="--",
            label=f"lowest {100 * self.quantile:.3g} % of rows, below "
            f"{self.threshold_:.3g}",
        )
        (self.low_ticks_,) = ax.plot(
            low,
            np.zeros_like(low),
            linestyle="none",
            marker="|",
            markersize=14,
            markeredgewidth=1.5,
            color=ACCENT,
            clip_on=False,
            zorder=4,
        )

    def _annotate(self, ax, scores, n_annotated):
        """Name the lowest rows, each higher than the last, so that none overlap."""
        names = range(len(scores)) if self.row_names is None else self.row_names
        lowest = np.argsort(scores, kind="stable")[:n_annotated]
        return [
            outlined(
                ax.annotate(
                    str(names[row]),
                    (scores[row], 0),
                    xytext=(0, 20 + 16 * rank),
                    textcoords="offset points",
                    # To the left of its own line it can cross no line but lower ones.
                    ha="right",
                    color=INK,
                    fontsize="small",
                    arrowprops={
                        "arrowstyle": "-",
                        "color": ACCENT,
                        "linewidth": 0.8,
                        "relpos": (1, 0),
                    },
                ),
                width=3,
            )
            for rank, row in enumerate(lowest)
        ]
