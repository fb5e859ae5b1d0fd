"""The public questions: a thin door to the methods behind it."""

from numbers import Real

import numpy as np

from ._approximations import bounds
from ._densities import as_gaussian_mixture, check_same_kind
from ._documentation import documented
from ._evaluate import evaluate, is_array
from ._functionals import (
    CrossEntropy,
    Entropy,
    Jeffreys,
    JensenShannon,
    KullbackLeibler,
    Renyi,
)
from ._result import DivergenceResult, check_base


@documented
def kl_divergence(
    p,
    q,
    *,
    method="auto",
    axis=-1,
    base=None,
    normalize=False,
    confidence_level=None,
    tol=5e-3,
    random_state=None,
):
    r"""Kullback-Leibler divergence from p to q.

    .. math::

        D(p \| q) = E_{x \sim p}[\log p(x) - \log q(x)] \geq 0,

    how many nats per observation are lost by whoever takes q for p [1]_. It is zero
    only where p = q, not symmetric, and infinite where p has mass that q lacks.

    Parameters
    ----------
    {p_q}

    method : str, default='auto'
        How to compute. 'auto' takes the first of these that applies:

        - 'closed_form': exact;
        - 'quadrature': an integral or a sum over one variable, and for mixtures of
          Gaussians of at most three features the trapezoidal rule component by
          component, refined until its own estimate of the error is small;
        - 'sobol': scrambled Sobol' points, stratified by component, for mixtures of
          Gaussians of any number of features;
        - 'monte_carlo': rows drawn by the models themselves.

        For mixtures there are besides, and never by default, 'variational' and its
        upper bound 'variational_upper' [2]_, 'durrieu_lower' and 'durrieu_upper'
        [3]_, 'unscented' [4]_ and 'moment_matching'. They are approximations that
        do not tell by how much they are off.

    {options}

    {returns_and_raises}

    See Also
    --------
    js_divergence : Symmetric and bounded.
    kl_bounds : Bounds between mixtures.
    kl_from_samples : From two tables of rows.
    register_kl : Closed forms for classes of your own.

    Notes
    -----
    A closed form costs next to nothing. Sampling costs the number of points times
    the number of components of both mixtures. Between densities that are alike
    points come from the midpoint (p + q) / 2 and the integrand is
    :math:`[p \log(p / q) - p + q] / m`, which is never negative, so that small
    divergences are found as quickly as large ones.

    References
    ----------
    .. [1] Kullback, S. and Leibler, R. A. (1951). "On information and sufficiency".
       Annals of Mathematical Statistics 22(1). :doi:`10.1214/aoms/1177729694`
    .. [2] Hershey, J. R. and Olsen, P. A. (2007). "Approximating the Kullback
       Leibler divergence between Gaussian mixture models". ICASSP.
       :doi:`10.1109/ICASSP.2007.366913`
    .. [3] Durrieu, J.-L., Thiran, J.-P. and Kelly, F. (2012). "Lower and upper
       bounds for approximation of the Kullback-Leibler divergence between Gaussian
       mixture models". ICASSP. :doi:`10.1109/ICASSP.2012.6289001`
    .. [4] Goldberger, J., Gordon, S. and Greenspan, H. (2003). "An efficient image
       similarity measure based on approximations of KL-divergence between two
       Gaussian mixtures". ICCV. :doi:`10.1109/ICCV.2003.1238387`

    Examples
    --------
    >>> from scipy.stats import norm
    >>> from skgen.divergences import kl_divergence
    >>> kl_divergence([0.5, 0.5], [0.25, 0.75], base=2)
    0.2075...
    >>> kl_divergence(norm(0, 1), norm(1, 2))
    0.4431...
    """
    options = method, axis, base, normalize, confidence_level, tol, random_state
    return evaluate(KullbackLeibler(), p, q, *options)


@documented
def js_divergence(
    p,
    q,
    *,
    method="auto",
    axis=-1,
    base=None,
    normalize=False,
    confidence_level=None,
    tol=5e-3,
    random_state=None,
):
    r"""Jensen-Shannon divergence between p and q.

    .. math::

        \mathrm{JS}(p, q) = \tfrac12 D(p \| m) + \tfrac12 D(q \| m),
        \qquad m = \tfrac12 (p + q),

    symmetric, in [0, log 2], finite whatever the supports [1]_. This is the
    divergence; its square root is :func:`js_distance`, which is what
    :func:`scipy.spatial.distance.jensenshannon` returns.

    Parameters
    ----------
    {p_q}

    {method}

    {options}

    {returns_and_raises}

    See Also
    --------
    js_distance : Its square root, a metric.
    kl_divergence : What it is made of.
    js_from_samples : From two tables of rows.

    References
    ----------
    .. [1] Lin, J. (1991). "Divergence measures based on the Shannon entropy". IEEE
       Transactions on Information Theory 37(1). :doi:`10.1109/18.61115`

    Examples
    --------
    >>> from skgen.divergences import js_divergence
    >>> js_divergence([1.0, 0.0], [0.0, 1.0], base=2)
    1.0
    """
    options = method, axis, base, normalize, confidence_level, tol, random_state
    return evaluate(JensenShannon(), p, q, *options)


@documented
def js_distance(
    p,
    q,
    *,
    method="auto",
    axis=-1,
    base=None,
    normalize=False,
    confidence_level=None,
    tol=5e-3,
    random_state=None,
):
    r"""Jensen-Shannon distance, the square root of the divergence.

    A metric: it obeys the triangle inequality [1]_.

    Parameters
    ----------
    {p_q}

    {method}

    {options}

    {returns_and_raises}

    See Also
    --------
    js_divergence : Its square.

    References
    ----------
    .. [1] Endres, D. M. and Schindelin, J. E. (2003). "A new metric for probability
       distributions". IEEE Transactions on Information Theory 49(7).
       :doi:`10.1109/TIT.2003.813506`

    Examples
    --------
    >>> from skgen.divergences import js_distance
    >>> js_distance([0.5, 0.5], [0.5, 0.5])
    0.0
    """
    options = method, axis, base, normalize, confidence_level, tol, random_state
    squared = evaluate(JensenShannon(), p, q, *options)
    if not isinstance(squared, DivergenceResult):
        return squared**0.5
    value = squared.value**0.5
    # the delta method, except where an error is larger than the value itself
    error = squared.standard_error / np.maximum(
        2.0 * value, np.sqrt(squared.standard_error) + np.finfo(float).tiny
    )
    return DivergenceResult(
        value=value,
        standard_error=error if np.ndim(error) else float(error),
        confidence_interval=tuple(end**0.5 for end in squared.confidence_interval),
        method=squared.method,
        exact=squared.exact,
    )


@documented
def jeffreys_divergence(
    p,
    q,
    *,
    method="auto",
    axis=-1,
    base=None,
    normalize=False,
    confidence_level=None,
    tol=5e-3,
    random_state=None,
):
    r"""Jeffreys divergence, the Kullback-Leibler divergences both ways.

    .. math::

        J(p, q) = D(p \| q) + D(q \| p),

    symmetric, and infinite unless each has mass wherever the other has [1]_. The
    sum, not the mean, as Jeffreys and Kullback have it.

    Parameters
    ----------
    {p_q}

    {method}

    {options}

    {returns_and_raises}

    See Also
    --------
    kl_divergence : One of the two.
    js_divergence : Symmetric and bounded.

    References
    ----------
    .. [1] Jeffreys, H. (1946). "An invariant form for the prior probability in
       estimation problems". Proceedings of the Royal Society A 186.
       :doi:`10.1098/rspa.1946.0056`

    Examples
    --------
    >>> from skgen.divergences import jeffreys_divergence
    >>> jeffreys_divergence([0.5, 0.5], [0.25, 0.75])
    0.2746...
    """
    options = method, axis, base, normalize, confidence_level, tol, random_state
    return evaluate(Jeffreys(), p, q, *options)


@documented
def renyi_divergence(
    p,
    q,
    alpha,
    *,
    method="auto",
    axis=-1,
    base=None,
    normalize=False,
    confidence_level=None,
    tol=5e-3,
    random_state=None,
):
    r"""Rényi divergence of order alpha from p to q.

    .. math::

        D_\alpha(p \| q) = \frac{1}{\alpha - 1} \log E_{x \sim q}
        \left[ \left( \frac{p(x)}{q(x)} \right)^\alpha \right],

    which grows with alpha and passes through the Kullback-Leibler divergence at
    alpha = 1 [1]_. Order 1/2 is twice the Bhattacharyya distance.

    Parameters
    ----------
    {p_q}

    alpha : float
        The order, at least 0; 1 is the Kullback-Leibler divergence. For arrays 0
        and infinity are allowed, and mean the limits:
        :math:`-\log q(p > 0)` and :math:`\log \max p / q`.

    {method}

    {options}

    {returns_and_raises}

    See Also
    --------
    kl_divergence : The order 1.

    Notes
    -----
    Above order 1 the integral may be infinite, between Gaussians where
    :math:`\alpha \Sigma_q + (1 - \alpha) \Sigma_p` is not positive definite. For
    mixtures infinity is returned where the tails show it; close to that border
    sampling has heavy tails and its error is too small.

    References
    ----------
    .. [1] van Erven, T. and Harremoës, P. (2014). "Rényi divergence and
       Kullback-Leibler divergence". IEEE Transactions on Information Theory 60(7).
       :doi:`10.1109/TIT.2014.2320500`

    Examples
    --------
    >>> from skgen.divergences import renyi_divergence
    >>> renyi_divergence([0.5, 0.5], [0.25, 0.75], 2.0)
    0.2876...
    """
    if not isinstance(alpha, Real) or not alpha >= 0.0:
        raise ValueError(f"alpha must be a number of at least 0; got {alpha!r}.")
    if alpha in (0.0, np.inf) and not (is_array(p) and is_array(q)):
        raise ValueError(
            f"alpha={alpha:g} is a limit that is computed for arrays only; take a "
            "positive, finite order."
        )
    functional = KullbackLeibler() if alpha == 1.0 else Renyi(float(alpha))
    options = method, axis, base, normalize, confidence_level, tol, random_state
    return evaluate(functional, p, q, *options)


@documented
def cross_entropy(
    p,
    q,
    *,
    method="auto",
    axis=-1,
    base=None,
    normalize=False,
    confidence_level=None,
    tol=5e-3,
    random_state=None,
):
    r"""Cross-entropy of q under p.

    .. math::

        H(p, q) = -E_{x \sim p}[\log q(x)] = H(p) + D(p \| q),

    the mean code length of rows of p in a code made for q. For densities it depends
    on the units of x, and may be negative.

    Parameters
    ----------
    {p_q}

    {method}

    {options}

    {returns_and_raises}

    See Also
    --------
    entropy : The cross-entropy of p under p.
    kl_divergence : The difference of the two.

    Examples
    --------
    >>> from skgen.divergences import cross_entropy
    >>> cross_entropy([0.5, 0.5], [0.25, 0.75], base=2)
    1.2075...
    """
    options = method, axis, base, normalize, confidence_level, tol, random_state
    return evaluate(CrossEntropy(), p, q, *options)


@documented
def entropy(
    p,
    *,
    method="auto",
    axis=-1,
    base=None,
    normalize=False,
    confidence_level=None,
    tol=5e-3,
    random_state=None,
):
    r"""Entropy of p.

    .. math::

        H(p) = -E_{x \sim p}[\log p(x)],

    Shannon's for probabilities [1]_, the differential entropy for densities; that one
    depends on the units of x, and may be negative.

    Parameters
    ----------
    p : array-like, distribution or fitted model
        As in :func:`kl_divergence`.

    {method}

    {options}

    {returns_and_raises}

    See Also
    --------
    cross_entropy : Between two distributions.

    References
    ----------
    .. [1] Cover, T. M. and Thomas, J. A. (2006). "Elements of Information Theory",
       2nd ed., Wiley. :doi:`10.1002/047174882X`

    Examples
    --------
    >>> from skgen.divergences import entropy
    >>> entropy([0.5, 0.25, 0.25], base=2)
    1.5
    """
    options = method, axis, base, normalize, confidence_level, tol, random_state
    return evaluate(Entropy(), p, None, *options)


def kl_bounds(p, q, *, base=None):
    r"""Bounds of the Kullback-Leibler divergence between mixtures of Gaussians.

    Both are closed forms. The lower one is the larger of 0 and the bound of Durrieu,
    Thiran and Kelly [1]_, and of the divergence of the moment-matched Gaussians where
    q is a single one; the upper one the smaller of theirs and of Hershey and Olsen's
    variational bound [2]_.

    Parameters
    ----------
    p, q : distribution or fitted model
        Gaussians or mixtures of them, as in :func:`kl_divergence`.

    base : float, default=None
        Base of the logarithm, above 1; None is nats.

    Returns
    -------
    lower, upper : float
        The bounds: equal for two single Gaussians.

    Raises
    ------
    TypeError
        Where p or q is not a mixture of Gaussians.

    ValueError
        Where the numbers of features differ.

    See Also
    --------
    kl_divergence : The value between them.

    Notes
    -----
    The cost is that of all pairs of components, within p and between p and q. The
    bounds are tight where components lie far apart, and wide where they overlap.

    References
    ----------
    .. [1] Durrieu, J.-L., Thiran, J.-P. and Kelly, F. (2012). "Lower and upper
       bounds for approximation of the Kullback-Leibler divergence between Gaussian
       mixture models". ICASSP. :doi:`10.1109/ICASSP.2012.6289001`
    .. [2] Hershey, J. R. and Olsen, P. A. (2007). "Approximating the Kullback
       Leibler divergence between Gaussian mixture models". ICASSP.
       :doi:`10.1109/ICASSP.2007.366913`

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skgen import EMGaussianMixture
    >>> from skgen.divergences import kl_bounds, kl_divergence
    >>> X = load_iris().data[:, :2]
    >>> p = EMGaussianMixture(3, random_state=0).fit(X)
    >>> q = EMGaussianMixture(2, random_state=0).fit(X)
    >>> lower, upper = kl_bounds(p, q)
    >>> lower <= kl_divergence(p, q) <= upper
    True
    """
    check_base(base)
    mixtures = [as_gaussian_mixture(d, name) for d, name in ((p, "p"), (q, "q"))]
    for name, given, mixture in zip("pq", (p, q), mixtures):
        if mixture is None:
            raise TypeError(
                f"{name} must be a Gaussian or a mixture of Gaussians; got an object "
                f"of type {type(given).__name__}."
            )
    check_same_kind(*mixtures)
    unit = 1.0 if base is None else np.log(base)
    lower, upper = bounds(*mixtures)
    return lower / unit, upper / unit
