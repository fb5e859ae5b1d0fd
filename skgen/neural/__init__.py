"""Networks, column likelihoods and seeded training: what torch-based models share.

The only room that knows torch's optimisers. No estimator is known here.
"""

from ._columns import CONSTANT, CONTINUOUS, FAMILIES, ColumnPlan, Columns
from ._device import (
    chosen_device,
    few_threads,
    generator_on,
    gradients,
    own_chance,
)
from ._flat import FlatParameters
from ._marginals import Marginals
from ._networks import ACTIVATIONS, Given, chance_of, initialise, network
from ._noise import normal_points
from ._state import arrays_of, load, rebuilt, started
from ._training import (
    DivergedError,
    History,
    TrainingPlan,
    check_finite,
    run_epoch,
    train,
)

__all__ = [
    "ACTIVATIONS",
    "CONSTANT",
    "CONTINUOUS",
    "FAMILIES",
    "ColumnPlan",
    "Columns",
    "DivergedError",
    "FlatParameters",
    "Given",
    "History",
    "Marginals",
    "TrainingPlan",
    "arrays_of",
    "chance_of",
    "check_finite",
    "chosen_device",
    "few_threads",
    "generator_on",
    "gradients",
    "initialise",
    "load",
    "network",
    "normal_points",
    "own_chance",
    "rebuilt",
    "run_epoch",
    "started",
    "train",
]
