"""The report's pictures: displays drawn on figures of their own and saved as PNG."""

import numpy as np

from ..display import (
    LatentDisplay,
    MixtureDisplay,
    ScoreDisplay,
    SurpriseDisplay,
    TrainingDisplay,
)
from ..display._style import ACCENT, COLOURS, detached_figure, n_bins, tidy
from ..display._surprise import MOST_COLUMNS, figure_size

_RESOLUTION = 150


# Columns that a grid of pairs has room for.
_MOST_PAIRED = 4


def save_pictures(analysis, folder, opinion=None, strange=None):
    """Draw selection, components and scores of an analysis.

    Parameters
    ----------
    analysis : Analysis

    folder : pathlib.Path
        An existing directory.

    opinion : SecondOpinion, default=None
        That of a variational autoencoder, whose latent map and synthetic rows are
        drawn as well.

    strange : StrangeRows, default=None
        Rows judged by a detector: its scores are drawn in place of the mixture's
        log-densities, and the surprises of the strangest.

    Returns
    -------
    paths : list of pathlib.Path
        The PNG files.

    Raises
    ------
    ImportError
        When matplotlib is missing.
    """
    figures = {
        "selection.png": _selection(analysis),
        "components.png": _components(analysis),
        "scores.png": _scores(analysis, strange),
    }
    if strange is not None and strange.refusal is None:
        figures["surprise.png"] = _surprise(analysis, strange)
    if opinion is not None and opinion.refusal is None:
        figures["latent.png"] = _latent(analysis, opinion)
        figures["synthetic.png"] = _synthetic(analysis, opinion)
    paths = []
    for name, figure in figures.items():
        figure.savefig(folder / name, dpi=_RESOLUTION)
        paths.append(folder / name)
    return paths


def _selection(analysis):
    figure, (left, right) = detached_figure(2, figsize=(12, 5))
    analysis.held_out.plot(ax=left)
    analysis.bic.plot(ax=right)
    left.set_title("By held-out log-likelihood", loc="left")
    right.set_title("By BIC", loc="left")
    figure.suptitle(f"How many components? {analysis.table.name}")
    return figure


def _components(analysis):
    figure, (ax,) = detached_figure(figsize=(8, 6))
    table = analysis.table
    MixtureDisplay.from_estimator(
        analysis.model, table.values, feature_names=table.columns, ax=ax
    )
    mixture = analysis.model[-1]
    ax.set_title(
        f"{table.name}: {mixture.n_components} components, "
        f"{mixture.covariance_type} covariance"
    )
    return figure


def _scores(analysis, strange):
    figure, (ax,) = detached_figure(figsize=(8, 5))
    table = analysis.table
    names = [f"{table.place} {line}" for line in table.lines]
    if strange is None or strange.refusal is not None:
        ScoreDisplay.from_estimator(
            analysis.model, table.values, row_names=names, ax=ax
        )
    else:
        ScoreDisplay(
            scores=strange.scores,
            row_names=names,
            score_name="score of a row by detectors fitted without it, nats",
        ).plot(ax=ax)
    ax.set_title(f"How usual is each row? {table.name}", pad=24)
    return figure


def _surprise(analysis, strange):
    """The strangest rows by their columns."""
    table, rows = analysis.table, strange.rows
    n_shown = np.clip(len(table.columns), 6, MOST_COLUMNS)
    figure, (ax,) = detached_figure(figsize=figure_size(len(rows), n_shown))
    display = SurpriseDisplay(
        surprises=strange.surprises,
        scores=strange.below_median,
        row_names=table.lines[rows],
        column_names=table.columns,
    ).plot(ax=ax)
    display.score_axis_.set_ylabel("nats below the table's median")
    ax.set_ylabel(table.place)
    ax.set_title(f"What makes rows strange?\n{table.name}", loc="left")
    return figure


def _latent(analysis, opinion):
    """Latent map by known classes, or by components, beside the training."""
    figure, (left, right) = detached_figure(2, figsize=(13, 5.5))
    table = analysis.table
    values = table.values[opinion.rows]
    if table.labels is None:
        labels, label_name = analysis.model.predict(values), "component"
    else:
        labels, label_name = np.asarray(table.labels)[opinion.rows], "class"
        labels = labels.astype(str)
    LatentDisplay.from_estimator(
        opinion.model, values, labels=labels, label_name=label_name, ax=left
    )
    TrainingDisplay.from_estimator(opinion.model, ax=right)
    left.set_title("Where rows lie in the latent space", loc="left")
    right.set_title("Training", loc="left")
    figure.suptitle(f"Variational autoencoder of {table.name}")
    return figure


def _synthetic(analysis, opinion):
    """Real rows below the diagonal, synthetic ones above, marginals of both on it."""
    table, shown = analysis.table, min(_MOST_PAIRED, len(analysis.table.columns))
    real, synthetic = table.values[opinion.rows], opinion.synthetic
    real = real[np.linspace(0, len(real) - 1, len(synthetic)).astype(int)]
    side = 1.5 + 2.4 * shown
    figure, _ = detached_figure(figsize=(side, side))
    figure.clear()
    axes = figure.subplots(shown, shown, squeeze=False, sharex="col")
    for i, row in enumerate(axes):
        for j, ax in enumerate(row):
            tidy(ax)
            if i == j:
                _marginals(ax, real[:, j], synthetic[:, j])
            else:
                rows, colour = (real, COLOURS[0]) if i > j else (synthetic, ACCENT)
                ax.scatter(rows[:, j], rows[:, i], s=6, color=colour, alpha=0.4, lw=0)
                ax.set_ylim(*_range(real[:, i]))
            ax.set_xlim(*_range(real[:, j]))
            ax.tick_params(labelsize="x-small")
            if i == shown - 1:
                ax.set_xlabel(table.columns[j], fontsize="small")
            if j == 0:
                ax.set_ylabel(table.columns[i] if i else "density", fontsize="small")
    handles = axes[0, 0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=2, frameon=False)
    which = "" if shown == len(table.columns) else f", first {shown} columns"
    figure.suptitle(f"Real and synthetic rows of {table.name}{which}")
    return figure


def _marginals(ax, real, synthetic):
    low, high = _range(real)
    edges = np.linspace(low, high, min(n_bins(real), 30) + 1)
    real_label = "real rows (below the diagonal)"
    synthetic_label = "synthetic rows (above it)"
    shares = _shares(real, edges)
    ax.stairs(shares, edges, fill=True, color=COLOURS[0], alpha=0.4, label=real_label)
    shares = _shares(synthetic, edges)
    ax.stairs(shares, edges, color=ACCENT, linewidth=1.6, label=synthetic_label)
    ax.set_yticks([])


def _shares(values, edges):
    """Share of all values, per unit, in each bin; those outside have a share too."""
    return np.histogram(values, edges)[0] / (len(values) * np.diff(edges))


def _range(values):
    """Where the real values lie, with a margin."""
    low, high = values.min(), values.max()
    margin = 0.08 * (high - low)
    return low - margin, high + margin
