"""Imputation: a generative model as a step that fills the holes of a table.

What lives here knows only that a model has ``fit`` and ``impute``, and which to take
by default; how holes are filled is the model's own.
"""

from ._generative_imputer import GenerativeImputer

__all__ = ["GenerativeImputer"]
