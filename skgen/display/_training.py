"""How a model's bound rose in training, on rows learnt from and on rows held out."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ._fitted_mixture import last_step
from ._style import ACCENT, COLOURS, INK, QUIET, axes_to_draw_on, outlined, tidy


class TrainingDisplay:
    """Training and held-out bound by epoch, with the epoch whose weights were kept.

    The bounds are those that training maximises: nats per row, of the columns as the
    networks see them, and hence not in the units of `score_samples`. The two differ in
    more than their rows: the training bound is a mean over an epoch in which the
    weights move, with cells hidden at random and few draws; the held-out bound is that
    of the averaged weights at one moment, with more draws. So the held-out line may
    well lie above the other.

    It is recommended to use :meth:`from_estimator`. All parameters are stored as
    attributes.

    Parameters
    ----------
    epoch : array-like of shape (n_epochs,)
        Numbers of the epochs.

    training_bound : array-like of shape (n_epochs,)
        Mean bound on the rows learnt from.

    validation_bound : array-like of shape (n_epochs,)
        Mean bound on the rows held out; NaN where it was not computed.

    best_epoch : int or None, default=None
        The epoch whose weights were kept.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the lines.

    figure_ : matplotlib Figure
        Figure that holds the axes.

    training_line_ : matplotlib Line2D
        Bound on the rows learnt from.

    validation_line_ : matplotlib Line2D or None
        Bound on the rows held out, at the epochs that have one.

    best_marker_ : matplotlib Line2D or None
        Star at the epoch whose weights were kept. None where no rows were held out.

    See Also
    --------
    LatentDisplay : Where the rows lie in the latent space.

    Examples
    --------
    >>> from skgen.display import TrainingDisplay
    >>> display = TrainingDisplay(
    ...     epoch=[1, 2, 3],
    ...     training_bound=[-3.0, -2.0, -1.5],
    ...     validation_bound=[-2.5, -1.8, -1.9],
    ...     best_epoch=2,
    ... ).plot()
    >>> display.best_marker_.get_xydata().tolist()
    [[2.0, -1.8]]
    """

    def __init__(self, *, epoch, training_bound, validation_bound, best_epoch=None):
        self.epoch = epoch
        self.training_bound = training_bound
        self.validation_bound = validation_bound
        self.best_epoch = best_epoch

    @classmethod
    def from_estimator(cls, estimator, *, ax=None, line_kw=None):
        """Draw the training history of a fitted model.

        Parameters
        ----------
        estimator : fitted estimator with `history_`
            A variational autoencoder, or a pipeline that ends in one.

        ax : matplotlib Axes, default=None
            Axes to draw on. With None a new figure is made.

        line_kw : dict, default=None
            Passed to `ax.plot` for both lines.

        Returns
        -------
        display : TrainingDisplay

        Raises
        ------
        TypeError
            When the model kept no history.
        """
        model = last_step(estimator)
        check_is_fitted(model)
        history = getattr(model, "history_", None)
        if history is None:
            raise TypeError(
                f"{type(model).__name__} has no history_: it is not a model trained by "
                "epochs, or was trained by partial_fit alone. Fit it with `fit`."
            )
        held_out = np.asarray(history["validation_bound"], dtype=float)
        has_best = np.isfinite(held_out).any() and hasattr(model, "best_iter_")
        display = cls(
            epoch=np.asarray(history["epoch"]),
            training_bound=np.asarray(history["training_bound"], dtype=float),
            validation_bound=held_out,
            best_epoch=int(model.best_iter_) if has_best else None,
        )
        return display.plot(ax=ax, line_kw=line_kw)

    def plot(self, ax=None, *, line_kw=None):
        """Draw the lines.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. With None a new figure is made.

        line_kw : dict, default=None
            Passed to `ax.plot` for both lines.

        Returns
        -------
        display : TrainingDisplay
            This object, with `ax_` and `figure_` set.
        """
        ax = axes_to_draw_on(ax, "TrainingDisplay.plot")
        line_kw = line_kw or {}
        epoch, training = np.asarray(self.epoch), np.asarray(self.training_bound)
        held_out = np.asarray(self.validation_bound, dtype=float)
        look = {"color": COLOURS[0], "label": "rows learnt from"} | line_kw
        (self.training_line_,) = ax.plot(epoch, training, **look)
        self.validation_line_ = self.best_marker_ = None
        known = np.isfinite(held_out)
        if known.any():
            name = "rows held out"
            look = {"color": ACCENT, "linestyle": "--", "marker": ".", "label": name}
            (self.validation_line_,) = ax.plot(
                epoch[known], held_out[known], **{**look, **line_kw}
            )
            self._draw_best(ax, epoch, held_out)
        _focus(ax, training, held_out[known])
        ax.set_xlabel("epoch")
        ax.set_ylabel("bound, nats per row, as trained (higher is better)")
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.legend(loc="lower right", frameon=False)
        tidy(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw_best(self, ax, epoch, held_out):
        at = np.flatnonzero(epoch == self.best_epoch)
        if self.best_epoch is None or not np.isfinite(held_out[at]).all():
            return
        value = held_out[at[0]]
        (self.best_marker_,) = ax.plot(
            self.best_epoch,
            value,
            marker="*",
            markersize=15,
            color=ACCENT,
            markeredgecolor=INK,
            linestyle="none",
            zorder=4,
        )
        at_right = 2 * self.best_epoch > epoch[0] + epoch[-1]
        label = ax.annotate(
            f"kept: epoch {self.best_epoch}, {value:.4g}",
            (self.best_epoch, value),
            xytext=(-4 if at_right else 4, 12),
            textcoords="offset points",
            ha="right" if at_right else "left",
            color=INK,
            zorder=5,
        )
        outlined(label, width=3)


def _focus(ax, training, held_out):
    """Leave the first steep epochs below the frame: they would flatten the rest."""
    values = np.concatenate([training, held_out])
    values = values[np.isfinite(values)]
    if len(values) < 10:
        ax.margins(y=0.15)
        return
    best, usual = values.max(), np.quantile(values, 0.1)
    reach = best - usual
    if reach > 0 and best - values.min() > 2.0 * reach:
        note = "lower values lie outside the frame"
        ax.set_title(note, loc="right", fontsize="small", color=QUIET)
        ax.set_ylim(best - 1.6 * reach, best + 0.25 * reach)
    else:
        ax.margins(y=0.15)
