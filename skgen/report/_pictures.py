"""The report's pictures: displays drawn on figures of their own and saved as PNG."""

from ..display import MixtureDisplay, ScoreDisplay
from ..display._style import detached_figure

_RESOLUTION = 150


def save_pictures(analysis, folder):
    """Draw selection, components and scores of an analysis.

    Parameters
    ----------
    analysis : Analysis

    folder : pathlib.Path
        An existing directory.

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
        "scores.png": _scores(analysis),
    }
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


def _scores(analysis):
    figure, (ax,) = detached_figure(figsize=(8, 5))
    table = analysis.table
    ScoreDisplay.from_estimator(
        analysis.model,
        table.values,
        row_names=[f"{table.place} {line}" for line in table.lines],
        ax=ax,
    )
    ax.set_title(f"How usual is each row? {table.name}", pad=24)
    return figure
