"""What a fit learns of a table before it trains, and the rows that it learns from.

Nothing here changes an estimator: what was learnt becomes its attributes at the end.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..neural import ColumnPlan, Marginals
from ..tables import TableSchema
from ._conditions import Conditions
from ._evaluation import Rows
from ._model import builder_of

# What names and numbers the columns, if scikit-learn finds names.
SHAPE = ("n_features_in_", "feature_names_in_")


class Table(NamedTuple):
    """The rows that are learnt from.

    Parameters
    ----------
    codes : ndarray of shape (n_rows, n_columns)
        Cells in the units of the table; NaN where not observed.

    weights : ndarray of shape (n_rows,)
        Positive.

    conditions : ndarray of shape (n_rows, n_conditions) or None
        Inputs for y.
    """

    codes: np.ndarray
    weights: np.ndarray
    conditions: np.ndarray


@dataclass(frozen=True)
class Reading:
    """How rows are read, from the first fit on.

    Parameters
    ----------
    shape : dict
        ``n_features_in_`` and, where there are names, ``feature_names_in_``.

    schema : TableSchema
        What the columns are.

    likelihoods : list of str
        Family of each column.

    plan : ColumnPlan
        Maps of the columns to normal scores.

    conditions : Conditions or None
        How y is read.

    seed : int
        Of the noise in answers, and of the choice of rows held out.

    choices : dict
        What `choices_of` tells of the estimator by which the table was read.
    """

    shape: dict
    schema: TableSchema
    likelihoods: list
    plan: ColumnPlan
    conditions: Conditions
    seed: int
    choices: dict

    @classmethod
    def of(cls, estimator):
        """What a fitted estimator keeps of it."""
        kept = vars(estimator)
        state = kept["_conditions_state"]
        marginals = Marginals(**kept["_marginals_state"])
        return cls(
            shape={name: kept[name] for name in SHAPE if name in kept},
            schema=TableSchema.from_state(kept["_schema_state"]),
            likelihoods=kept["likelihoods_"],
            plan=ColumnPlan(marginals=marginals, **kept["_plan_state"]),
            conditions=None if state is None else Conditions.from_state(state),
            seed=kept["_noise_seed"],
            choices=kept["_choices"],
        )

    def attributes(self):
        """What an estimator keeps, by name: arrays and plain things."""
        plan = dict(vars(self.plan))
        marginals = plan.pop("marginals")
        conditions = self.conditions
        return {
            **self.shape,
            "likelihoods_": list(self.likelihoods),
            "_schema_state": self.schema.state(),
            "_marginals_state": dict(vars(marginals)),
            "_plan_state": plan,
            "_conditions_state": None if conditions is None else conditions.state(),
            "_noise_seed": self.seed,
            "_choices": self.choices,
        }

    def rows(self, codes):
        """Standardised rows."""
        return Rows(*self.plan.standardise(codes))

    def builder(self, architecture):
        """A function that makes the model."""
        n_conditions = 0 if self.conditions is None else self.conditions.n_inputs
        return builder_of(self.plan, n_conditions, architecture)

    def check_choices(self, choices):
        """Refuse to go on where parameters ask for another reading.

        Raises
        ------
        ValueError
            Where they do.
        """
        for name, value in choices.items():
            if value != self.choices[name]:
                raise ValueError(
                    f"{name} is {value!r} now, but was {self.choices[name]!r} when the "
                    "model was fitted first, which training would go on from: call fit "
                    "with warm_start=False."
                )


def choices_of(estimator):
    """The parameters that say how a table is read, as plain things."""
    return {
        "conditional": bool(estimator.conditional),
        "likelihood": _plain(estimator.likelihood),
        "categorical_features": _plain(estimator.categorical_features),
        "correlated": bool(estimator.correlated),
        "masking_fraction > 0": bool(estimator.masking_fraction > 0.0),
    }


def _plain(value):
    if isinstance(value, Mapping):
        return dict(value)
    return value if value is None or isinstance(value, str) else list(value)
