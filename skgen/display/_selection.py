"""Which mixture to take: a criterion against the number of components."""

import warnings

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning

from ._fitted_mixture import last_step, last_step_prefix, transformed
from ._style import INK, QUIET, axes_to_draw_on, distinct_styles, outlined, tidy

COVARIANCE_TYPES = ("full", "tied", "diag", "spherical")

# Longer legends stand beside the frame.
MOST_ENTRIES_BELOW = 6

# Of so many lines this share has its best value in the frame at least.
SHARE_OF_MANY_LINES = 0.75

# What the vertical axis calls criteria that are not named by letters.
CRITERION_NAMES = {"held-out": "-2 log-likelihood of held-out rows"}


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
    :meth:`from_estimator` (the search that an estimator has done itself, or an
    information criterion, each candidate fitted on all rows) or :meth:`from_search`
    (held-out scores of a finished search).

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

    spurious : array-like of bool of shape (n_types, n_sizes), default=None
        Candidates that do not count: lines leave them out, hollow markers show them.

    best : tuple of str and int, default=None
        Covariance type and number of components of the best candidate; None looks
        for the best value.

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

    spurious_markers_ : list of matplotlib Line2D
        The hollow markers, one line per covariance type that has any.

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
    ``focus=True`` the frame holds the best value of every line, of three lines in
    four where there are many, and what is worse may leave it.

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
        spurious=None,
        best=None,
    ):
        self.n_components = n_components
        self.covariance_types = covariance_types
        self.values = values
        self.criterion_name = criterion_name
        self.lower_is_better = lower_is_better
        self.standard_errors = standard_errors
        self.spurious = spurious
        self.best = best

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

    def _values_that_count(self):
        """The values, NaN where spurious, unless all are."""
        values = np.array(self.values, dtype=float)
        if self.spurious is None:
            return values
        counting = np.where(np.asarray(self.spurious), np.nan, values)
        return values if np.isnan(counting).all() else counting

    def _loss(self):
        """Values that count, turned so that less is better; (n_types, n_sizes)."""
        return self._values_that_count() * (1 if self.lower_is_better else -1)

    def _best_cell(self):
        """Row and column of the best value; the first of equals."""
        if self.best is not None:
            covariance_type, size = self.best
            row = list(self.covariance_types).index(covariance_type)
            return row, int(np.flatnonzero(np.asarray(self.n_components) == size)[0])
        loss = self._loss()
        if np.isnan(loss).all():
            raise ValueError("values must hold a number that is not NaN, got none.")
        return np.unravel_index(np.nanargmin(loss), loss.shape)

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X=None,
        *,
        n_components=range(1, 9),
        covariance_types=COVARIANCE_TYPES,
        criterion="bic",
        ax=None,
        focus=True,
        line_kw=None,
    ):
        """Draw the search that an estimator has done, or fit candidates on all of X.

        Parameters
        ----------
        estimator : mixture or Pipeline that ends in one
            Without `X` a fitted one that has ``selection_``, which is drawn; nothing
            is fitted. With `X` cloned for each candidate with its `n_components` and
            `covariance_type` set; need not be fitted.

        X : array-like of shape (n_samples, n_features), default=None
            Training rows of candidates that are to be fitted.

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

        Raises
        ------
        ValueError
            Where there are no rows, and the estimator has not searched.
        """
        if X is None:
            display = cls(**selection_scores(estimator))
            return display.plot(ax=ax, focus=focus, line_kw=line_kw)
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
        self.spurious_markers_ = self._draw_spurious(ax)
        self._draw_best(ax)
        if focus:
            self._focus(ax)
        ax.set_xticks(np.asarray(self.n_components))
        ax.set_xlabel("number of components")
        better = "lower" if self.lower_is_better else "higher"
        ax.set_ylabel(f"{self.criterion_name} ({better} is better)")
        self._draw_legend(ax)
        tidy(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw_legend(self, ax):
        """Outside the frame, where no line runs: below or, where long, beside."""
        n_entries = len(ax.get_legend_handles_labels()[0])
        if n_entries > MOST_ENTRIES_BELOW:
            place = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5)}
        else:
            place = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.12)}
            place["ncols"] = n_entries
        ax.legend(title="covariance", frameon=False, handlelength=3.2, **place)

    def _draw_spurious(self, ax):
        """Hollow markers; one of them stands in the legend for all."""
        if self.spurious is None:
            return []
        markers = []
        sizes, values = np.asarray(self.n_components), np.asarray(self.values)
        for line, own, spurious in zip(self.lines_, values, np.asarray(self.spurious)):
            shown = spurious & ~np.isnan(own)
            if shown.any():
                markers += ax.plot(
                    sizes[shown],
                    own[shown],
                    marker=line.get_marker(),
                    markersize=5,
                    markerfacecolor="none",
                    color=QUIET if not markers else line.get_color(),
                    alpha=0.5,
                    linestyle="none",
                    label="_nolegend_" if markers else "spurious",
                )
        return markers

    def _draw_lines(self, ax, line_kw):
        lines = []
        styles = distinct_styles(len(self.covariance_types))
        for name, values, (colour, marker, line_style) in zip(
            self.covariance_types, self._values_that_count(), styles
        ):
            look = {
                "color": colour,
                "marker": marker,
                "linestyle": line_style,
                "linewidth": 1.2 if len(styles) > MOST_ENTRIES_BELOW else 1.5,
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
        """Let the frame hold the best of lines, all if few, and room for the label."""
        loss = self._loss()
        loss = loss[~np.isnan(loss).all(axis=1)]
        best_of_lines, highest = np.nanmin(loss, axis=1), np.nanmax(loss)
        if len(loss) > MOST_ENTRIES_BELOW:
            # hopeless models would press the many others flat
            reached = np.quantile(best_of_lines, SHARE_OF_MANY_LINES)
            loss = loss[best_of_lines <= reached]
            best_of_lines = best_of_lines[best_of_lines <= reached]
        best, worst = min(best_of_lines), np.nanmax(loss)
        if best == worst:
            return
        # A line that is best at its very start may need no more than its own slope.
        reach = max(max(best_of_lines) - best, 0.15 * (worst - best))
        worst_shown = worst
        if worst - best > 2.5 * reach:
            worst_shown = best + 1.35 * reach
        if worst_shown < highest:
            note = "worse values lie outside the frame"
            ax.set_title(note, loc="right", fontsize="small", color=QUIET)
        room = 0.22 * (worst_shown - best)
        if self.standard_errors is not None:
            room = max(room, 1.2 * np.asarray(self.standard_errors)[self._best_cell()])
        limits = np.array([best - room, worst_shown + 0.05 * (worst_shown - best)])
        ax.set_ylim(*(limits if self.lower_is_better else -limits[::-1]))


def selection_scores(estimator):
    """The table of an estimator's own search, as a display's data.

    Parameters
    ----------
    estimator : fitted mixture or Pipeline that ends in one

    Returns
    -------
    data : dict
        What :class:`MixtureSelectionDisplay` is constructed from.

    Raises
    ------
    ValueError
        When the estimator has not searched.
    """
    mixture = last_step(estimator)
    if not hasattr(mixture, "selection_"):
        raise ValueError(
            "estimator must have been fitted with n_components or covariance_type to "
            "be selected, or X must be given for candidates to be fitted; "
            f"{type(mixture).__name__} has no selection_."
        )
    table = mixture.selection_
    sizes, columns = np.unique(table["n_components"], return_inverse=True)
    names = list(dict.fromkeys(table["covariance_type"]))
    cells = [names.index(name) for name in table["covariance_type"]], columns
    values = np.full((len(names), len(sizes)), np.nan)
    spurious = np.zeros(values.shape, dtype=bool)
    values[cells], spurious[cells] = table["criterion"], table["spurious"]
    criterion = mixture.criterion
    return {
        "n_components": sizes,
        "covariance_types": names,
        "values": values,
        "criterion_name": CRITERION_NAMES.get(criterion, criterion.upper()),
        "spurious": spurious,
        "best": (mixture.covariance_type_, mixture.n_components_),
    }


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
