"""What an answer looks like: a number, or a number with its error.

Everything in this room computes in nats and hands over an `Estimate`; the public
functions turn it into what the caller asked for with `answer`.
"""

from dataclasses import dataclass
from numbers import Real

import numpy as np
from scipy.special import stdtrit


@dataclass(frozen=True)
class DivergenceResult:
    """A divergence and how sure it is.

    The functions of :mod:`skgen.divergences` return it where `confidence_level` is
    given. For batches every number is an array of the batch's shape.

    Parameters
    ----------
    value : float or ndarray
        The divergence, in nats or in the units of `base`.

    standard_error : float or ndarray
        Standard error of `value`: 0 where it is exact, and for quadrature the
        estimated error.

    confidence_interval : tuple of (low, high)
        Interval at the confidence level asked for, cut to what the divergence can
        be: a Kullback-Leibler divergence is not negative.

    method : str
        How it was computed.

    exact : bool
        Whether it is a closed form, accurate to rounding.
    """

    value: float
    standard_error: float
    confidence_interval: tuple
    method: str
    exact: bool


@dataclass(frozen=True)
class Estimate:
    """A quantity in nats, as computed.

    Parameters
    ----------
    value : float or ndarray
        The quantity.

    method : str
        How it was computed.

    standard_error : float or ndarray, default=0.0
        Its standard error.

    exact : bool, default=False
        Whether it is a closed form.

    degrees_of_freedom : float, default=inf
        Those of the standard error; Student's t makes intervals of it.

    interval : callable or None, default=None
        From a confidence level the pair (low, high), where the interval is not
        the symmetric one that the standard error gives.
    """

    value: float
    method: str
    standard_error: float = 0.0
    exact: bool = False
    degrees_of_freedom: float = np.inf
    interval: object = None

    def confidence_interval(self, confidence_level):
        """The pair (low, high), in nats."""
        if self.interval is not None:
            return self.interval(confidence_level)
        # an infinite value is infinitely sure: ∞ − 0 and ∞ + 0
        reach = stdtrit(self.degrees_of_freedom, 0.5 + 0.5 * confidence_level)
        width = np.where(np.isfinite(self.value), reach * self.standard_error, 0.0)
        return self.value - width, self.value + width


def answer(estimate, *, base, confidence_level, lowest=0.0, highest=np.inf):
    """What a public function returns.

    Parameters
    ----------
    estimate : Estimate
        What was computed, in nats.

    base : float or None
        Base of the logarithm that the caller wants; None is nats.

    confidence_level : float or None
        None asks for the bare value.

    lowest, highest : float, default=0.0, inf
        What the quantity cannot leave, in nats; rounding and noise may.

    Returns
    -------
    answer : float, ndarray or DivergenceResult
        The value, or all there is to say of it.
    """
    unit = 1.0 if base is None else np.log(base)

    def told(quantity):
        array = np.asarray(quantity, dtype=np.float64) / unit
        return float(array) if array.ndim == 0 else array

    def inside(quantity):
        return told(np.clip(quantity, lowest, highest))

    if confidence_level is None:
        return inside(estimate.value)
    low, high = _kept_wide(
        estimate.value,
        estimate.confidence_interval(confidence_level),
        lowest,
        highest,
    )
    return DivergenceResult(
        value=inside(estimate.value),
        standard_error=told(
            np.broadcast_to(estimate.standard_error, np.shape(estimate.value))
        ),
        confidence_interval=(inside(low), inside(high)),
        method=estimate.method,
        exact=estimate.exact,
    )


def _kept_wide(value, interval, lowest, highest):
    """An interval that still has its half width inside after cutting.

    Noise may carry a value out of what the quantity can be, and its interval too.
    Cut alone, it would shrink to a point, as if there were no doubt.
    """
    low, high = (np.asarray(end, dtype=np.float64) for end in interval)
    with np.errstate(invalid="ignore"):  # infinite values have no width
        reach = 0.5 * (high - low)
        low_at_most, high_at_least = highest - reach, lowest + reach
    low = np.where(value > highest, np.fmin(low, low_at_most), low)
    high = np.where(value < lowest, np.fmax(high, high_at_least), high)
    return low, high


def check_base(base):
    """Raise unless a base can be one of logarithms greater than nought."""
    if base is None:
        return
    if not isinstance(base, Real) or not 0.0 < base < np.inf or base == 1.0:
        raise ValueError(
            f"base must be a positive number other than 1, or None for nats; got "
            f"{base!r}. Use 2 for bits, 10 for bans."
        )
    if base < 1.0:
        raise ValueError(
            f"base must be above 1, or divergences would turn negative; got {base!r}."
        )


def check_confidence_level(confidence_level):
    """Raise unless a confidence level is one."""
    if confidence_level is None:
        return
    if not isinstance(confidence_level, Real) or not 0.0 < confidence_level < 1.0:
        raise ValueError(
            "confidence_level must lie strictly between 0 and 1, or be None for the "
            f"value alone; got {confidence_level!r}."
        )
