"""Closed forms that users bring for classes of their own."""

import numpy as np

_REGISTERED = {}


def register_kl(P, Q):
    r"""Decorator that registers a closed form of D(p ‖ q) for two classes.

    Functions of :mod:`skgen.divergences` that rest on the Kullback-Leibler
    divergence look here first. As with
    :func:`torch.distributions.kl.register_kl`, the most derived match wins, that of
    `P` before that of `Q`.

    Parameters
    ----------
    P : type
        Class of p. For a frozen distribution of scipy it is the class behind it,
        for example ``type(scipy.stats.norm)``.

    Q : type
        Class of q.

    Returns
    -------
    decorator : callable
        Takes a function of (p, q) that returns the divergence in nats, a float or
        an array for a batch, and returns that function.

    Raises
    ------
    TypeError
        Where P or Q is not a class.

    See Also
    --------
    kl_divergence : What looks here.

    Examples
    --------
    >>> import math
    >>> from skgen.divergences import kl_divergence, register_kl
    >>> class Coin:
    ...     def __init__(self, heads):
    ...         self.heads = heads
    >>> @register_kl(Coin, Coin)
    ... def _(p, q):
    ...     a, b = p.heads, q.heads
    ...     return a * math.log(a / b) + (1 - a) * math.log((1 - a) / (1 - b))
    >>> round(kl_divergence(Coin(0.5), Coin(0.25)), 6)
    0.143841
    """
    for name, given in (("P", P), ("Q", Q)):
        if not isinstance(given, type):
            raise TypeError(
                f"{name} must be a class; got {given!r}. For a frozen distribution of "
                "scipy give type(frozen.dist)."
            )

    def decorator(function):
        _REGISTERED[P, Q] = function
        return function

    return decorator


def registered_kl(p, q):
    """The registered closed form of a pair, evaluated; None where there is none."""
    if not _REGISTERED:
        return None
    for cls_p in _classes(p):
        for cls_q in _classes(q):
            function = _REGISTERED.get((cls_p, cls_q))
            if function is not None:
                return _checked(function, p, q)
    return None


def _checked(function, p, q):
    value = np.asarray(function(p, q), dtype=np.float64)
    if np.isnan(value).any() or (value < 0.0).any():
        raise ValueError(
            f"The closed form registered for {type(p).__name__} and "
            f"{type(q).__name__} returned {value}; a Kullback-Leibler divergence is "
            "a number of at least 0."
        )
    return value


def _classes(distribution):
    """Classes of a distribution, the most derived first."""
    behind = getattr(distribution, "dist", None)
    own = type(distribution).__mro__
    if behind is None or not own[0].__module__.startswith("scipy.stats"):
        return own
    return (*type(behind).__mro__[:-1], *own)
