"""Expectation-maximisation: sums over blocks of rows, the loop, its acceleration.

What lives here knows no model. A model brings two functions, ``evaluate``
(parameters to statistics, one pass over the data) and ``maximisation``
(statistics to parameters), and statistics that form a vector space.
"""

from ._loop import EMPoint, EMRun, run_em
from ._workers import Workers

__all__ = ["EMPoint", "EMRun", "Workers", "run_em"]
