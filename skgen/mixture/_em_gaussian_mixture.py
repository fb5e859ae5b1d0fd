"""The Gaussian mixture as a scikit-learn estimator: a thin door to the engine."""

import warnings
from dataclasses import replace
from numbers import Integral, Real

import numpy as np
from sklearn.callback import CallbackSupportMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import validate_data

from .._sklearn import (
    Interval,
    StrOptions,
    fit_context,
)
from ..em import EMPoint, Workers, run_em
from ..gaussian import (
    STRUCTURES,
    Evaluation,
    Expectation,
    Frame,
    IllDefinedCovarianceError,
    MixtureParameters,
    Rows,
    maximise,
)
from ._base import GaussianMixtureBase, check_row_weights, generators_of
from ._complaints import (
    check_range,
    complaints,
    ill_defined_message,
    range_message,
)
from ._initial_parameters import check_initial_parameters, check_last_solution
from ._known_parameters import known_parameters
from ._regularise import (
    AUTO_FLOOR,
    Prior,
    check_covariance_prior,
    regularisation_of,
    with_prior,
)
from ._starts import RESPONSIBILITIES, initial_parameters
from ._watch import Watch

# Of starts whose likelihoods, in nats per row, lie this close the first is kept:
# they found one maximum, and rounding errors must not choose its labels.
TIED_BOUNDS = 1e-10


class EMGaussianMixture(CallbackSupportMixin, GaussianMixtureBase):
    r"""Gaussian mixture fitted by expectation-maximisation.

    The density of a row is a weighted sum of Gaussians,

    .. math::

        p(x) = \sum_{k=1}^K \pi_k \, \mathcal N(x \mid \mu_k, \Sigma_k),

    fitted by maximum likelihood with the EM algorithm [1]_. The estimator takes
    the place of :class:`sklearn.mixture.GaussianMixture`: names, shapes and
    methods are the same. It adds sample weights, a start that also finds
    elongated clusters, accelerated convergence that does not stop early, and
    responsibilities as a transformation.

    Parameters
    ----------
    n_components : int, default=1
        The number of mixture components.

    covariance_type : {'full', 'tied', 'diag', 'spherical'}, default='full'
        What the components' covariances look like:

        - 'full': each component has its own covariance matrix;
        - 'tied': all components share one covariance matrix;
        - 'diag': each component has its own variance for each column;
        - 'spherical': each component has a single variance.

    tol : float, default=1e-8
        EM stops when the mean log-likelihood, in nats per row, is estimated to
        have less than this still to gain, twice in a row, or once where `max_iter`
        leaves no second time. scikit-learn compares the last gain instead, which
        says little where EM is slow.

    reg_covar : float or 'auto', default='auto'
        What keeps covariances from becoming singular. 'auto' keeps every variance,
        in any direction, at or above 1e-10 of the columns' variances: a
        constraint that EM respects exactly, so that the likelihood still never
        falls, and that knows no units. A float is added to the variances after
        each M-step, in squared units of the columns, as scikit-learn does;
        0 regularises nothing, and a component that collapses raises an error.

    covariance_prior : 'pooled' or array-like of shape (d, d), default=None
        Towards what covariances are shrunk: each component is given
        `covariance_prior_count` pseudo-rows of this covariance W about its own
        mean, so that its covariance is
        :math:`(n_k S_k + c W) / (n_k + c)`. 'pooled' is the covariance within
        components at the start of EM; a matrix is in squared units of the columns.
        EM then maximises a posterior density: ``lower_bounds_`` have
        :math:`\frac cn \sum_k \mathrm{KL}(\mathcal N(0, W) \| \mathcal N(0,
        \Sigma_k))` subtracted, an inverse Wishart prior up to a constant. None is
        maximum likelihood.

    covariance_prior_count : float, default=None
        Number of pseudo-rows c of each component, in units of the rows' weights;
        None is ``n_features + 2``.

    max_iter : int, default=1000
        Largest number of EM iterations; each is one pass over the data. 0 returns
        the start.

    n_init : int, default=1
        Number of starts; the fit of the largest likelihood is kept.

    init_params : {'auto', 'kmeans', 'k-means++', 'random', 'random_from_data'}, default='auto'
        How the components start:

        - 'auto': candidates (clusterings of a sketch of the rows by k-means++ and
          by model-based agglomeration, in several metrics) race by successive
          halving over a few EM steps each, those with spurious components last;
        - 'kmeans', 'k-means++', 'random', 'random_from_data': scikit-learn's.

    weights_init : array-like of shape (n_components,), default=None
        Initial weights, in place of those of `init_params`.

    means_init : array-like of shape (n_components, n_features), default=None
        Initial means, in place of those of `init_params`. With 'auto' the initial
        weights and covariances are those of the rows nearest to each.

    precisions_init : array-like, default=None
        Initial precisions (inverse covariances), in place of those of
        `init_params`; their shape is that of ``precisions_``.

    random_state : int, RandomState instance or None, default=None
        Seed of the starts and of :meth:`sample`. None draws from the operating
        system's entropy; NumPy's global generator is not touched.

    warm_start : bool, default=False
        Whether the next call of `fit` starts from the last solution. Then
        `n_init` counts for the first call only.

    verbose : int, default=0
        1 prints starts and iterations, 2 also changes and times. For progress
        bars see `set_callbacks`.

    verbose_interval : int, default=10
        Number of iterations between prints.

    acceleration : {'squarem', None}, default='squarem'
        'squarem' leaps along EM steps [2]_, applied to sufficient statistics; a
        leap counts only where the likelihood is at least that of the EM step
        before it. None is plain EM.

    Attributes
    ----------
    weights_ : ndarray of shape (n_components,)
        The weights of the components.

    means_ : ndarray of shape (n_components, n_features)
        The means of the components.

    covariances_ : ndarray
        The covariances, of shape::

            (n_components, n_features, n_features) if 'full',
            (n_features, n_features)               if 'tied',
            (n_components, n_features)             if 'diag',
            (n_components,)                        if 'spherical'

    precisions_ : ndarray
        The inverses of the covariances, of the same shape.

    precisions_cholesky_ : ndarray
        Upper triangular factors :math:`P` with precision :math:`P P^T`; for
        'diag' and 'spherical' reciprocals of standard deviations.

    converged_ : bool
        Whether the best start converged.

    n_iter_ : int
        Number of iterations of the best start.

    lower_bound_ : float
        Mean log-likelihood of the training data, nats per row, at the returned
        parameters: ``score(X)``, with the weights of the fit. Less what
        `covariance_prior` costs, where there is one.

    lower_bounds_ : list of float
        After each iteration of the best start, the largest mean log-likelihood so
        far. It never decreases. The last one is ``lower_bound_``, save for a float
        `reg_covar`, whose M-steps are no maximisers: `fit` then returns the last
        iterate, as scikit-learn does, and not the likeliest one.

    n_features_in_ : int
        Number of columns seen during `fit`.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns seen during `fit`, where they are all strings.

    See Also
    --------
    sklearn.mixture.GaussianMixture : Mixture of scikit-learn, fitted by plain EM.

    Notes
    -----
    An iteration costs about :math:`2 N K D^2` operations for 'full', :math:`8 N K D`
    for the others, and memory for blocks of rows only. Threads
    follow ``OMP_NUM_THREADS`` and :mod:`threadpoolctl`; their number does not change
    the result.

    Rows of weight 0 are left out, which takes a copy of the others. A component that ends on fewer distinct rows
    than it takes to span a covariance is kept at the bound of
    ``reg_covar='auto'`` and reported in a warning.

    References
    ----------
    .. [1] Dempster, A. P., Laird, N. M. and Rubin, D. B. (1977). "Maximum
       likelihood from incomplete data via the EM algorithm". JRSS B 39(1).
       :doi:`10.1111/j.2517-6161.1977.tb01600.x`
    .. [2] Varadhan, R. and Roland, C. (2008). "Simple and globally convergent
       methods for accelerating the convergence of any EM algorithm".
       Scandinavian Journal of Statistics 35(2).
       :doi:`10.1111/j.1467-9469.2007.00585.x`

    Examples
    --------
    >>> import numpy as np
    >>> from skgen import EMGaussianMixture
    >>> X = np.array([[1, 2], [1, 4], [1, 0], [10, 2], [10, 4], [10, 0]])
    >>> mixture = EMGaussianMixture(2, covariance_type="spherical").fit(X)
    >>> mixture.means_[mixture.means_[:, 0].argsort()]
    array([[ 1.,  2.],
           [10.,  2.]])
    >>> labels = mixture.predict([[0, 0], [12, 3]])
    >>> bool(labels[0] == labels[1])
    False
    """  # noqa: E501

    _parameter_constraints: dict = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "covariance_type": [StrOptions(set(STRUCTURES))],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "reg_covar": [Interval(Real, 0.0, None, closed="left"), StrOptions({"auto"})],
        "covariance_prior": [StrOptions({"pooled"}), "array-like", None],
        "covariance_prior_count": [Interval(Real, 0.0, None, closed="left"), None],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "init_params": [StrOptions({"auto", *RESPONSIBILITIES})],
        "weights_init": ["array-like", None],
        "means_init": ["array-like", None],
        "precisions_init": ["array-like", None],
        "random_state": ["random_state"],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "verbose_interval": [Interval(Integral, 1, None, closed="left")],
        "acceleration": [StrOptions({"squarem"}), None],
    }

    def __init__(
        self,
        n_components=1,
        *,
        covariance_type="full",
        tol=1e-8,
        reg_covar="auto",
        covariance_prior=None,
        covariance_prior_count=None,
        max_iter=1000,
        n_init=1,
        init_params="auto",
        weights_init=None,
        means_init=None,
        precisions_init=None,
        random_state=None,
        warm_start=False,
        verbose=0,
        verbose_interval=10,
        acceleration="squarem",
    ):
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.tol = tol
        self.reg_covar = reg_covar
        self.covariance_prior = covariance_prior
        self.covariance_prior_count = covariance_prior_count
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.weights_init = weights_init
        self.means_init = means_init
        self.precisions_init = precisions_init
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose
        self.verbose_interval = verbose_interval
        self.acceleration = acceleration

    @classmethod
    def from_parameters(
        cls, weights, means, covariances, *, covariance_type="full", **parameters
    ):
        """Make a fitted mixture of parameters that are known already.

        It answers whatever a mixture fitted to data answers. With
        ``warm_start=True``, `fit` goes on from the parameters given.

        Parameters
        ----------
        weights : array-like of shape (n_components,)
            Weights of the components: none negative, of sum 1.

        means : array-like of shape (n_components, n_features)
            Means of the components. The columns of a data frame name the features.

        covariances : array-like
            Covariances, positive (definite), of the shape that ``covariances_`` has
            for `covariance_type`.

        covariance_type : {'full', 'tied', 'diag', 'spherical'}, default='full'
            What the covariances look like.

        **parameters : dict
            Other parameters of the estimator, `random_state` for example.

        Returns
        -------
        mixture : EMGaussianMixture
            The fitted mixture, in float64. Nothing was iterated and nothing is left
            to: ``n_iter_`` is 0 and ``converged_`` True. There were no data:
            ``lower_bound_`` is NaN, ``lower_bounds_`` empty.

        Raises
        ------
        ValueError
            Where shapes do not match, numbers are not finite, weights are negative
            or do not sum to 1, or covariances are not symmetric or not positive
            definite.

        Examples
        --------
        >>> from skgen import EMGaussianMixture
        >>> mixture = EMGaussianMixture.from_parameters(
        ...     [0.5, 0.5], [[-1.0, 0.0], [1.0, 0.0]], [1.0, 4.0],
        ...     covariance_type="spherical",
        ... )
        >>> mixture.score_samples([[-1.0, 0.0]]).round(3)
        array([-2.39])
        """
        known = known_parameters(weights, means, covariances, covariance_type)
        mixture = cls(len(known.means), covariance_type=covariance_type, **parameters)
        validate_data(mixture, means, skip_check_array=True)  # names of features
        for name, array in _arrays(known, np.float64).items():
            setattr(mixture, name, array)
        mixture.converged_, mixture.n_iter_ = True, 0
        mixture.lower_bound_, mixture.lower_bounds_ = np.nan, []
        return mixture

    def fit(self, X, y=None, *, sample_weight=None):
        """Fit the mixture by EM, from `n_init` starts.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows. float32 is fitted without a float64 copy; memory maps stay on
            disk.

        y : Ignored
            Not used, but handed to callbacks; present for API consistency.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows; a weight of 2 counts as the row twice.

        Returns
        -------
        self : EMGaussianMixture
            The fitted mixture.

        Raises
        ------
        ValueError
            Where `X`, the weights or initial parameters are not fit for use,
            there are fewer rows than components, or a component collapses and
            `reg_covar` is too small to hold it.
        """
        self._fit(X, y, sample_weight)
        return self

    def fit_predict(self, X, y=None, *, sample_weight=None):
        """Fit the mixture and return the likeliest component of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        y : Ignored
            Not used, present for API consistency by convention.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            What ``fit(X).predict(X)`` returns.
        """
        return self._ask(self._fit(X, y, sample_weight), Evaluation.labels)

    @fit_context(prefer_skip_nested_validation=True)
    def _fit(self, X, y, sample_weight, complain=True):
        """Fit, and return the validated rows; warn where asked to `complain`."""
        warm = self.warm_start and hasattr(self, "converged_")
        X_all = X = validate_data(
            self,
            X,
            dtype=[np.float64, np.float32],
            ensure_min_samples=2,
            reset=not warm,
        )
        X, weights = self._positive_rows(X, sample_weight)
        structure = STRUCTURES[self.covariance_type]
        given = check_initial_parameters(self, structure, X.shape[1])
        prior = self._prior(X.shape[1], sample_weight, weights)
        data = {"X": X_all, "y": y, "metadata": None}
        if sample_weight is not None:
            data["metadata"] = {"sample_weight": sample_weight}
        if warm:
            check_last_solution(self, structure)
        n_starts = 1 if warm else self.n_init
        context = self._init_callback_context(max_subtasks=n_starts)
        context.call_on_fit_task_begin(estimator=self, **data)
        frame = Frame.of(X, weights, isotropic=structure.isotropic)
        check_range(frame, X.dtype)
        with Workers() as workers:
            expectation = Expectation(Rows(X, weights, frame), structure, workers)
            try:
                run = self._best_run(
                    expectation, given, prior, context, data, n_starts, warm
                )
            except IllDefinedCovarianceError as error:
                raise ValueError(ill_defined_message(X.dtype)) from error
        self._keep(run, frame, X.dtype)
        # without iterations the start was asked for, whatever it is like
        if complain and self.max_iter > 0:
            floor = AUTO_FLOOR if self.reg_covar == "auto" else None
            for complaint in complaints(run, expectation, floor):
                warnings.warn(complaint, ConvergenceWarning, stacklevel=4)
        context.call_on_fit_task_end(
            estimator=self,
            **data,
            reconstruction_attributes=lambda: self._attributes(run, frame, X.dtype),
        )
        return X_all

    def _best_run(self, expectation, given, prior, context, data, n_starts, warm):
        """Run EM from each start; the run of the largest bound."""
        frame = expectation.rows.frame
        regularisation = regularisation_of(self.reg_covar, frame)
        best = None
        for number, generator in enumerate(generators_of(self.random_state, n_starts)):
            watch = Watch(
                self,
                context,
                number,
                data,
                lambda run: self._attributes(run, frame, data["X"].dtype),
            )
            watch.open()
            start = (
                self._parameters().in_frame(frame)
                if warm
                else self._start(expectation, given, generator, regularisation)
            )
            held = regularisation
            if prior.covariance is not None:
                held = with_prior(regularisation, *prior, start, frame)
            run = self._climb(expectation, start, held, watch)
            if best is None or run.best.bound > best.best.bound + TIED_BOUNDS:
                best = run
            if watch.close(run):
                break
        return best

    def _climb(self, expectation, start, regularisation, watch):
        """Run EM from one start."""
        log_volume, total = expectation.rows.frame.log_volume, expectation.rows.total

        def evaluate(parameters):
            statistics = expectation(parameters)
            log_likelihood, log_prior = (
                statistics.log_likelihood[0],
                regularisation.log_prior(parameters),
            )
            log_posterior = log_likelihood + log_prior
            return EMPoint(
                parameters, statistics, float(log_posterior / total - log_volume)
            )

        def maximisation(statistics, previous):
            return maximise(statistics, previous, regularisation)

        return run_em(
            evaluate,
            maximisation,
            start,
            max_iter=self.max_iter,
            tol=self.tol,
            accelerate=self.acceleration == "squarem",
            watch=watch,
            monotone=regularisation.is_constraint,
        )

    def _start(self, expectation, given, generator, regularisation):
        """Initial parameters, those that the user gave in place of others."""
        structure, frame = expectation.structure, expectation.rows.frame
        weights, means, precisions = given
        means = None if means is None else frame.inside(means)
        if any(part is None for part in given):
            found = initial_parameters(
                self.init_params,
                expectation,
                self.n_components,
                generator,
                regularisation,
                means,
            )
        weights = found.weights if weights is None else weights
        means = found.means if means is None else means
        if precisions is None:
            return replace(found, weights=weights, means=means)
        factors = structure.factor_precisions(structure.inside(precisions))
        factors = structure.rescale_factors(factors, frame.scale)
        return MixtureParameters.of_factors(structure, weights, means, factors)

    def _positive_rows(self, X, sample_weight):
        """Rows of positive weight, and their weights or None."""
        weights = None
        if sample_weight is not None:
            weights = check_row_weights(sample_weight, X)
            positive = weights > 0.0
            if not positive.all():
                X, weights = X[positive], weights[positive]
        if len(X) < max(2, self.n_components):
            if sample_weight is not None:
                raise ValueError(
                    f"Expected at least {max(2, self.n_components)} samples of "
                    f"positive sample_weight for n_components = {self.n_components}, "
                    f"but got {len(X)}."
                )
            raise ValueError(
                "Expected n_samples >= n_components but got n_components = "
                f"{self.n_components}, n_samples = {len(X)}"
            )
        return X, weights

    def _prior(self, n_features, sample_weight, weights):
        """Covariance and number of pseudo-rows, this in units of the fit's weights."""
        covariance = check_covariance_prior(self.covariance_prior, n_features)
        count = self.covariance_prior_count
        count = n_features + 2.0 if count is None else float(count)
        if weights is not None:
            count *= weights.max() / np.asarray(sample_weight, dtype=float).max()
        return Prior(covariance, count)

    def _attributes(self, run, frame, dtype):
        """The attributes of an estimator fitted by a run."""
        found = run.best.parameters.out_of_frame(frame)
        return {
            **_arrays(found, dtype),
            "converged_": run.converged,
            "n_iter_": run.n_iter,
            "lower_bound_": run.best.bound,
            "lower_bounds_": list(run.bounds),
        }

    def _keep(self, run, frame, dtype):
        with np.errstate(over="ignore", invalid="ignore"):
            attributes = self._attributes(run, frame, dtype)
        for name in ("means_", "covariances_", "precisions_"):
            if not np.isfinite(attributes[name]).all():
                raise ValueError(range_message(name, frame, dtype))
        for name, value in attributes.items():
            setattr(self, name, value)
        # what `reduce_mixture` said was of parameters that are gone
        vars(self).pop("kl_divergence_", None)


def _arrays(parameters, dtype):
    """Parameters in units of the data, as fitted attributes."""
    structure = parameters.structure
    arrays = {
        "weights_": parameters.weights,
        "means_": parameters.means,
        "covariances_": structure.outside(parameters.covariances),
        "precisions_cholesky_": structure.outside(parameters.factors),
        "precisions_": structure.outside(structure.precisions(parameters.factors)),
    }
    return {name: array.astype(dtype) for name, array in arrays.items()}
