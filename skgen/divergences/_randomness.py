"""Generators from whatever a caller gives; none of them is the global one."""

from numbers import Integral

import numpy as np

LARGEST_SEED = np.iinfo(np.int32).max


def seed_of(random_state):
    """A seed that is the same for the same integer, and fresh for None.

    A generator that is given moves on by one draw, so that it gives other seeds to
    the next who asks.
    """
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(LARGEST_SEED))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(LARGEST_SEED))
    if random_state is None:
        return None  # NumPy then asks the operating system
    if isinstance(random_state, Integral) and 0 <= random_state < 2**32:
        return int(random_state)
    raise ValueError(
        "random_state must be None, an integer from 0 to 2**32 - 1, a RandomState or "
        f"a Generator; got {random_state!r}."
    )


def random_state_of(random_state):
    """The RandomState that is given, or one of its own."""
    if isinstance(random_state, np.random.RandomState):
        return random_state
    return np.random.RandomState(seed_of(random_state))
