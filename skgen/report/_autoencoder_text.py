"""The section of the report on the variational autoencoder, in words."""

import numpy as np

from ._words import WIDTH, counted, number, standard_error, wrapped

_N_ROWS_SHOWN = 3


def autoencoder_lines(analysis, opinion):
    """Lines of the section; none without an opinion.

    Parameters
    ----------
    analysis : Analysis

    opinion : SecondOpinion or None

    Returns
    -------
    lines : list of str
    """
    if opinion is None:
        return []
    if opinion.refusal is not None:
        return wrapped(opinion.refusal)
    lines = wrapped(_held_out(opinion))
    lines += wrapped(_activity(opinion))
    lines += ["", *wrapped("Rows drawn from it, under real ones:")]
    return lines + _rows_side_by_side(analysis, opinion)


def _held_out(opinion):
    difference = opinion.scores - opinion.mixture_scores
    better = "more" if difference.mean() >= 0 else "less"
    return (
        f"Trained for a short while on {counted(opinion.n_rows_learnt, 'row')}; "
        f"{counted(len(difference), 'other')} were held out. On those its log-density "
        f"(a lower bound) is {opinion.scores.mean():.3f} nats per row, and that of the "
        f"chosen kind of mixture, fitted to the same rows, "
        f"{opinion.mixture_scores.mean():.3f}: "
        f"{abs(difference.mean()):.3f} ± {standard_error(difference):.3f} {better}. "
        f"{_verdict(difference)}"
    )


def _verdict(difference):
    if abs(difference.mean()) < 2 * standard_error(difference):
        return "These rows do not tell which of the two is better."
    if difference.mean() > 0:
        return "Something in the table is not Gaussian, or curved."
    return "The mixture describes the table better; longer training may help the other."


def _activity(opinion):
    model = opinion.model
    if model.active_units_ == 0:
        return (
            f"None of its {model.n_components} latent dimensions tells rows apart: it "
            "needs nothing but margins and linear relations of the columns, and its "
            "latent map means nothing."
        )
    return (
        f"{model.active_units_} of its {model.n_components} latent dimensions "
        f"{'tells' if model.active_units_ == 1 else 'tell'} rows apart; the map shows "
        "the busiest."
    )


def _rows_side_by_side(analysis, opinion):
    """A few real and a few synthetic rows, of the columns that the width holds."""
    table = analysis.table
    spread = table.values.std(axis=0)
    resolution = np.where(spread > 0, spread, 1.0) / 100
    real = table.values[opinion.rows]
    chosen = np.linspace(0, len(real) - 1, _N_ROWS_SHOWN + 2).astype(int)[1:-1]
    blocks = [("real", real[chosen]), ("synthetic", opinion.synthetic[:_N_ROWS_SHOWN])]
    names = [name if len(name) <= 16 else f"{name[:15]}…" for name in table.columns]
    columns, room = [], WIDTH - 11
    for j, name in enumerate(names):
        cells = [
            number(value, step)
            for _, rows in blocks
            for value, step in zip(rows[:, j], [resolution[j]] * len(rows))
        ]
        width = 2 + max(map(len, [name, *cells]))
        if columns and width > room:
            break
        room -= width
        columns.append([f"{cell:>{width}}" for cell in [name, *cells]])
    heads = ["", *(head for head, rows in blocks for _ in rows)]
    lines = [f"  {head:9}" + "".join(cells) for head, *cells in zip(heads, *columns)]
    if len(columns) < len(names):
        left_out = counted(len(names) - len(columns), "further column")
        lines.append(f"  ({left_out} not shown)")
    return lines
