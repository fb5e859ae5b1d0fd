"""Fewer components for a fitted Gaussian mixture: the public function and its checks.

How components are merged lives in `_merging`, and how EM goes on in `_distillation`.
"""

import warnings
from numbers import Integral

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..divergences import DivergenceResult, kl_divergence
from ..divergences._densities import as_gaussian_mixture
from ..divergences._gaussian_mixtures import GaussianMixtureDensity
from ..divergences._result import check_confidence_level
from ..gaussian import STRUCTURES, IllDefinedCovarianceError
from ._base import GaussianMixtureBase, generator_of
from ._distillation import Points, distilled, n_points_for
from ._em_gaussian_mixture import EMGaussianMixture
from ._merging import COSTS, definite, greedy_labels, matched, reassigned_labels


def reduce_mixture(
    mixture,
    n_components,
    *,
    method="runnalls",
    refine=True,
    confidence_level=0.95,
    random_state=None,
):
    r"""Approximate a Gaussian mixture by one of fewer components.

    Components are merged two by two, always the pair of least cost, and each pair
    into the Gaussian of its weight, mean and covariance. By default the cost is an
    upper bound of what the merge adds to the Kullback-Leibler divergence
    :math:`D(\text{original} \,\|\, \text{reduced})` [1]_,

    .. math::

        B(i, j) = \tfrac12 \bigl[(w_i + w_j) \log |P_{ij}|
        - w_i \log |P_i| - w_j \log |P_j|\bigr],

    with :math:`P_{ij}` the covariance of the merged pair. Mean and covariance of the
    whole mixture stay what they were. No data are needed: a mixture of many
    components becomes one that is cheaper to evaluate, or easier to read.

    Parameters
    ----------
    mixture : EMGaussianMixture, GaussianMixture or BayesianGaussianMixture
        The fitted mixture, of any ``covariance_type``. Of a Bayesian one the
        ``weights_``, ``means_`` and ``covariances_`` are taken as they are. A
        :class:`sklearn.neighbors.KernelDensity` with Gaussian kernels, a
        :class:`scipy.stats.gaussian_kde` and mixtures of torch will do as well: kernel
        densities are mixtures of one component for each row.

    n_components : int
        Number of components to end with, at most those of `mixture`.

    method : {'runnalls', 'salmond'}, default='runnalls'
        What a merge costs:

        - 'runnalls': the bound above;
        - 'salmond': :math:`\frac{w_i w_j}{w_i + w_j} (\mu_i - \mu_j)^T P^{-1}
          (\mu_i - \mu_j)`, with :math:`P` the covariance of the whole mixture [2]_.

    refine : bool, default=True
        Whether to improve on the merges. Components are assigned anew to the nearest
        merged one, in Kullback-Leibler divergence, until none changes [3]_; then EM
        fits the reduced mixture to weighted quasi-random points of the original, from
        there and from starts of :class:`EMGaussianMixture`. Of everything found,
        the merges themselves included, the mixture with the least divergence on
        further points is returned.

    confidence_level : float, default=0.95
        Level of the interval that comes with the divergence.

    random_state : int, RandomState instance or None, default=None
        Seed of points and starts, handed on to the reduced mixture as its own
        ``random_state``. None draws from the operating system's entropy; NumPy's
        global generator is not touched.

    Returns
    -------
    reduced : EMGaussianMixture
        A fitted mixture with ``covariance_type='full'``, in float64, heaviest
        components first; see :meth:`EMGaussianMixture.from_parameters`. Its attribute
        ``kl_divergence_``, a :class:`~skgen.divergences.DivergenceResult`, tells
        :math:`D(\text{original} \,\|\, \text{reduced})` in nats, and how surely; a
        later `fit` forgets it. For as many components as there were, the mixture is
        the original one and its divergence 0.

    Raises
    ------
    TypeError
        Where `mixture` is not a Gaussian mixture.

    ValueError
        Where `n_components` is not an integer from 1 to the number of components of
        `mixture`, another parameter is not what it may be, or a covariance of
        `mixture` is not positive definite.

    See Also
    --------
    EMGaussianMixture.from_parameters : A mixture from parameters known already.
    EMGaussianMixture : A mixture fitted to data.

    Notes
    -----
    Merging K components takes about K² costs, :math:`d^3 / 3` operations each, and
    memory for K covariances: 1,000 components in 10 dimensions take some
    seconds. EM takes 16,384 points, or more for mixtures of many parameters, and
    at most 200 iterations from each of three starts.

    Components of weight 0 are left out of all computations. The order of components
    does not change the result.

    Published algorithms preserve mean and covariance by merging. EM on points leaves
    those of the points; an affine map, next to the identity, puts them right.

    References
    ----------
    .. [1] Runnalls, A. R. (2007). "Kullback-Leibler approach to Gaussian mixture
       reduction". IEEE Transactions on Aerospace and Electronic Systems 43(3).
       :doi:`10.1109/TAES.2007.4383588`
    .. [2] Salmond, D. J. (1990). "Mixture reduction algorithms for target tracking in
       clutter". Proceedings of SPIE 1305. :doi:`10.1117/12.21610`
    .. [3] Goldberger, J. and Roweis, S. (2004). "Hierarchical clustering of a mixture
       model". Advances in Neural Information Processing Systems 17.

    Examples
    --------
    Three components, two of which are all but the same:

    >>> from skgen import EMGaussianMixture, reduce_mixture
    >>> mixture = EMGaussianMixture.from_parameters(
    ...     [0.25, 0.25, 0.5], [[0.0], [0.1], [9.0]], [[[1.0]], [[1.0]], [[2.0]]]
    ... )
    >>> reduced = reduce_mixture(mixture, 2, refine=False)
    >>> reduced.weights_
    array([0.5, 0.5])
    >>> reduced.means_.round(3)
    array([[0.05],
           [9.  ]])
    >>> reduced.kl_divergence_.value < 1e-5
    True
    """
    _check_options(method, refine, confidence_level)
    weights, means, covariances = _parameters_of(mixture)
    _check_n_components(n_components, mixture, len(weights))
    seeds = generator_of(random_state).randint(2**31 - 1, size=4)
    present = np.flatnonzero(weights > 0.0)
    if n_components >= len(present):
        chosen = _with_absent(weights, n_components)
        shares = weights[chosen] / weights[chosen].sum()
        parts = shares, means[chosen], covariances[chosen]
        divergence = DivergenceResult(0.0, 0.0, (0.0, 0.0), "closed_form", True)
    else:
        # the same order whatever the given one: points and ties depend on it
        order = present[_canonical_order(weights, means, covariances, present)]
        density = _density(weights[order], means[order], covariances[order], order)
        frame = density.parameters.own_frame()
        density = _in_frame(density, frame)
        smaller = _reduce(density, int(n_components), method, refine, seeds)
        parts = _out_of_frame(smaller, frame)
        divergence = _divergence(density, smaller, seeds[3], confidence_level)
    reduced = EMGaussianMixture.from_parameters(*parts, random_state=random_state)
    if hasattr(mixture, "feature_names_in_"):
        reduced.feature_names_in_ = mixture.feature_names_in_.copy()
    reduced.kl_divergence_ = divergence
    return reduced


def _reduce(mixture, n_components, method, refine, seeds):
    """The reduced mixture, heaviest components first."""
    labels = greedy_labels(mixture, n_components, method)
    reduced = matched(mixture, labels)
    if refine and n_components > 1:
        reduced = _refined(mixture, labels, reduced, seeds)
    order = np.argsort(-reduced.weights, kind="stable")
    return GaussianMixtureDensity(reduced.parameters.components(order))


def _out_of_frame(mixture, frame):
    """Weights, means and covariances in units of the data."""
    parameters = mixture.parameters.out_of_frame(frame)
    return parameters.weights, parameters.means, definite(parameters.covariances)


def _in_frame(mixture, frame):
    """The mixture in units of a frame, from its covariances.

    Made from factors of precisions, covariances next to singular would lose digits.
    """
    covariances = mixture.covariances / frame.scale[:, None] / frame.scale
    return GaussianMixtureDensity.of_covariances(
        mixture.weights, frame.inside(mixture.means), covariances
    )


def _refined(mixture, labels, merged, seeds):
    """The best of a merged mixture and of what it can be turned into."""
    reassigned = matched(mixture, reassigned_labels(mixture, labels))
    n_points = n_points_for(mixture, merged.n_components)
    points = Points(mixture, n_points, seeds[0])
    candidates = [merged, reassigned]
    candidates += distilled(mixture, reassigned, points, seeds[1])
    # other points than those of the fit, of which EM may have learnt too much
    judge = Points(mixture, n_points, seeds[2])
    scores = [judge.mean_log_density(candidate) for candidate in candidates]
    return candidates[int(np.argmax(scores))]


def _divergence(p, q, seed, confidence_level):
    """D(p ‖ q) and its interval."""
    with warnings.catch_warnings():
        # that the error is large is told by the interval
        warnings.simplefilter("ignore", RuntimeWarning)
        return kl_divergence(
            p, q, confidence_level=confidence_level, random_state=int(seed)
        )


def _density(weights, means, covariances, numbers):
    """A density of components that go by some numbers in the original."""
    try:
        return GaussianMixtureDensity.of_covariances(weights, means, covariances)
    except IllDefinedCovarianceError:
        pairs = zip(numbers, covariances)
        wrong = next(number for number, each in pairs if not _is_definite(each))
        raise ValueError(
            f"covariances_ of component {wrong} of mixture is not positive definite. "
            "Fit the mixture with a larger reg_covar, or drop constant columns."
        ) from None


def _is_definite(covariance):
    try:
        STRUCTURES["full"].factor(covariance[None])
    except IllDefinedCovarianceError:
        return False
    return True


def _parameters_of(mixture):
    """Weights, means and covariance matrices of a fitted mixture, in float64."""
    if isinstance(mixture, type) or not hasattr(mixture, "covariance_type"):
        return _parameters_of_others(mixture)
    check_is_fitted(mixture)
    if hasattr(mixture, "noise_weight_"):
        raise ValueError(
            "mixture must consist of Gaussian components alone, but a share of "
            f"{mixture.noise_weight_:.3g} of it is uniform noise: fit it with "
            "noise=None."
        )
    arrays = (mixture.weights_, mixture.means_, mixture.covariances_)
    weights, means, covariances = (np.array(a, dtype=np.float64) for a in arrays)
    if isinstance(mixture, GaussianMixtureBase):
        return weights, means, mixture._covariance_matrices()
    structure = STRUCTURES[mixture.covariance_type]
    covariances = structure.each(structure.inside(covariances), len(means))
    if not structure.matrices:
        n_components, n_features = means.shape
        variances = structure.variances(covariances, n_components, n_features)
        covariances = variances[:, :, None] * np.eye(n_features)
    return weights, means, covariances


def _parameters_of_others(source):
    """Those of a kernel density, or of a distribution that is a Gaussian mixture."""
    density = as_gaussian_mixture(source, "mixture")
    if density is None:
        raise TypeError(
            "mixture must be a fitted Gaussian mixture: EMGaussianMixture, "
            "GaussianMixture or BayesianGaussianMixture of scikit-learn, or a kernel "
            f"density with Gaussian kernels; got {source!r}."
        )
    return density.weights, density.means, density.covariances


def _canonical_order(weights, means, covariances, present):
    """An order of components that tells nothing but what they are."""
    keys = np.column_stack(
        [means, weights, covariances.reshape(len(weights), -1)],
    )[present]
    return np.lexsort(keys.T[::-1])


def _with_absent(weights, n_components):
    """All components of positive weight, and the first of those of weight 0."""
    return np.sort(np.argsort(weights == 0.0, kind="stable")[:n_components])


def _check_options(method, refine, confidence_level):
    if not isinstance(method, str) or method not in COSTS:
        raise ValueError(
            f"method must be one of {', '.join(map(repr, COSTS))}; got {method!r}."
        )
    if not isinstance(refine, (bool, np.bool_)):
        raise ValueError(f"refine must be True or False; got {refine!r}.")
    if confidence_level is None:
        raise ValueError(
            "confidence_level must lie strictly between 0 and 1; got None. The "
            "divergence comes with an interval in any case."
        )
    check_confidence_level(confidence_level)


def _check_n_components(n_components, mixture, n_original):
    is_integer = isinstance(n_components, Integral) and not isinstance(
        n_components, bool
    )
    if not is_integer or not 1 <= n_components <= n_original:
        raise ValueError(
            f"n_components must be an integer from 1 to {n_original}, the number of "
            f"components of the {type(mixture).__name__} to reduce; got "
            f"{n_components!r}."
        )
