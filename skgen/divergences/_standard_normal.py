"""KL divergence from the standard normal, in the arithmetic of its arguments."""

import numpy as np


def standard_normal_kl(mean, scale):
    r"""KL divergence of normal distributions from the standard one, by dimension.

    .. math::

        \operatorname{KL}(\mathcal N(\mu, \sigma^2) \,\|\, \mathcal N(0, 1))
        = \frac{\mu^2 + \sigma^2 - 1}{2} - \log \sigma

    What :func:`kl_divergence` tells for these, without a door: tensors of torch stay
    tensors, with gradients, on their device.

    Parameters
    ----------
    mean, scale : ndarray or torch.Tensor
        Means, and standard deviations above 0.

    Returns
    -------
    divergence : ndarray or torch.Tensor
        Nats, of the shape of the arguments.

    Examples
    --------
    >>> import numpy as np
    >>> from skgen.divergences import standard_normal_kl
    >>> standard_normal_kl(np.array([0.0, 2.0]), np.array([1.0, 1.0]))
    array([0., 2.])
    """
    log = scale.log() if hasattr(scale, "log") else np.log(scale)
    return 0.5 * (mean * mean + scale * scale - 1.0) - log
