"""How pictures look: colours, markers and line styles; the one door to matplotlib.

The colours are Okabe and Ito's, which colour-blind readers tell apart; a marker or
a line style always varies with the colour, so that grey print can be read as well.
"""

from itertools import cycle, islice

import numpy as np

INK = "#222222"
QUIET = "#8c8c8c"
PALE = "#c9ced6"
ACCENT = "#D55E00"

# Yellow is left out (too pale on white); black is kept for totals.
COLOURS = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#D55E00",
    "#56B4E9",
    "#7A5195",
)
# Eight markers against seven colours: pairs repeat only after 56 components.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")
LINE_STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)))


def distinct_styles(n_styles):
    """Colour, marker and line style of each of `n_styles` things to tell apart."""
    together = zip(cycle(COLOURS), cycle(MARKERS), cycle(LINE_STYLES))
    return list(islice(together, n_styles))


def axes_to_draw_on(ax, caller, figsize=(6.4, 4.8)):
    """Return `ax`, or the axes of a new figure when it is None."""
    check_matplotlib(caller)
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=figsize, layout="constrained")[1]


def detached_figure(n_axes=1, figsize=(7.0, 5.0)):
    """Return a figure that no window knows of, with its axes in a row."""
    check_matplotlib("detached_figure")
    from matplotlib.figure import Figure

    figure = Figure(figsize=figsize, layout="constrained")
    return figure, figure.subplots(1, n_axes, squeeze=False)[0]


def check_matplotlib(caller):
    """Raise an ImportError that names the remedy when matplotlib is missing."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"{caller} draws with matplotlib, which is not installed: "
            'pip install "skgen[plot]"'
        ) from error


def n_bins(values):
    """Bins of a histogram: Freedman and Diaconis' width, between 20 and 80 bins.

    Counted before an edge is made: one far value would ask NumPy's own rule for
    more edges than memory holds.
    """
    width = 2 * np.subtract(*np.quantile(values, [0.75, 0.25])) / np.cbrt(len(values))
    by_width = np.ptp(values) / width if width > 0 else 0
    return int(np.clip(np.ceil(by_width), 20, 80))


def tidy(ax):
    """Take away what carries no data: the upper and right frame."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(True, color="#ececec", linewidth=0.8)
    ax.set_axisbelow(True)


def outlined(text, colour="white", width=2.0):
    """Give `text` an outline, so that it reads on top of points."""
    from matplotlib import patheffects

    text.set_path_effects([patheffects.withStroke(linewidth=width, foreground=colour)])
    return text


def compact(value):
    """A number of nats with one decimal, or few digits where it is huge."""
    return f"{value:.1f}" if abs(value) < 99999.95 else f"{value:.1e}"
