"""The components of a fitted mixture, drawn over the rows they explain."""

import numpy as np
from scipy.stats import norm
from sklearn.decomposition import PCA

from ._fitted_mixture import feature_names as names_of_features
from ._fitted_mixture import read_mixture, scale_note
from ._style import (
    INK,
    PALE,
    QUIET,
    axes_to_draw_on,
    distinct_styles,
    n_bins,
    outlined,
    tidy,
)


class MixtureDisplay:
    """Rows in two axes, with the mixture's components as ellipses.

    Rows are coloured by the component of greatest responsibility. Each component's
    Gaussian, projected on the two axes, is drawn by its ellipses of one (solid) and
    two (dashed) standard deviations; its number, as `predict` counts, stands at its
    mean in a disc whose area grows with its weight. On a single axis a histogram
    with the density and its components is drawn instead.

    It is recommended to use :meth:`from_estimator`. All parameters are stored as
    attributes.

    Parameters
    ----------
    points : ndarray of shape (n_samples, n_axes)
        Rows on the drawn axes; `n_axes` is 1 or 2.

    labels : ndarray of shape (n_samples,)
        Component of each row, -1 for noise.

    weights : ndarray of shape (n_components,)
        Weights of the components.

    means : ndarray of shape (n_components, n_axes)
        Projected means.

    covariances : ndarray of shape (n_components, n_axes, n_axes)
        Projected covariances.

    axis_names : sequence of str of length n_axes
        What the axes show.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the picture.

    figure_ : matplotlib Figure
        Figure that holds the axes.

    scatters_ : list of matplotlib PathCollection
        Rows of each component, and of noise where there is any. Empty on one axis.

    ellipses_ : list of list of matplotlib Ellipse
        For each component its ellipses, from the innermost. Empty on one axis.

    mean_markers_ : matplotlib PathCollection or None
        The discs at the means. None on one axis.

    mean_texts_ : list of matplotlib Text
        The components' numbers.

    density_line_ : matplotlib Line2D or None
        The mixture's density. None on two axes.

    component_lines_ : list of matplotlib Line2D
        Weight times density of each component. Empty on two axes.

    See Also
    --------
    MixtureSelectionDisplay : Which mixture to take.
    ScoreDisplay : How usual the rows are.

    Notes
    -----
    A Gaussian's projection on directions A is Gaussian with mean Aᵀμ and covariance
    AᵀΣA, so that the ellipses are exact and not fitted to the projected rows. They
    hold 39 % and 86 % of the component's mass within the plane.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skgen.display import MixtureDisplay
    >>> from skgen.mixture import EMGaussianMixture
    >>> X, _ = load_iris(return_X_y=True)
    >>> mixture = EMGaussianMixture(n_components=3, random_state=0).fit(X)
    >>> display = MixtureDisplay.from_estimator(mixture, X)
    >>> len(display.ellipses_)
    3
    >>> display = MixtureDisplay.from_estimator(mixture, X, columns=[2, 3])
    >>> display.ax_.get_xlabel()
    'x2'
    """

    def __init__(self, *, points, labels, weights, means, covariances, axis_names):
        self.points = points
        self.labels = labels
        self.weights = weights
        self.means = means
        self.covariances = covariances
        self.axis_names = axis_names

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        columns=None,
        feature_names=None,
        n_deviations=(1, 2),
        ax=None,
        scatter_kw=None,
        ellipse_kw=None,
    ):
        """Draw a fitted mixture over rows of X.

        Parameters
        ----------
        estimator : fitted mixture or Pipeline that ends in one
            The earlier steps of a pipeline transform X first; the picture is in the
            units that the mixture sees, and the axes say so.

        X : array-like of shape (n_samples, n_features)
            Rows, as `estimator.predict` takes them.

        columns : sequence of one or two int or str, default=None
            Columns to draw, by number or by name, counted as the mixture sees them.
            None draws the two principal axes of the (transformed) rows.

        feature_names : sequence of str of length n_features, default=None
            Names of X's columns. None takes them from X where it has some.

        n_deviations : sequence of float, default=(1, 2)
            Sizes of the ellipses in standard deviations, the smallest first.

        ax : matplotlib Axes, default=None
            Axes to draw on. With None a new figure is made.

        scatter_kw : dict, default=None
            Passed to `ax.scatter` for the rows.

        ellipse_kw : dict, default=None
            Passed to each `matplotlib.patches.Ellipse`.

        Returns
        -------
        display : MixtureDisplay
        """
        mixture = read_mixture(estimator, X)
        names = names_of_features(estimator, X, feature_names)
        note = scale_note(estimator)
        if columns is None:
            mixture, axis_names = _principal_axes(mixture, names, note)
        else:
            chosen = _column_numbers(columns, names)
            mixture = mixture.projected(np.eye(len(names))[:, chosen])
            axis_names = [_with_note(names[j], note) for j in chosen]
        display = cls(
            points=mixture.points,
            labels=mixture.labels,
            weights=mixture.weights,
            means=mixture.means,
            covariances=mixture.covariances,
            axis_names=axis_names,
        )
        return display.plot(
            ax=ax,
            n_deviations=n_deviations,
            scatter_kw=scatter_kw,
            ellipse_kw=ellipse_kw,
        )

    def plot(self, ax=None, *, n_deviations=(1, 2), scatter_kw=None, ellipse_kw=None):
        """Draw the picture.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. With None a new figure is made.

        n_deviations : sequence of float, default=(1, 2)
            Sizes of the ellipses in standard deviations, the smallest first.

        scatter_kw : dict, default=None
            Passed to `ax.scatter` for the rows.

        ellipse_kw : dict, default=None
            Passed to each `matplotlib.patches.Ellipse`.

        Returns
        -------
        display : MixtureDisplay
            This object, with `ax_` and `figure_` set.
        """
        ax = axes_to_draw_on(ax, "MixtureDisplay.plot")
        self.scatters_, self.ellipses_, self.component_lines_ = [], [], []
        self.mean_markers_, self.density_line_ = None, None
        if len(self.axis_names) == 1:
            self._draw_densities(ax)
        else:
            self._draw_rows(ax, scatter_kw or {})
            self._draw_ellipses(ax, n_deviations, ellipse_kw or {})
            self._draw_means(ax)
            ax.set_ylabel(self.axis_names[1])
        ax.set_xlabel(self.axis_names[0])
        tidy(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw_rows(self, ax, scatter_kw):
        # Many rows would cover one another: smaller and fainter as they grow in number.
        crowding = np.clip(200 / max(len(self.points), 1), 0.03, 1)
        for k, (colour, marker, _) in enumerate(distinct_styles(len(self.weights))):
            look = {
                "color": colour,
                "marker": marker,
                "s": 10 + 16 * crowding,
                "alpha": 0.25 + 0.45 * crowding,
                "linewidths": 0,
            }
            rows = self.points[self.labels == k]
            self.scatters_.append(ax.scatter(*rows.T, **{**look, **scatter_kw}))
        noise = self.points[self.labels < 0]
        if len(noise):
            look = {"color": QUIET, "marker": "x", "s": 10 + 16 * crowding}
            drawn = ax.scatter(*noise.T, **{**look, "label": "noise", **scatter_kw})
            self.scatters_.append(drawn)
            ax.legend(frameon=False)

    def _draw_ellipses(self, ax, n_deviations, ellipse_kw):
        from matplotlib.patches import Ellipse

        styles = distinct_styles(len(self.weights))
        for mean, covariance, (colour, _, _) in zip(
            self.means, self.covariances, styles
        ):
            widths, angle = _ellipse_axes(covariance)
            ellipses = []
            for order, deviations in enumerate(n_deviations):
                look = {
                    "facecolor": (colour, 0.12 if order == 0 else 0.0),
                    "edgecolor": colour,
                    "linewidth": 2.0 if order == 0 else 1.4,
                    "linestyle": "-" if order == 0 else "--",
                    "zorder": 3,
                }
                ellipse = Ellipse(
                    mean, *(deviations * widths), angle=angle, **{**look, **ellipse_kw}
                )
                ellipses.append(ax.add_patch(ellipse))
            self.ellipses_.append(ellipses)
        ax.autoscale_view()

    def _draw_means(self, ax):
        colours = [colour for colour, _, _ in distinct_styles(len(self.weights))]
        self.mean_markers_ = ax.scatter(
            *self.means.T,
            # Area grows with weight; the floor keeps a number readable inside.
            s=180 + 500 * np.asarray(self.weights),
            c=colours,
            edgecolors="white",
            linewidths=1.5,
            zorder=4,
        )
        self.mean_texts_ = [
            outlined(
                ax.text(
                    *mean,
                    str(k),
                    color="white",
                    ha="center",
                    va="center_baseline",
                    fontweight="bold",
                    fontsize=9,
                    zorder=5,
                ),
                colour=INK,
                width=1.5,
            )
            for k, mean in enumerate(self.means)
        ]

    def _draw_densities(self, ax):
        ax.hist(
            self.points[:, 0], bins=n_bins(self.points[:, 0]), density=True, color=PALE
        )
        where = _grid(self.points[:, 0], self.means[:, 0], self.covariances[:, 0, 0])
        deviations = np.sqrt(self.covariances[:, 0, 0])
        components = self.weights * norm.pdf(
            where[:, None], self.means[:, 0], deviations
        )
        (self.density_line_,) = ax.plot(
            where, components.sum(axis=1), color=QUIET, linewidth=4, label="mixture"
        )
        self.mean_texts_ = []
        styles = distinct_styles(len(self.weights))
        for k, (colour, _, line_style) in enumerate(styles):
            self.component_lines_ += ax.plot(
                where, components[:, k], color=colour, linestyle=line_style
            )
            peak = self.weights[k] * norm.pdf(0, scale=deviations[k])
            number = ax.annotate(
                str(k),
                (self.means[k, 0], peak),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                color=colour,
                fontweight="bold",
            )
            self.mean_texts_.append(outlined(number, width=3))
        ax.set_ylabel("density")
        ax.legend(frameon=False)


def _with_note(name, note):
    return f"{name} ({note})" if note else name


def _principal_axes(mixture, names, note):
    """Project on the (at most two) principal axes of the points; name the axes."""
    n_axes = min(2, len(names), len(mixture.points))
    if len(names) == 1:
        return mixture, [_with_note(names[0], note)]
    pca = PCA(n_axes, svd_solver="full").fit(mixture.points)
    shares = 100 * pca.explained_variance_ratio_
    axis_names = [
        _with_note(f"principal axis {i + 1}, {share:.0f} % of variance", note)
        + f"\n{_greatest_loadings(axis, names)}"
        for i, (share, axis) in enumerate(zip(shares, pca.components_))
    ]
    return mixture.shifted(pca.mean_).projected(pca.components_.T), axis_names


def _greatest_loadings(axis, names, at_most=2):
    """Say what an axis is mostly made of, such as '0.58 length - 0.52 width …'."""
    order = np.argsort(-np.abs(axis), kind="stable")[:at_most]
    first, *others = (f"{axis[j]:+.2f} {names[j]}" for j in order)
    terms = [first.removeprefix("+"), *(f"{term[0]} {term[1:]}" for term in others)]
    return " ".join(terms) + (" …" if len(axis) > at_most else "")


def _column_numbers(columns, names):
    """Positions of the asked columns among `names`."""
    columns = [columns] if isinstance(columns, (int, str)) else list(columns)
    if len(columns) not in (1, 2):
        raise ValueError(
            f"columns must hold one or two columns to draw, got {len(columns)}."
        )
    return [_column_number(column, names) for column in columns]


def _column_number(column, names):
    if isinstance(column, str):
        if column not in names:
            raise ValueError(f"columns must be among {names}, got {column!r}.")
        return names.index(column)
    if not -len(names) <= column < len(names):
        raise ValueError(
            f"columns must be numbers below {len(names)}, the number of columns, "
            f"got {column}."
        )
    return int(column) % len(names)


def _ellipse_axes(covariance):
    """Lengths of both axes at one standard deviation, and the first one's angle.

    With Σ = U diag(λ) Uᵀ and λ descending: 2 √λ, and U's first column in degrees.
    """
    variances, directions = np.linalg.eigh(covariance)
    widths = 2 * np.sqrt(np.maximum(variances[::-1], 0))
    return widths, float(np.degrees(np.arctan2(directions[1, 1], directions[0, 1])))


def _grid(values, means, variances, n_points=1000):
    """Places to draw densities at: even, and dense at each mean.

    A component much narrower than the range would fall between even places.
    """
    deviations = np.sqrt(variances)
    low = min(values.min(), (means - 3 * deviations).min())
    high = max(values.max(), (means + 3 * deviations).max())
    near_means = means[:, None] + deviations[:, None] * np.linspace(-5, 5, 101)
    near_means = near_means[(near_means >= low) & (near_means <= high)]
    return np.unique(np.concatenate([np.linspace(low, high, n_points), near_means]))
