"""Small words and numbers that the sections of the report share."""

from textwrap import wrap

import numpy as np

WIDTH = 88


def counted(count, noun):
    """A count with its noun, in the plural where there are several."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def number(value, resolution):
    """A number to about `resolution`, written out unless it is very long."""
    decimals = max(0, int(np.ceil(-np.log10(resolution))))
    if decimals > 7 or abs(value) >= 1e9:
        return f"{value:.4g}"
    return f"{value:.{decimals}f}"


def beside(head, items):
    """Lines of `items`, one each, the first behind `head`, the others under it."""
    return [f"{head if i == 0 else ' ' * len(head)}{it}" for i, it in enumerate(items)]


def standard_error(scores):
    """Standard error of the mean of scores."""
    return np.std(scores, ddof=1) / np.sqrt(len(scores))


def wrapped(text, first="", later=None):
    """Lines of `text`, the first behind `first`, the others behind `later`."""
    if not text:
        return []
    return wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=first if later is None else later,
        break_long_words=False,
        break_on_hyphens=False,
    )
