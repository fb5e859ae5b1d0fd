"""How sure the parameters of a fitted mixture are: the weighted likelihood bootstrap.

What it is, and how to read it, is told in :meth:`EMGaussianMixture.bootstrap`.
"""

from dataclasses import dataclass
from numbers import Integral, Real
from time import perf_counter

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import validate_data

from .._sklearn import check_row_weights, generator_of
from .._warnings import warn_user

PARAMETERS = ("weights", "means", "covariances")


@dataclass(frozen=True, repr=False, eq=False)
class MixtureBootstrap:
    """Parameters of a mixture fitted again and again to rows weighted at random.

    Parameters
    ----------
    weights : ndarray of shape (n_bootstraps, n_components)
        Weights of the components.

    means : ndarray of shape (n_bootstraps, n_components, n_features)
        Means of the components.

    covariances : ndarray of shape (n_bootstraps, ...)
        Covariances, each of the shape of the mixture's ``covariances_``.

    converged : ndarray of bool of shape (n_bootstraps,)
        Which of the fits converged.

    See Also
    --------
    EMGaussianMixture.bootstrap : Makes it, and says what it is.

    Examples
    --------
    >>> import numpy as np
    >>> from skgen import EMGaussianMixture
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> result = EMGaussianMixture().fit(X).bootstrap(X, 50, random_state=0)
    >>> result
    MixtureBootstrap(n_bootstraps=50, n_components=1, n_features=2)
    >>> low, high = result.interval(0.9)["means"]
    >>> low.shape
    (1, 2)
    """

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    converged: np.ndarray

    def standard_errors(self):
        """Standard deviations of the parameters over the fits.

        Returns
        -------
        errors : dict of str to ndarray
            Of ``"weights"``, ``"means"`` and ``"covariances"``, each of the shape
            that the mixture has it in.
        """
        return {name: getattr(self, name).std(axis=0, ddof=1) for name in PARAMETERS}

    def interval(self, level=0.95):
        """Find intervals between percentiles of the fits, one for each parameter.

        Parameters
        ----------
        level : float, default=0.95
            The share of the fits inside, strictly between 0 and 1.

        Returns
        -------
        intervals : dict of str to tuple of ndarray
            Lower and upper ends of ``"weights"``, ``"means"`` and
            ``"covariances"``, each of the shape that the mixture has it in.

        Raises
        ------
        ValueError
            Where `level` is not strictly between 0 and 1.
        """
        if not isinstance(level, Real) or not 0.0 < level < 1.0:
            raise ValueError(
                f"level must lie strictly between 0 and 1, as 0.95 does; got {level!r}."
            )
        ends = (0.5 - 0.5 * level, 0.5 + 0.5 * level)
        return {
            name: tuple(np.quantile(getattr(self, name), ends, axis=0))
            for name in PARAMETERS
        }

    def __repr__(self):
        n_bootstraps, n_components, n_features = self.means.shape
        return (
            f"MixtureBootstrap(n_bootstraps={n_bootstraps}, "
            f"n_components={n_components}, n_features={n_features})"
        )


def bootstrap(mixture, X, n_bootstraps, sample_weight, random_state, verbose):
    """What :meth:`EMGaussianMixture.bootstrap` returns."""
    _check_n_bootstraps(n_bootstraps)
    X = validate_data(
        mixture,
        X,
        dtype=[np.float64, np.float32],
        ensure_all_finite=_finite(mixture),
        reset=False,
    )
    weights = np.ones(len(X))
    if sample_weight is not None:
        weights = check_row_weights(sample_weight, X)
        # in the user's unit, which is that of pseudo-rows
        weights *= np.max(sample_weight) / weights.max()
    generator = generator_of(
        mixture.random_state if random_state is None else random_state
    )
    tell = _Progress(n_bootstraps, verbose)
    fits = []
    for _ in range(n_bootstraps):
        fits.append(_fitted_again(mixture, X, weights, generator))
        tell.done(len(fits))
    result = MixtureBootstrap(
        *(np.array([getattr(fit, f"{name}_") for fit in fits]) for name in PARAMETERS),
        np.array([fit.converged_ for fit in fits]),
    )
    _warn_if_not_converged(result.converged)
    return result


def _fitted_again(mixture, X, weights, generator):
    """A mixture that goes on from another, on rows weighted at random."""
    # independent exponential variables are a Dirichlet draw, but for their sum
    drawn = generator.standard_exponential(len(X))
    again = _copy_to_go_on_from(mixture)
    # what holds covariances is told of the fit, and not once more of each
    again._fit(X, None, weights * (drawn / drawn.mean()), complain=False)
    return again


def _copy_to_go_on_from(mixture):
    """An estimator of the same fitted attributes, which `fit` starts from.

    The components it has are those to fit again, however they were chosen. It has
    none of the callbacks, which are for fits that a user asked for.
    """
    chosen = {
        "n_components": len(mixture.weights_),
        "covariance_type": getattr(
            mixture, "covariance_type_", mixture.covariance_type
        ),
        "warm_start": True,
        "verbose": 0,
    }
    copied = type(mixture)(**{**mixture.get_params(deep=False), **chosen})
    for name, value in vars(mixture).items():
        if name.endswith("_"):
            setattr(copied, name, value)
    # names were checked once; the rows come as an array
    vars(copied).pop("feature_names_in_", None)
    return copied


def _finite(mixture):
    """What rows may hold besides numbers: what the mixture says of itself."""
    return "allow-nan" if mixture.__sklearn_tags__().input_tags.allow_nan else True


def _check_n_bootstraps(n_bootstraps):
    is_integer = isinstance(n_bootstraps, Integral) and not isinstance(
        n_bootstraps, bool
    )
    if not is_integer or n_bootstraps < 2:
        raise ValueError(
            "n_bootstraps must be an integer of at least 2, since a spread takes two "
            f"fits; got {n_bootstraps!r}."
        )


def _warn_if_not_converged(converged):
    if not converged.all():
        warn_user(
            f"{np.count_nonzero(~converged)} of {len(converged)} bootstrap fits did "
            "not converge: their spread is too small. Increase max_iter, or tol.",
            ConvergenceWarning,
        )


class _Progress:
    """Lines that say how far it has got, where they are asked for."""

    def __init__(self, n_fits, verbose):
        self._n_fits, self._verbose = n_fits, verbose
        self._every = max(1, n_fits // 10)
        self._started = perf_counter()

    def done(self, n_done):
        """Tell of so many fits, every tenth of the way."""
        last = n_done == self._n_fits
        if not self._verbose or not (last or n_done % self._every == 0):
            return
        left = (perf_counter() - self._started) / n_done * (self._n_fits - n_done)
        share = f"{n_done / self._n_fits:4.0%}"
        print(f"Bootstrap {n_done} of {self._n_fits} ({share}), {left:.1f}s left")
