r"""Student's t in Wallace's form: heavy tails, and a way to the normal and back.

Wallace (1959, doi:10.1214/aoms/1177706077) found that

.. math::

    w_\nu(r) = \operatorname{sign}(r) \, \frac{8\nu + 1}{8\nu + 3}
    \sqrt{\nu \log(1 + r^2 / \nu)}

is all but normal where r is Student's t with ν degrees of freedom. Here the
distribution of r is the one for which w is exactly normal: its distribution function is
Φ(w(r)), its quantiles are explicit, and correlated columns are correlated normals seen
through w, from which any column can be left out.
"""

# Beyond this the square of a residual would overflow in float32.
LARGEST_RESIDUAL = 1e15

# Keeps log(1 + s) / s and its gradient finite at s = 0.
LEAST_SQUARE = 1e-10


def to_normal(difference, scale, degrees):
    """Wallace's w(r) for r = difference / scale, and the log of its derivative.

    Parameters
    ----------
    difference : Tensor
        Distances x − m from the location.

    scale : Tensor
        Scales s.

    degrees : Tensor
        Degrees of freedom ν, that broadcast.

    Returns
    -------
    normal : Tensor
        w(r).

    log_derivative : Tensor
        log dw(r)/dx, which is log w'(r) − log s.
    """
    residual = (difference / scale).clamp(-LARGEST_RESIDUAL, LARGEST_RESIDUAL)
    square = residual.square() / degrees + LEAST_SQUARE
    logarithm = square.log1p()
    slope = (logarithm / square).sqrt()
    factor = (8.0 * degrees + 1.0) / (8.0 * degrees + 3.0)
    return factor * residual * slope, (factor / (slope * scale)).log() - logarithm


def from_normal(normal, degrees):
    """The residual whose w(r) is given: the inverse of `to_normal`."""
    factor = (8.0 * degrees + 1.0) / (8.0 * degrees + 3.0)
    square = (normal / factor).square() / degrees
    return normal.sign() * (degrees * square.clamp(max=60.0).expm1()).sqrt()
