"""Pictures of fitted models, in scikit-learn's ``*Display.from_estimator`` manner.

matplotlib is imported here alone, and only when something is drawn: a display can
be computed, stored and pickled without it (``pip install "skgen[plot]"`` brings it).
"""

from ._drift import DriftDisplay
from ._latent import LatentDisplay
from ._mixture import MixtureDisplay
from ._score import ScoreDisplay
from ._selection import MixtureSelectionDisplay
from ._surprise import SurpriseDisplay
from ._training import TrainingDisplay

__all__ = [
    "DriftDisplay",
    "LatentDisplay",
    "MixtureDisplay",
    "MixtureSelectionDisplay",
    "ScoreDisplay",
    "SurpriseDisplay",
    "TrainingDisplay",
]
