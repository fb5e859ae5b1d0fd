"""Rows where a model's latent view puts them, coloured by what is known of them."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.utils.multiclass import type_of_target

from ._style import (
    INK,
    PALE,
    axes_to_draw_on,
    distinct_styles,
    n_bins,
    outlined,
    tidy,
)

# Whole numbers of more different values than this are shown by a colour bar.
MOST_CLASSES = 20


class LatentDisplay:
    """Map of rows in the latent space of a model.

    Each row lies at what `transform` says of it: the mean of q(z|x) of a variational
    autoencoder, the responsibilities of a mixture, the scores of a PCA. Classes have a
    colour, a marker and their name at the median of their rows, so that the map reads
    in grey as well; numbers have a colour bar. A single latent dimension is drawn as a
    histogram, or against the numbers.

    It is recommended to use :meth:`from_estimator`. All parameters are stored as
    attributes.

    Parameters
    ----------
    positions : ndarray of shape (n_samples, n_axes)
        Rows on the drawn axes; `n_axes` is 1 or 2.

    axis_names : sequence of str of length n_axes
        What the axes show.

    labels : array-like of shape (n_samples,), default=None
        Classes or numbers known of the rows. Rows whose label is missing (None or NaN)
        are drawn pale.

    label_name : str, default=None
        What the labels are; title of the legend or of the colour bar.

    latent_variances : ndarray of shape (n_components,), default=None
        Variance of each latent dimension over the rows.

    Attributes
    ----------
    latent_variances_ : ndarray of shape (n_components,) or None
        Variance of each latent dimension over the rows: what chose the axes.

    classes_ : ndarray of shape (n_classes,) or None
        The classes, in the order of `scatters_`. None where the labels are numbers, or
        there are none.

    ax_ : matplotlib Axes
        Axes with the map.

    figure_ : matplotlib Figure
        Figure that holds the axes.

    scatters_ : list of matplotlib PathCollection
        Rows of each class, or all rows at once; unlabelled ones last. Empty for a
        histogram.

    histograms_ : list of matplotlib artists
        One for each class on a single axis. Empty on two axes.

    class_texts_ : list of matplotlib Text
        Names of the classes at the medians of their rows. Empty on a single axis.

    colorbar_ : matplotlib Colorbar or None
        For labels that are numbers.

    See Also
    --------
    TrainingDisplay : How the bound rose in training.
    MixtureDisplay : The components of a fitted mixture.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import PCA
    >>> from skgen.display import LatentDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> display = LatentDisplay.from_estimator(PCA(3).fit(X), X, labels=y)
    >>> display.ax_.get_xlabel()
    'latent dimension 0 (variance 4.2)'
    >>> len(display.scatters_)
    3
    """

    def __init__(
        self,
        *,
        positions,
        axis_names,
        labels=None,
        label_name=None,
        latent_variances=None,
    ):
        self.positions = positions
        self.axis_names = axis_names
        self.labels = labels
        self.label_name = label_name
        self.latent_variances = latent_variances

    @property
    def latent_variances_(self):
        """Variance of each latent dimension over the rows."""
        return self.latent_variances

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        labels=None,
        dims=None,
        label_name=None,
        ax=None,
        scatter_kw=None,
    ):
        """Draw the latent map of rows of X.

        Parameters
        ----------
        estimator : fitted estimator with `transform`
            A variational autoencoder, a pipeline that ends in one, or any other
            transformer whose output is numeric.

        X : array-like or data frame of shape (n_samples, n_features)
            Rows, as `estimator.transform` takes them.

        labels : array-like of shape (n_samples,), default=None
            Classes or numbers to colour the rows by. Floats that are not whole, and
            whole numbers of more than 20 values, are numbers.

        dims : sequence of one or two int, 'pca' or None, default=None
            Latent dimensions to draw. None takes the two of greatest variance over the
            rows; 'pca' the two principal axes of the latent positions.

        label_name : str, default=None
            What the labels are; None takes the name of a pandas or polars series.

        ax : matplotlib Axes, default=None
            Axes to draw on. With None a new figure is made.

        scatter_kw : dict, default=None
            Passed to `ax.scatter`.

        Returns
        -------
        display : LatentDisplay

        Raises
        ------
        TypeError
            When the estimator has no `transform`.

        ValueError
            When `dims` names no latent dimensions, or `labels` has another length.
        """
        if not hasattr(estimator, "transform"):
            raise TypeError(
                f"estimator must have a method transform, got "
                f"{type(estimator).__name__}, which has none."
            )
        latents = np.asarray(estimator.transform(X), dtype=float)
        if label_name is None and isinstance(getattr(labels, "name", None), str):
            label_name = labels.name or None
        if labels is not None and len(labels) != len(latents):
            raise ValueError(
                f"labels must have one entry for each of the {len(latents)} rows of X, "
                f"got {len(labels)}."
            )
        positions, axis_names = _on_axes(latents, dims)
        display = cls(
            positions=positions,
            axis_names=axis_names,
            labels=labels,
            label_name=label_name,
            latent_variances=latents.var(axis=0),
        )
        return display.plot(ax=ax, scatter_kw=scatter_kw)

    def plot(self, ax=None, *, scatter_kw=None):
        """Draw the map.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. With None a new figure is made.

        scatter_kw : dict, default=None
            Passed to `ax.scatter`.

        Returns
        -------
        display : LatentDisplay
            This object, with `ax_` and `figure_` set.
        """
        ax = axes_to_draw_on(ax, "LatentDisplay.plot")
        self.scatters_, self.histograms_, self.class_texts_ = [], [], []
        self.colorbar_ = None
        labels, unknown = _read_labels(self.labels, len(self.positions))
        numbers = labels is not None and _are_numbers(labels[~unknown])
        self.classes_ = None
        if labels is not None and not numbers:
            self.classes_ = np.unique(labels[~unknown])
        if np.shape(self.positions)[1] == 1 and not numbers:
            self._draw_histograms(ax, labels, unknown)
        else:
            look = _look(len(self.positions)) | (scatter_kw or {})
            self._draw_scatters(ax, labels, unknown, look)
        ax.set_xlabel(self.axis_names[0])
        if self.classes_ is not None:
            self._draw_legend(ax)
        tidy(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw_scatters(self, ax, labels, unknown, look):
        positions = np.asarray(self.positions)
        if positions.shape[1] == 1:
            positions = np.column_stack([positions, labels.astype(float)])
            ax.set_ylabel(self.label_name or "label")
        else:
            ax.set_ylabel(self.axis_names[1])
        if labels is None:
            all_rows = look | ({"color": "#0072B2"} if "c" not in look else {})
            self.scatters_.append(ax.scatter(*positions.T, **all_rows))
            return
        if self.classes_ is None:
            self._draw_numbers(ax, positions, labels, unknown, look)
        else:
            self._draw_classes(ax, positions, labels, look)
        if unknown.any():
            pale = look | {"color": PALE, "zorder": 1}
            self.scatters_.append(ax.scatter(*positions[unknown].T, **pale))

    def _draw_numbers(self, ax, positions, labels, unknown, look):
        values = labels[~unknown].astype(float)
        look = {"c": values, "cmap": "viridis"} | look
        self.scatters_.append(ax.scatter(*positions[~unknown].T, **look))
        if np.shape(self.positions)[1] == 1:
            return  # the vertical axis shows the numbers
        self.colorbar_ = ax.figure.colorbar(self.scatters_[0], ax=ax)
        self.colorbar_.set_alpha(1)
        self.colorbar_.set_label(self.label_name or "label")

    def _draw_classes(self, ax, positions, labels, look):
        styles = distinct_styles(len(self.classes_))
        for name, (colour, marker, _) in zip(self.classes_, styles):
            rows = positions[labels == name]
            style = {"color": colour, "marker": marker, "label": str(name)}
            self.scatters_.append(ax.scatter(*rows.T, **{**style, **look}))
            text = ax.text(
                *np.median(rows, axis=0),
                str(name),
                color=INK,
                weight="bold",
                ha="center",
                va="center",
                zorder=4,
                clip_on=True,
            )
            self.class_texts_.append(outlined(text, width=3))

    def _draw_histograms(self, ax, labels, unknown):
        values = np.asarray(self.positions)[:, 0]
        edges = np.histogram_bin_edges(values, bins=n_bins(values))
        ax.set_ylabel("rows")
        if labels is None:
            look = {"color": PALE, "edgecolor": "white"}
            self.histograms_.append(ax.hist(values, bins=edges, **look)[2])
            return
        styles = distinct_styles(len(self.classes_))
        for name, (colour, _, line_style) in zip(self.classes_, styles):
            look = {"color": colour, "linestyle": line_style, "label": str(name)}
            of_class = values[labels == name]
            _, _, (patch,) = ax.hist(
                of_class, bins=edges, histtype="step", linewidth=1.6, **look
            )
            self.histograms_.append(patch)
        if unknown.any():
            ax.hist(values[unknown], bins=edges, color=PALE, zorder=0)

    def _draw_legend(self, ax):
        legend = ax.legend(
            title=self.label_name,
            loc="upper left",
            bbox_to_anchor=(1.0, 1.0),
            frameon=False,
            ncols=1 + (len(self.classes_) - 1) // MOST_CLASSES,
        )
        for handle in legend.legend_handles:
            handle.set_alpha(1)


def _look(n_rows):
    """Smaller and fainter as rows grow in number, for they would cover one another."""
    crowding = np.clip(300 / max(n_rows, 1), 0.03, 1)
    return {
        "s": 9 + 16 * crowding,
        "alpha": 0.35 + 0.4 * crowding,
        "linewidths": 0,
    }


def _on_axes(latents, dims):
    """Positions on one or two axes, and what these show."""
    n_latents, variances = latents.shape[1], latents.var(axis=0)
    if isinstance(dims, str):
        if dims != "pca":
            raise ValueError(f"dims must be integers, 'pca' or None, got {dims!r}.")
        return _principal(latents)
    if dims is None:
        busiest = np.argsort(-variances, kind="stable")[:2]
        dims = sorted(int(j) for j in busiest)
    chosen = np.atleast_1d(np.asarray(dims))
    fits = chosen.dtype.kind in "iu" and chosen.ndim == 1 and 1 <= len(chosen) <= 2
    if not fits or (chosen < 0).any() or (chosen >= n_latents).any():
        raise ValueError(
            f"dims must be one or two integers from 0 to {n_latents - 1}, got {dims!r}."
        )
    names = [f"latent dimension {j} (variance {variances[j]:.2g})" for j in chosen]
    return latents[:, chosen], names


def _principal(latents):
    """Positions on the two principal axes of the latent positions."""
    pca = PCA(min(2, *latents.shape)).fit(latents)
    shares = np.nan_to_num(pca.explained_variance_ratio_)
    names = [
        f"latent principal axis {j + 1} ({100 * share:.0f} % of the variance)"
        for j, share in enumerate(shares)
    ]
    return pca.transform(latents), names


def _read_labels(labels, n_rows):
    """Labels as an array, and which of them are missing."""
    if labels is None:
        return None, np.zeros(n_rows, dtype=bool)
    labels = np.asarray(labels)
    if labels.ndim != 1:
        raise ValueError(f"labels must have shape (n_samples,), got {labels.shape}.")
    unknown = np.array([each is None or each != each for each in labels.tolist()])
    if labels.dtype.kind not in "iufb":
        # Classes of whatever type are told apart, and sorted, by their names.
        labels = np.array([str(each) for each in labels.tolist()])
    return labels, unknown


def _are_numbers(labels):
    """Whether labels are to be read off a scale, and not told apart."""
    if labels.dtype.kind not in "iuf":
        return False
    if type_of_target(labels) == "continuous":
        return True
    return len(np.unique(labels)) > MOST_CLASSES
