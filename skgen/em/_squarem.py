"""SQUAREM, applied to summed sufficient statistics."""


def extrapolate(first, second, third):
    r"""Leap along three consecutive EM iterates.

    With :math:`r = s_1 - s_0` and :math:`v = (s_2 - s_1) - r`, returns
    :math:`s_0 - 2 a r + a^2 v` for the step length
    :math:`a = -\max(1, \lVert r \rVert / \lVert v \rVert)`, scheme S3 of [1]_.
    The paper moves parameters; moving statistics instead serves every model
    whose M-step reads them, and keeps second moments close to definite.

    Parameters
    ----------
    first, second, third : statistics
        Consecutive iterates: vectors with ``+``, ``-``, multiplication by a
        float, and ``norm()``.

    Returns
    -------
    leap : statistics or None
        None where the iterates do not move, or do not bend: nothing to gain.

    References
    ----------
    .. [1] Varadhan, R. and Roland, C. (2008). "Simple and globally convergent
       methods for accelerating the convergence of any EM algorithm".
       Scandinavian Journal of Statistics 35(2).
       :doi:`10.1111/j.1467-9469.2007.00585.x`
    """
    r = second - first
    v = (third - second) - r
    step, bend = r.norm(), v.norm()
    if bend == 0.0 or step <= bend:
        return None
    length = -step / bend
    return first + r * (-2.0 * length) + v * length**2


def remaining_gain(first, second, third):
    r"""Estimate how much likelihood EM has still to gain after ``third``.

    The last gain, times :math:`\max(1, \lVert r \rVert / \lVert v \rVert)`, which is
    :math:`1 / (1 - \rho)` for steps that shrink by a factor :math:`\rho`.

    Parameters
    ----------
    first, second, third : EMPoint
        Consecutive EM iterates.

    Returns
    -------
    gain : float
        In the unit of the points' ``bound``.
    """
    r = second.statistics - first.statistics
    v = (third.statistics - second.statistics) - r
    step, bend = r.norm(), v.norm()
    gain = max(third.bound - second.bound, 0.0)
    return gain * (max(1.0, step / bend) if bend > 0.0 else 1.0)
