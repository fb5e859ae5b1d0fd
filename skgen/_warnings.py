"""Warnings that point at the user's line, however deep they arise."""

import sys
import warnings

# What stands between: skgen, the decorator of `fit`, pipelines, context managers.
_BETWEEN = {"skgen", "sklearn", "contextlib", "joblib", "torch"}


def warn_user(message, category):
    """Warn at the innermost line that is neither skgen's nor scikit-learn's.

    Parameters
    ----------
    message : str
        The message.

    category : type
        Class of the warning.
    """
    frame, level = sys._getframe(1), 2  # the caller's, as warnings.warn counts
    while frame.f_back is not None and _is_between(frame):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _is_between(frame):
    return frame.f_globals.get("__name__", "").partition(".")[0] in _BETWEEN
