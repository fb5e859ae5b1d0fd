"""Whatever p and q may be, as densities: log-density of rows, and rows drawn.

A density here has ``n_features`` (None where nobody knows), ``log_density(X)`` of
rows (n_samples, n_features), ``can_sample`` and ``draw(n_samples, generator)``.
Torch is recognised by the modules of a class, so that it is not imported for the
sake of the question.
"""

import copy
import inspect
import warnings

import numpy as np
from scipy import stats
from sklearn.base import BaseEstimator
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.neighbors import KernelDensity
from sklearn.utils.validation import check_is_fitted

from ..gaussian import STRUCTURES, IllDefinedCovarianceError, MixtureParameters
from ._gaussian_mixtures import GaussianMixtureDensity
from ._randomness import LARGEST_SEED
from ._torch_densities import TorchDensity, is_torch, torch_mixture_parts

NORMAL = type(stats.norm)
MULTIVARIATE_NORMAL = type(stats.multivariate_normal([0.0]))
# scipy's public names are makers; what they make is known by its base class
UNIVARIATE = type(stats.norm()).__mro__[1]
MULTIVARIATE = MULTIVARIATE_NORMAL.__mro__[1]
UNFROZEN = (stats.rv_continuous.__mro__[1], type(stats.multivariate_normal).__mro__[1])

# Kernels of scikit-learn's KernelDensity that it can draw from.
DRAWABLE_KERNELS = ("gaussian", "tophat")
EUCLIDEAN = ("euclidean", "l2", "p2")


class ModelDensity:
    """Density of a fitted model with `score_samples`.

    Parameters
    ----------
    model : estimator
        The model; with `sample` it can be drawn from.
    """

    def __init__(self, model):
        if isinstance(model, BaseEstimator):
            check_is_fitted(model)
        self.model = model
        self.n_features = getattr(model, "n_features_in_", None)
        self.can_sample = hasattr(model, "sample")
        if isinstance(model, KernelDensity):
            self.can_sample = model.kernel in DRAWABLE_KERNELS

    def log_density(self, X):
        """Log-density of rows."""
        with warnings.catch_warnings():
            # rows drawn from a distribution carry no names
            warnings.filterwarnings("ignore", "X does not have valid feature names")
            scores = np.asarray(self.model.score_samples(X), dtype=np.float64)
        if scores.shape != (len(X),):
            raise ValueError(
                f"score_samples of {type(self.model).__name__} must return one "
                f"log-density for each of {len(X)} rows; got shape {scores.shape}."
            )
        return scores

    def draw(self, n_samples, generator):
        """Rows drawn from the model, by the generator's seed and no other."""
        seed = int(generator.integers(LARGEST_SEED))
        model, seeding = self.model, {}
        if "random_state" in inspect.signature(model.sample).parameters:
            seeding = {"random_state": seed}
        elif hasattr(model, "random_state"):
            model = copy.copy(model)
            model.random_state = seed
        drawn = model.sample(n_samples, **seeding)
        rows = drawn[0] if isinstance(drawn, tuple) else drawn
        rows = np.asarray(rows, dtype=np.float64)
        return rows.reshape(len(rows), -1)


class FrozenDensity:
    """Density of one frozen distribution of scipy.

    Parameters
    ----------
    frozen : frozen distribution
        Univariate or multivariate; of a batch it is no density.
    """

    def __init__(self, frozen):
        self.frozen = frozen
        self.is_univariate = isinstance(frozen, UNIVARIATE)
        if self.is_univariate:
            self.is_discrete = isinstance(frozen.dist, stats.rv_discrete)
        else:
            self.is_discrete = hasattr(frozen, "logpmf")
            _check_has_density(frozen)
        self.can_sample = hasattr(frozen, "rvs")
        self._shape = _shape_of_a_draw(frozen)
        self.n_features = int(np.prod(self._shape))

    def log_density(self, X):
        """Log-density of rows, or log-probability."""
        log = self.frozen.logpmf if self.is_discrete else self.frozen.logpdf
        rows = X[:, 0] if self.is_univariate else self._arranged(X)
        try:
            with np.errstate(divide="ignore"):
                values = log(rows)
        except ValueError as error:  # a simplex, a cone of matrices
            raise ValueError(
                f"scipy's {type(self.frozen).__name__} refuses rows of the other "
                f"distribution: they do not live in the same space ({error})."
            ) from error
        return np.asarray(values, dtype=np.float64).reshape(len(X))

    def _arranged(self, X):
        """Rows as scipy's multivariate distributions want them."""
        kind = type(self.frozen).__name__
        if kind == "dirichlet_frozen":
            return X.T
        if kind in ("wishart_frozen", "invwishart_frozen"):
            side = int(np.sqrt(self.n_features))
            return np.moveaxis(X.reshape(len(X), side, side), 0, -1)
        if kind == "matrix_normal_frozen":
            return X.reshape(len(X), *self._shape[-2:])
        return X

    def draw(self, n_samples, generator):
        """Rows drawn from the distribution."""
        seed = int(generator.integers(LARGEST_SEED))
        rows = self.frozen.rvs(size=n_samples, random_state=seed)
        return np.asarray(rows, dtype=np.float64).reshape(n_samples, -1)


def _check_has_density(frozen):
    """Raise unless a multivariate distribution of scipy tells its density."""
    if not hasattr(frozen, "logpmf") and not hasattr(frozen, "logpdf"):
        raise TypeError(
            f"scipy's {_family(frozen)} cannot be compared: it has neither logpdf nor "
            "logpmf."
        )


def _shape_of_a_draw(frozen):
    """Shape of what a distribution of scipy draws, or of its mean if it cannot."""
    if not hasattr(frozen, "rvs"):
        return np.shape(frozen.mean())
    try:
        drawn = frozen.rvs(size=1, random_state=0)
    except TypeError as error:
        raise TypeError(
            f"scipy's {_family(frozen)} cannot be compared: its rvs draws no sample of "
            f"a given size ({error})."
        ) from error
    if isinstance(drawn, tuple):
        raise TypeError(
            f"scipy's {_family(frozen)} cannot be compared: its rvs draws "
            f"{len(drawn)} arrays, and a density of rows needs one."
        )
    return np.shape(drawn)


def _family(distribution):
    """What scipy calls a distribution."""
    return type(distribution).__name__.removesuffix("_frozen").removesuffix("_gen")


class NewDensity:
    """Density of a univariate distribution of scipy's new infrastructure.

    Parameters
    ----------
    distribution : scipy.stats.Normal, scipy.stats.Mixture and their like
        The distribution.
    """

    can_sample = True
    n_features = 1

    def __init__(self, distribution):
        if np.shape(distribution.mean()) != ():
            raise ValueError(
                "Distributions of scipy's new infrastructure are compared one at a "
                f"time; got a batch of shape {np.shape(distribution.mean())}."
            )
        self.distribution = distribution
        names = [cls.__name__ for cls in type(distribution).__mro__]
        self.is_discrete = "DiscreteDistribution" in names

    def log_density(self, X):
        """Log-density of rows, or log-probability."""
        log = self.distribution.logpmf if self.is_discrete else self.distribution.logpdf
        with np.errstate(divide="ignore"):
            return np.asarray(log(X[:, 0]), dtype=np.float64)

    def draw(self, n_samples, generator):
        """Rows drawn from the distribution."""
        return self.distribution.sample(n_samples, rng=generator).reshape(-1, 1)


def as_density(source, name):
    """A distribution or a fitted model as a density.

    Parameters
    ----------
    source : object
        What the user gave.

    name : str
        What to call it in errors.

    Returns
    -------
    density : GaussianMixtureDensity or another density
        Mixtures of Gaussians are recognised as such, whoever made them.
    """
    mixture = as_gaussian_mixture(source, name)
    if mixture is not None:
        return mixture
    if is_torch(source):
        return TorchDensity(source)
    if is_frozen(source):
        return FrozenDensity(source)
    if is_of_new_kind(source):
        return NewDensity(source)
    if hasattr(source, "score_samples"):
        return ModelDensity(source)
    raise TypeError(
        f"{name} must be an array of probabilities, a frozen distribution of "
        "scipy.stats, one of torch.distributions, or a fitted model with "
        f"score_samples; got an object of type {type(source).__name__}. A closed "
        "form for a class of your own is registered with register_kl."
    )


def check_same_kind(*densities):
    """Raise where rows of p and of q are known to differ in length or in kind."""
    kinds = {getattr(density, "is_discrete", None) for density in densities}
    if {True, False} <= kinds:
        raise ValueError(
            "p and q must both have a density or both have probabilities of single "
            "values; one of them is discrete and the other is continuous."
        )
    widths = [density.n_features for density in densities]
    if None not in widths and len(set(widths)) > 1:
        raise ValueError(
            "p and q must be distributions of rows of the same length; got "
            f"{widths[0]} features in p and {widths[1]} in q."
        )


def check_same_columns(*sources):
    """Raise where models were fitted on columns of the same names in another order."""
    names = [getattr(source, "feature_names_in_", None) for source in sources]
    if any(each is None for each in names):
        return
    first, *others = (list(each) for each in names)
    if any(first != other for other in others):
        raise ValueError(
            "p and q must be models of the same columns in the same order; got "
            + " and ".join(str([str(name) for name in each]) for each in names)
            + "."
        )


def is_frozen(source):
    """Whether something is a frozen distribution of scipy."""
    return isinstance(source, (UNIVARIATE, MULTIVARIATE))


def is_of_new_kind(source):
    """Whether something is a univariate distribution of scipy's new infrastructure."""
    return any(
        cls.__name__ == "_ProbabilityDistribution" and "scipy" in cls.__module__
        for cls in type(source).__mro__
    )


def as_gaussian_mixture(source, name):
    """The mixture of Gaussians that something is, or None."""
    _check_is_one(source, name)
    for is_one, convert in GAUSSIANS:
        if is_one(source):
            try:
                return convert(source)
            except IllDefinedCovarianceError:
                raise ValueError(
                    f"{name} has a covariance that is not positive definite, and no "
                    "density. Leave out the columns that others determine, or add a "
                    "small multiple of the identity."
                ) from None
    return None


def _check_is_one(source, name):
    """Raise where something is a kind of distribution, and not one of that kind."""
    if isinstance(source, type):
        raise TypeError(
            f"{name} must be a distribution or a fitted model; got the class "
            f"{source.__name__}. Call it, as in {source.__name__}(...)."
        )
    if isinstance(source, UNFROZEN):
        raise TypeError(
            f"{name} must be a frozen distribution; got scipy's {_family(source)} "
            "without parameters. Freeze it by a call, as in norm(loc, scale)."
        )


def _of_skgen(model):
    check_is_fitted(model)
    return GaussianMixtureDensity(model._parameters())


def _of_scikit_learn(model):
    check_is_fitted(model)
    structure = STRUCTURES[model.covariance_type]
    weights, means = (np.asarray(a, float) for a in (model.weights_, model.means_))
    if hasattr(model, "precisions_cholesky_"):
        factors = structure.inside(np.asarray(model.precisions_cholesky_, float))
        parameters = MixtureParameters.of_factors(structure, weights, means, factors)
    else:
        covariances = structure.inside(np.asarray(model.covariances_, float))
        parameters = MixtureParameters.of_covariances(
            structure, weights, means, covariances
        )
    return GaussianMixtureDensity(parameters)


def _of_kernel_density(model):
    check_is_fitted(model)
    rows = np.asarray(model.tree_.data, dtype=np.float64)
    weights = model.tree_.sample_weight
    weights = np.ones(len(rows)) if weights is None else np.asarray(weights, float)
    return GaussianMixtureDensity(
        MixtureParameters.of_factors(
            STRUCTURES["spherical"],
            weights / weights.sum(),
            rows,
            np.full(len(rows), 1.0 / model.bandwidth_),
        )
    )


def _of_gaussian_kde(kde):
    return GaussianMixtureDensity(
        MixtureParameters.of_covariances(
            STRUCTURES["tied"],
            np.asarray(kde.weights, dtype=np.float64),
            np.ascontiguousarray(kde.dataset.T, dtype=np.float64),
            np.asarray(kde.covariance, dtype=np.float64)[None],
        )
    )


def _of_normal(frozen):
    return GaussianMixtureDensity.of_covariances(
        np.ones(1), np.array([[frozen.mean()]]), np.array([[[frozen.var()]]])
    )


def _of_multivariate_normal(frozen):
    mean, covariance = moments_of_multivariate_normal(frozen)
    return GaussianMixtureDensity.of_covariances(
        np.ones(1), mean[None], covariance[None]
    )


def _of_torch(distribution):
    return GaussianMixtureDensity.of_covariances(*torch_mixture_parts(distribution))


def moments_of_multivariate_normal(frozen):
    """Mean (n_features,) and covariance (n_features, n_features)."""
    mean = np.atleast_1d(np.asarray(frozen.mean, dtype=np.float64))
    covariance = np.asarray(frozen.cov_object.covariance, dtype=np.float64)
    return mean, covariance.reshape(len(mean), len(mean))


def is_multivariate_normal(source):
    """Whether something is scipy's frozen multivariate normal distribution."""
    return isinstance(source, MULTIVARIATE_NORMAL)


def is_singular(source):
    """Whether something is scipy's multivariate normal distribution on a flat."""
    return is_multivariate_normal(source) and source.cov_object.rank < source.dim


def _is_one_normal(source):
    return (
        isinstance(source, UNIVARIATE)
        and isinstance(source.dist, NORMAL)
        and batch_shape(source) == ()
        and source.std() > 0.0
    )


def _is_of_skgen(source):
    # the room of estimators is above this one and must not be imported here
    ours = type(source).__module__.startswith("skgen.")
    # beside noise the components are not the whole density
    return (
        ours and not hasattr(source, "noise_weight_") and hasattr(source, "_parameters")
    )


def _is_gaussian_kernel_density(source):
    return (
        isinstance(source, KernelDensity)
        and source.kernel == "gaussian"
        and source.metric in EUCLIDEAN
    )


def batch_shape(distribution):
    """Shape of the batch of a distribution; () for a single one."""
    if isinstance(distribution, type):
        return ()
    if hasattr(distribution, "batch_shape"):  # torch
        return tuple(distribution.batch_shape)
    if not isinstance(distribution, UNIVARIATE):
        return ()
    given = (*distribution.args, *distribution.kwds.values())
    return np.broadcast_shapes(*(np.shape(parameter) for parameter in given))


# Who is a mixture of Gaussians, and how to read its parameters.
GAUSSIANS = (
    (lambda source: isinstance(source, GaussianMixtureDensity), lambda source: source),
    (_is_of_skgen, _of_skgen),
    (
        lambda source: isinstance(source, (GaussianMixture, BayesianGaussianMixture)),
        _of_scikit_learn,
    ),
    (_is_gaussian_kernel_density, _of_kernel_density),
    (lambda source: isinstance(source, stats.gaussian_kde), _of_gaussian_kde),
    (_is_one_normal, _of_normal),
    (is_multivariate_normal, _of_multivariate_normal),
    (lambda s: is_torch(s) and torch_mixture_parts(s) is not None, _of_torch),
)
