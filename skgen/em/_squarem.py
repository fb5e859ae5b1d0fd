"""SQUAREM, applied to summed sufficient statistics."""


def stretch(step, bend):
    r"""How much further EM has to go than it went: :math:`\max(1, \|r\| / \|v\|)`.

    For steps that shrink by a factor :math:`\rho` this is
    :math:`1 / (1 - \rho)`, the ratio of the whole way to the first step.

    Parameters
    ----------
    step : statistics
        How far an EM step moved the statistics.

    bend : statistics
        How far the next step differed from it.

    Returns
    -------
    stretch : float
        At least 1.
    """
    bent = bend.norm()
    return max(1.0, step.norm() / bent) if bent > 0.0 else 1.0


def extrapolate(first, step, bend):
    r"""Leap along three consecutive EM iterates.

    Returns :math:`s_0 - 2 a r + a^2 v` with the step length
    :math:`a = -\max(1, \lVert r \rVert / \lVert v \rVert)`, scheme S3 of [1]_.
    The paper moves parameters; moving statistics instead serves every model
    whose M-step reads them, and keeps second moments close to definite.

    Parameters
    ----------
    first : statistics
        The first iterate: a vector with ``+``, ``-`` and multiplication by a float.

    step, bend : statistics
        The step from it, and how far the next step differed.

    Returns
    -------
    leap : statistics or None
        None where a leap would be the EM step itself.

    References
    ----------
    .. [1] Varadhan, R. and Roland, C. (2008). "Simple and globally convergent
       methods for accelerating the convergence of any EM algorithm".
       Scandinavian Journal of Statistics 35(2).
       :doi:`10.1111/j.1467-9469.2007.00585.x`
    """
    length = stretch(step, bend)
    if length == 1.0:
        return None
    return first + step * (2.0 * length) + bend * length**2
