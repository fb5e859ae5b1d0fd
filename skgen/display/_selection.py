"""Which mixture to take: a criterion against the number of components."""

import warnings

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning

from ._fitted_mixture import last_step, last_step_prefix, transformed
from ._style import INK, QUIET, axes_to_draw_on, distinct_styles, outlined, tidy

COVARIANCE_TYPES = ("full", "tied", "diag", "spherical")


def criterion_values(estimator, X, *, n_components, covariance_types, criterion="bic"):
    """Fit every candidate on all of X and return its information criterion.

    Parameters
    ----------
    estimator : mixture or Pipeline that ends in one
        Cloned for each candidate; need not be fitted.

    X : array-like of shape (n_samples, n_features)
        Training rows.

    n_components : sequence of int of length n_sizes
        Numbers of components to try.

    covariance_types : sequence of str of length n_types
        Covariance types to try.

    criterion : str, default="bic"
        Method of the mixture that returns the criterion: "bic", "aic", "icl".

    Returns
    -------
    values : ndarray of shape (n_types, n_sizes)
        NaN where a fit failed, which a FitFailedWarning tells.
    """
    _check_criterion(estimator, criterion)
    values = np.full((len(covariance_types), len(n_components)), np.nan)
    for row, covariance_type in enumerate(covariance_types):
        for column, size in enumerate(n_components):
            candidate = _candidate(estimator, int(size), covariance_type)
            try:
                values[row, column] = _criterion(candidate.fit(X), X, criterion)
            except (ValueError, np.linalg.LinAlgError) as error:
                warnings.warn(
                    f"{covariance_type} covariances with {size} components could not "
                    f"be fitted and are left out: {error}",
                    FitFailedWarning,
                    stacklevel=2,
                )
    return values


def _check_criterion(estimator, criterion):
    model = last_step(estimator)
    if not hasattr(model, criterion):
        known = [name for name in ("bic", "aic", "icl") if hasattr(model, name)]
        raise ValueError(
            f"criterion must name a method of {type(model).__name__} that takes X, "
            f"such as {known}, got {criterion!r}."
        )


def _candidate(estimator, n_components, covariance_type):
    prefix = last_step_prefix(estimator)
    return clone(estimator).set_params(
        **{
            f"{prefix}n_components": n_components,
            f"{prefix}covariance_type": covariance_type,
        }
    )


def _criterion(fitted, X, criterion):
    return getattr(last_step(fitted), criterion)(transformed(fitted, X))


class MixtureSelectionDisplay:
    """Criterion against the number of components, a line per covariance type.

    The best candidate is marked with a star. It is recommended to use
    :meth:`from_estimator` (an information criterion, each candidate fitted on all
    rows) or :meth:`from_search` (held-out scores of a finished search).

    Parameters
    ----------
    n_components : array-like of shape (n_sizes,)
        Numbers of components, ascending.

    covariance_types : sequence of str of length n_types
        Names of the lines.

    values : array-like of shape (n_types, n_sizes)
        The criterion; NaN where a candidate could not be fitted.

    criterion_name : str, default="BIC"
        What the vertical axis shows.

    lower_is_better : bool, default=True
        Whether the best candidate has the least value (BIC) or the greatest
        (held-out log-likelihood).

    standard_errors : array-like of shape (n_types, n_sizes), default=None
        Standard errors of `values`, drawn at the best candidate.

    Attributes
    ----------
    best_n_components_ : int
        Number of components of the best candidate.

    best_covariance_type_ : str
        Covariance type of the best candidate.

    best_value_ : float
        Criterion of the best candidate.

    ax_ : matplotlib Axes
        Axes with the lines. Present after :meth:`plot`.

    figure_ : matplotlib Figure
        Figure that holds the axes.

    lines_ : list of matplotlib Line2D
        One line per covariance type, in their order.

    best_marker_ : matplotlib Line2D
        The star at the best candidate.

    errorbar_ : matplotlib ErrorbarContainer or None
        One standard error around the best candidate, when it is known.

    See Also
    --------
    MixtureDisplay : The components of one fitted mixture.
    sklearn.model_selection.GridSearchCV : Search by held-out log-likelihood.

    Notes
    -----
    Lines that lie far above the rest would press the others flat; with
    ``focus=True`` the frame holds the best value of every line and what is worse
    may leave it.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skgen.display import MixtureSelectionDisplay
    >>> from skgen.mixture import EMGaussianMixture
    >>> X, _ = load_iris(return_X_y=True)
    >>> display = MixtureSelectionDisplay.from_estimator(
    ...     EMGaussianMixture(random_state=0),
    ...     X,
    ...     n_components=range(1, 4),
    ...     covariance_types=("full", "diag"),
    ... )
    >>> display.best_n_components_, display.best_covariance_type_
    (2, 'full')
    """

    def __init__(
        self,
        *,
        n_components,
        covariance_types,
        values,
        criterion_name="BIC",
        lower_is_better=True,
        standard_errors=None,
    ):
        self.n_components = n_components
        self.covariance_types = covariance_types
        self.values = values
        self.criterion_name = criterion_name
        self.lower_is_better = lower_is_better
        self.standard_errors = standard_errors

    @property
    def best_n_components_(self):
        """Number of components of the best candidate."""
        return int(np.asarray(self.n_components)[self._best_cell()[1]])

    @property
    def best_covariance_type_(self):
        """Covariance type of the best candidate."""
        return str(self.covariance_types[self._best_cell()[0]])

    @property
    def best_value_(self):
        """Criterion of the best candidate."""
        return float(np.asarray(self.values)[self._best_cell()])

    def _loss(self):
        """The values, turned so that less is better; shape (n_types, n_sizes)."""
        return np.asarray(self.values, dtype=float) * (
            1 if self.lower_is_better else -1
        )

    def _best_cell(self):
        """Row and column of the best value; the first of equals."""
        loss = self._loss()
        if np.isnan(loss).all():
            raise ValueError("values must hold a number that is not NaN, got none.")
        return np.unravel_index(np.nanargmin(loss), loss.shape)

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        n_components=range(1, 9),
        covariance_types=COVARIANCE_TYPES,
        criterion="bic",
        ax=None,
        focus=True,
        line_kw=None,
    ):
        """Fit every candidate on all of X and draw its information criterion.

        Parameters
        ----------
        estimator : mixture or Pipeline that ends in one
            Cloned for each candidate with its `n_components` and
            `covariance_type` set; need not be fitted.

        X : array-like of shape (n_samples, n_features)
            Training rows.

        n_components : sequence of int, default=range(1, 9)
            Numbers of components to try.

        covariance_types : sequence of str, \
                default=("full", "tied", "diag", "spherical")
            Covariance types to try.

        criterion : {"bic", "aic", "icl"} or str, default="bic"
            Method of the mixture that takes rows and returns a criterion of which
            less is better.

        ax : matplotlib Axes, default=None
            Axes to draw on. With None a new figure is made.

        focus : bool, default=True
            Whether values far worse than every line's best may leave the frame.

        line_kw : dict, default=None
            Passed to `ax.plot` for each line.

        Returns
        -------
        display : MixtureSelectionDisplay
        """
        covariance_types = tuple(covariance_types)
        n_components = np.asarray(n_components, dtype=int)
        values = criterion_values(
            estimator,
            X,
            n_components=n_components,
            covariance_types=covariance_types,
            criterion=criterion,
        )
        display = cls(
            n_components=n_components,
            covariance_types=covariance_types,
            values=values,
            criterion_name=criterion.upper(),
        )
        return display.plot(ax=ax, focus=focus, line_kw=line_kw)

    @classmethod
    def from_search(cls, search, *, ax=None, focus=True, line_kw=None):
        """Draw the held-out scores of a finished search.

        Parameters
        ----------
        search : fitted GridSearchCV, RandomizedSearchCV or the like
            It has varied `n_components` and may have varied `covariance_type`, of
            a mixture or of a pipeline's step. Where it varied more parameters, the
            best value over these is shown.

        ax : matplotlib Axes, default=None
            Axes to draw on. With None a new figure is made.

        focus : bool, default=True
            Whether values far worse than every line's best may leave the frame.

        line_kw : dict, default=None
            Passed to `ax.plot` for each line.

        Returns
        -------
        display : MixtureSelectionDisplay
        """
        return cls(**search_scores(search)).plot(ax=ax, focus=focus, line_kw=line_kw)

    def plot(self, ax=None, *, focus=True, line_kw=None):
        """Draw the lines and mark the best candidate.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. With None a new figure is made.

        focus : bool, default=True
            Whether values far worse than every line's best may leave the frame.

        line_kw : dict, default=None
            Passed to `ax.plot` for each line.

        Returns
        -------
        display : MixtureSelectionDisplay
            This object, with `ax_` and `figure_` set.
        """
        ax = axes_to_draw_on(ax, "MixtureSelectionDisplay.plot")
        self.lines_ = self._draw_lines(ax, line_kw or {})
        self._draw_best(ax)
        if focus:
            self._focus(ax)
        ax.set_xticks(np.asarray(self.n_components))
        ax.set_xlabel("number of components")
        better = "lower" if self.lower_is_better else "higher"
        ax.set_ylabel(f"{self.criterion_name} ({better} is better)")
        # Below the frame, where no line can run through it.
        ax.legend(
            title="covariance",
            ncols=len(ax.get_legend_handles_labels()[0]),
            loc="upper center",
            bbox_to_anchor=(0.5, -0.12),
            frameon=False,
        )
        tidy(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw_lines(self, ax, line_kw):
        lines = []
        styles = distinct_styles(len(self.covariance_types))
        for name, values, (colour, marker, line_style) in zip(
            self.covariance_types, np.asarray(self.values), styles
        ):
            look = {
                "color": colour,
                "marker": marker,
                "linestyle": line_style,
                "markersize": 5,
                "label": name,
            }
            lines += ax.plot(self.n_components, values, **{**look, **line_kw})
        return lines

    def _draw_best(self, ax):
        row, column = self._best_cell()
        size, value = np.asarray(self.n_components)[column], self.best_value_
        colour = self.lines_[row].get_color()
        self.errorbar_ = None
        if self.standard_errors is not None:
            error = np.asarray(self.standard_errors)[row, column]
            self.errorbar_ = ax.errorbar(
                size, value, yerr=error, color=colour, capsize=4, zorder=3
            )
        (self.best_marker_,) = ax.plot(
            size,
            value,
            marker="*",
            markersize=17,
            color=colour,
            markeredgecolor=INK,
            linestyle="none",
            zorder=4,
        )
        # Towards the middle, so that the label stays inside the frame.
        at_right = 2 * size > min(self.n_components) + max(self.n_components)
        number = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
        label = ax.annotate(
            f"best: {self.best_covariance_type_}, {size}\n{number}",
            (size, value),
            xytext=(-10 if at_right else 10, -14 if self.lower_is_better else 14),
            textcoords="offset points",
            ha="right" if at_right else "left",
            va="top" if self.lower_is_better else "bottom",
            color=INK,
            zorder=5,
        )
        outlined(label, width=3)

    def _focus(self, ax):
        """Let the frame hold the best of every line, with room for the label."""
        loss = self._loss()
        best_of_lines = [np.nanmin(line) for line in loss if not np.isnan(line).all()]
        best, worst = min(best_of_lines), np.nanmax(loss)
        if best == worst:
            return
        # A line that is best at its very start may need no more than its own slope.
        reach = max(max(best_of_lines) - best, 0.15 * (worst - best))
        worst_shown = worst
        if worst - best > 2.5 * reach:
            worst_shown = best + 1.35 * reach
            note = "worse values lie outside the frame"
            ax.set_title(note, loc="right", fontsize="small", color=QUIET)
        room = 0.22 * (worst_shown - best)
        if self.standard_errors is not None:
            room = max(room, 1.2 * np.asarray(self.standard_errors)[self._best_cell()])
        limits = np.array([best - room, worst_shown + 0.05 * (worst_shown - best)])
        ax.set_ylim(*(limits if self.lower_is_better else -limits[::-1]))


def search_scores(search):
    """Held-out means and their standard errors of a search, as a display's data.

    Parameters
    ----------
    search : fitted search with `cv_results_`

    Returns
    -------
    data : dict
        What :class:`MixtureSelectionDisplay` is constructed from.

    Raises
    ------
    ValueError
        When the search did not vary `n_components`.
    """
    results = search.cv_results_
    sizes = _searched(results, "n_components")
    if sizes is None:
        raise ValueError(
            "search must have varied n_components; cv_results_ knows only "
            f"{[name for name in results if name.startswith('param_')]}."
        )
    kinds = _searched(results, "covariance_type")
    if kinds is None:
        kinds = np.full(len(sizes), "fixed covariance type")
    means, errors = _fold_statistics(results)
    n_components = np.unique(sizes.astype(int))
    covariance_types = list(dict.fromkeys(str(kind) for kind in kinds))
    shape = (len(covariance_types), len(n_components))
    values, standard_errors = np.full(shape, np.nan), np.full(shape, np.nan)
    for size, kind, mean, error in zip(sizes, kinds, means, errors):
        cell = covariance_types.index(str(kind)), np.searchsorted(n_components, size)
        if not values[cell] >= mean:  # also true while the cell is NaN
            values[cell], standard_errors[cell] = mean, error
    return {
        "n_components": n_components,
        "covariance_types": covariance_types,
        "values": values,
        "criterion_name": "held-out score",
        "lower_is_better": False,
        "standard_errors": standard_errors,
    }


def _searched(results, name):
    """The searched values of a parameter, at whatever depth of a pipeline."""
    for key, values in results.items():
        if key == f"param_{name}" or key.endswith(f"__{name}"):
            return np.ma.getdata(values)
    return None


def _fold_statistics(results):
    """Mean and standard error over folds of each candidate, shape (n_candidates,)."""
    folds = [
        results[key]
        for key in results
        if key.startswith("split") and key.endswith("_test_score")
    ]
    scores = np.array(folds)
    deviation = scores.std(axis=0, ddof=1) if len(folds) > 1 else np.nan * scores[0]
    # The search's own mean: another order of summing could break a tie otherwise.
    return results["mean_test_score"], deviation / np.sqrt(len(folds))
