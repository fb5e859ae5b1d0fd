"""The report in words: what was read, what was chosen, what was found."""

import numpy as np
from sklearn.metrics import adjusted_rand_score
from sklearn.metrics.cluster import contingency_matrix

from ._autoencoder_text import autoencoder_lines
from ._description import describe_components, n_parameters
from ._strange_rows_text import strange_lines
from ._words import beside, counted, number, standard_error, wrapped


def report_text(analysis, opinion=None, strange=None):
    """Write an analysis as plain text.

    Parameters
    ----------
    analysis : Analysis

    opinion : SecondOpinion, default=None
        That of a variational autoencoder; None leaves its section out.

    strange : StrangeRows, default=None
        The strangest rows; None leaves their section out.

    Returns
    -------
    text : str
        Paragraphs of at most 88 columns, where names allow.
    """
    sections = [
        ("Data", _data(analysis)),
        ("Chosen mixture", _choice(analysis)),
        ("Components", _components(analysis)),
        ("Strangest rows", strange_lines(analysis, strange)),
        ("Variational autoencoder", autoencoder_lines(analysis, opinion)),
        ("BIC", _criterion_table(analysis.bic, "less is better")),
        (
            "Held-out log-likelihood",
            _criterion_table(analysis.held_out, "nats per row, more is better"),
        ),
        ("Warnings", _warnings(analysis)),
    ]
    title = f"skgen: a Gaussian mixture of {analysis.table.name}"
    parts = [f"{title}\n{'=' * len(title)}"]
    parts += [
        f"{heading}\n{'-' * len(heading)}\n" + "\n".join(lines)
        for heading, lines in sections
        if lines
    ]
    return "\n\n".join(parts) + "\n"


def _data(analysis):
    table = analysis.table
    n_rows, n_columns = table.values.shape
    lines = [f"{counted(n_rows, 'row')}, {counted(n_columns, 'numeric column')}:"]
    lines += wrapped(", ".join(table.columns), "  ")
    if table.omitted:
        lines.append(f"Left out, {counted(len(table.omitted), 'column')}:")
    for reason in dict.fromkeys(table.omitted.values()):
        columns = [name for name, why in table.omitted.items() if why == reason]
        lines += wrapped(f"{', '.join(columns)}: {reason}", "  ", "    ")
    if table.n_incomplete:
        rows = counted(table.n_incomplete, "row")
        lines.append(f"Left out, {rows} of {table.n_rows_read:,}: a value is missing.")
    for note in table.notes:
        lines += wrapped(f"Note: {note}.", "", "  ")
    return lines


def _choice(analysis):
    held_out, bic = analysis.held_out, analysis.bic
    chosen = (held_out.best_covariance_type_, held_out.best_n_components_)
    scores = analysis.fold_scores[chosen]
    error = standard_error(scores)
    lines = [f"{_named(*chosen)}."]
    lines += wrapped(
        f"Held-out log-likelihood {scores.mean():.3f} ± {error:.3f} nats per row (mean "
        f"and standard error over {len(scores)} folds), the best of "
        f"{len(analysis.fold_scores)} mixtures; columns standardised. "
        f"{_against_one_gaussian(analysis)}"
    )
    lines += wrapped(_subsample(analysis))
    lines += wrapped(_edge(analysis))
    lines += wrapped(_agreement(analysis, chosen, bic))
    lines += wrapped(_equals(analysis, chosen, error))
    lines += wrapped(_held_up(analysis))
    lines += wrapped(_units(analysis))
    return lines


def _against_one_gaussian(analysis):
    scores = analysis.fold_scores[("full", 1)]
    if not np.isfinite(scores).all() or analysis.held_out.best_n_components_ == 1:
        return ""
    return f"A single Gaussian reaches {scores.mean():.3f}."


def _subsample(analysis):
    n_rows = len(analysis.table.values)
    if analysis.n_rows_searched == n_rows:
        return ""
    return (
        f"The mixtures were compared on {analysis.n_rows_searched:,} rows drawn at "
        f"random (seed {analysis.seed}); the chosen one was then fitted to all "
        f"{n_rows:,}."
    )


def _agreement(analysis, chosen, bic):
    """Say whether BIC chooses the same, and what following it would cost."""
    preferred = (bic.best_covariance_type_, bic.best_n_components_)
    if preferred == chosen:
        return f"BIC chooses the same mixture ({bic.best_value_:,.1f})."
    row = list(bic.covariance_types).index(chosen[0])
    column = list(bic.n_components).index(chosen[1])
    cost = analysis.fold_scores[chosen] - analysis.fold_scores[preferred]
    return (
        f"BIC disagrees: it prefers {_named(*preferred)}, with {bic.best_value_:,.1f} "
        f"against {bic.values[row, column]:,.1f}. {_price(cost)}"
    )


def _price(cost):
    if np.isnan(cost).any():
        return "That mixture could not be fitted on every fold."
    return (
        f"On held-out rows that mixture is worse by {cost.mean():.3f} ± "
        f"{standard_error(cost):.3f} nats per row."
    )


def _equals(analysis, chosen, error):
    """Name the smallest of the mixtures that the folds can hardly tell apart."""
    best = analysis.fold_scores[chosen].mean()
    n_columns = analysis.table.values.shape[1]
    near = [
        candidate
        for candidate, scores in analysis.fold_scores.items()
        if scores.mean() >= best - error and candidate != chosen
    ]
    if not near:
        return "No other mixture comes within one standard error of it."
    come = "comes" if len(near) == 1 else "come"
    text = f"{counted(len(near), 'other')} {come} within one standard error of it"
    smallest = min([*near, chosen], key=lambda it: n_parameters(*it, n_columns))
    if smallest == chosen:
        return f"{text}; the chosen one has the fewest parameters."
    return (
        f"{text}; the smallest has {_named(*smallest)}: "
        f"{n_parameters(*smallest, n_columns):,} parameters against "
        f"{n_parameters(*chosen, n_columns):,}."
    )


def _held_up(analysis):
    """Say so when regularisation, not the data, sets part of the likelihood."""
    collapsed = [words for words in analysis.chosen_warned if "collapsed" in words]
    if not collapsed:
        return ""
    return (
        f"In this mixture: {collapsed[0].split('. ')[0]}. So the regularisation sets "
        "part of its likelihood, and other mixtures may describe the rows as well: "
        "columns of repeated values do this."
    )


def _edge(analysis):
    """Say so when the search ended at the largest number it tried."""
    held_out = analysis.held_out
    largest = int(max(held_out.n_components))
    if held_out.best_n_components_ < largest:
        return ""
    return f"{largest} is the largest number of components tried: more may do better."


def _units(analysis):
    shift = np.log(analysis.model[0].scale_).sum()
    sign = "subtract" if shift >= 0 else "add"
    return (
        f"All numbers here are of standardised columns; in the units of the table, "
        f"{sign} {abs(shift):.3f} {'from' if shift >= 0 else 'to'} each log-density."
    )


def _components(analysis):
    table = analysis.table
    components = describe_components(analysis.model, table.values)
    lines = wrapped(
        "Where each one's mean lies farthest from the whole table's, in standard "
        "deviations (sd) of the whole:"
    )
    lines.append("  no.  weight    rows  mean")
    for position, component in enumerate(components):
        head = f"{position:5d} {100 * component.weight:6.1f} % {component.n_rows:6d}  "
        scale = analysis.model[0].scale_
        lines += beside(head, _differences(component, table.columns, scale))
    certain = analysis.model.predict_proba(table.values).max(axis=1)
    between = int((certain < 0.9).sum())
    if len(components) > 1:
        lines += wrapped(
            f"{counted(between, 'row')} of {len(certain):,} "
            f"{'lies' if between == 1 else 'lie'} between components (no "
            "responsibility above 0.9)."
        )
    return lines + _known_classes(analysis)


def _differences(component, columns, scale, at_most=3, at_least=0.5):
    order = np.argsort(-np.abs(component.deviations), kind="stable")[:at_most]
    told = [j for j in order if abs(component.deviations[j]) >= at_least]
    if not told:
        return ["close to the whole in every column"]
    return [
        f"{columns[j]} {number(component.means[j], scale[j] / 50)} "
        f"({component.deviations[j]:+.1f} sd)"
        for j in told
    ]


def _known_classes(analysis):
    """Components against classes that the model never saw, where they are known."""
    labels = analysis.table.labels
    if labels is None:
        return []
    predicted = analysis.model.predict(analysis.table.values)
    names, found = np.unique(labels), np.unique(predicted)
    counts = contingency_matrix(labels, predicted).T
    width = max(len(name) for name in names) + 2
    agreement = adjusted_rand_score(labels, predicted)
    lines = [
        "",
        "Against the known classes, which no fit has seen (adjusted Rand index "
        f"{agreement:.2f}):",
    ]
    lines.append("  no." + "".join(f"{name:>{width}}" for name in names))
    lines += [
        f"{number:5d}" + "".join(f"{count:{width}d}" for count in row)
        for number, row in zip(found, counts)
    ]
    return lines


def _criterion_table(display, meaning):
    """Covariance types against numbers of components; the best has a star."""
    best = (display.best_covariance_type_, display.best_n_components_)
    digits = 0 if display.lower_is_better else 3
    rows = []
    for name, values in zip(display.covariance_types, display.values):
        cells = [
            _cell(value, digits, (name, size) == best)
            for size, value in zip(display.n_components, values)
        ]
        rows.append((name, cells))
    width = 1 + max(len(cell) for _, cells in rows for cell in cells)
    head = "".join(f"{size:>{width - 1}d} " for size in display.n_components)
    lines = [f"{meaning}; * marks the best; components across.", f"{'':11}{head}"]
    lines += [
        f"  {name:9}" + "".join(f"{cell:>{width}}" for cell in cells)
        for name, cells in rows
    ]
    return [line.rstrip() for line in lines]


def _cell(value, digits, is_best):
    text = "failed" if np.isnan(value) else f"{value:.{digits}f}"
    return text + ("*" if is_best else " ")


def _warnings(analysis):
    lines = []
    for (kind, words), count in analysis.warned.items():
        times = "once" if count == 1 else f"{count:,} times, first"
        lines += wrapped(f"{kind}, {times}: {words[:200]}", "", "  ")
    return lines


def _named(covariance_type, n_components):
    return f"{counted(n_components, 'component')}, {covariance_type} covariance"
