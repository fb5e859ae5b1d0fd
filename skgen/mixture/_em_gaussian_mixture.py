"""The Gaussian mixture as a scikit-learn estimator: a thin door to the engine."""

from numbers import Integral, Real

import numpy as np
from sklearn.callback import CallbackSupportMixin
from sklearn.utils.validation import validate_data

from .._sklearn import (
    Interval,
    StrOptions,
    fit_context,
)
from ..gaussian import Evaluation
from ._base import GaussianMixtureBase
from ._criteria import CRITERIA
from ._estimation import fit_mixture
from ._fitting import fitted_arrays
from ._known_parameters import known_parameters
from ._starts import RESPONSIBILITIES
from ._structure import NAMES


class EMGaussianMixture(CallbackSupportMixin, GaussianMixtureBase):
    r"""Gaussian mixture fitted by expectation-maximisation.

    The density of a row is a weighted sum of Gaussians,

    .. math::

        p(x) = \sum_{k=1}^K \pi_k \, \mathcal N(x \mid \mu_k, \Sigma_k),

    fitted by maximum likelihood with the EM algorithm [1]_. The estimator takes
    the place of :class:`sklearn.mixture.GaussianMixture`: names, shapes and
    methods are the same. It adds sample weights, missing cells that are integrated
    out [3]_, a start that also finds elongated clusters, accelerated convergence that
    does not stop early, mclust's fourteen models of covariances [4]_ and an automatic
    choice among them, conditional and marginal distributions, imputation, noise, and
    responsibilities as a transformation.

    Parameters
    ----------
    n_components : int, 'auto' or array-like of int, default=1
        The number of mixture components. 'auto', 1 to 9, or several numbers, a range
        for example, are searched for the best by `criterion`.

    covariance_type : str or list of str, default='full'
        What the components' covariances look like; a list, or 'auto' for mclust's
        fourteen models (the first four, where `max_eigenvalue_ratio` bounds them), is
        searched for the best by `criterion`:

        - 'full' or 'VVV': each component has its own covariance matrix;
        - 'tied' or 'EEE': all components share one covariance matrix;
        - 'diag' or 'VVI': each component has its own variance for each column;
        - 'spherical' or 'VII': each component has a single variance;
        - 'EII', 'EEI', 'VEI', 'EVI', 'VEE', 'EVE', 'VVE', 'EEV', 'VEV', 'EVV':
          :math:`\Sigma_k = \lambda_k D_k A_k D_k^T`, of which the letters say whether
          the volumes :math:`\lambda_k`, the shapes :math:`A_k` and the orientations
          :math:`D_k` are equal (E) or variable (V) among the components; I is the
          identity [4]_;
        - 'factor': :math:`\Sigma_k = \Lambda_k \Lambda_k^T + \Psi_k`, loadings of
          `n_factors` factors and noise of each column [5]_.

    criterion : {'bic', 'icl', 'aic', 'held-out'}, default='bic'
        What a search minimises: :meth:`bic`, :meth:`icl` or :meth:`aic` of the rows of
        the fit, weights counting rows, or minus twice the log-likelihood of rows held
        out of a fit, in five parts drawn by `random_state`. Candidates with a component
        of too few rows or next to no width are spurious: they win only where all are.

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
        Number of starts; the fit of the largest likelihood is kept. In a search the
        three best candidates alone have further starts.

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

    n_factors : int, default=1
        Number of factors of 'factor' covariances, less than the number of columns.

    noise : {'uniform'}, default=None
        'uniform' lets rows belong to no component: they are spread evenly over the box
        that the rows of the fit span, so that outliers do not bend components.

    max_eigenvalue_ratio : float, default=None
        The largest eigenvalue of all covariances is at most this many times the
        smallest [6]_, in units of standardised columns (beside noise, by the rows that
        are not isolated): a constraint that keeps
        components from collapsing, for 'full', 'tied', 'diag' and 'spherical'. 1 makes
        all components balls of one size.

    Attributes
    ----------
    weights_ : ndarray of shape (n_components,)
        The weights of the components.

    means_ : ndarray of shape (n_components, n_features)
        The means of the components.

    covariances_ : ndarray
        The covariances, of shape::

            (n_features, n_features)               if 'tied' or 'EEE',
            (n_components, n_features)             if 'diag' or a name in -I but -II,
            (n_components,)                        if 'spherical' or a name in -II,
            (n_components, n_features, n_features) otherwise

    precisions_ : ndarray
        The inverses of the covariances, of the same shape.

    precisions_cholesky_ : ndarray
        Upper triangular factors :math:`P` with precision :math:`P P^T`; for
        those without covariances between columns reciprocals of standard deviations.

    factor_loadings_ : ndarray of shape (n_components, n_features, n_factors)
        Loadings :math:`\Lambda_k`, only for 'factor'. They are known up to a rotation.

    noise_variances_ : ndarray of shape (n_components, n_features)
        Variances :math:`\Psi_k` that no factor explains, only for 'factor'.

    noise_weight_ : float
        Share of the rows that belong to no component, only for ``noise='uniform'``:
        what ``weights_`` leave of 1.

    noise_support_ : ndarray of shape (2, n_features)
        Least and largest value of each column, the box of the noise.

    n_components_ : int
        Number of components: that of the best candidate of a search.

    covariance_type_ : str
        What the covariances look like: that of the best candidate of a search.

    selection_ : dict of ndarrays
        Only after a search, the table of its candidates, as a data frame can be made
        of it: ``n_components``, ``covariance_type``, ``criterion`` (lower is better;
        NaN where there is no fit), ``log_likelihood`` of all rows in nats,
        ``n_parameters``, ``spurious``, ``converged``, ``rank`` (1 is the estimator),
        and ``reason``, why there is no fit.

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
    GaussianMixtureRegressor : Regression by a mixture of inputs and outputs.
    GenerativeImputer : Imputation as a step of a pipeline.
    skgen.mixture.GaussianMixtureEnsemble : Mixtures of several sizes, averaged.
    sklearn.mixture.GaussianMixture : Mixture of scikit-learn, fitted by plain EM.

    Notes
    -----
    NaN is a cell that was not observed. It is integrated out, in `fit` by EM for
    incomplete data [3]_, which climbs the likelihood of what was observed; in
    `score_samples`, `predict`, `predict_proba` and `transform` by the marginal mixture
    of the cells that are there. Of a row without any, the log-density is 0 and the
    responsibilities are ``weights_``; it moves no parameter. Holes must not depend on the cells that they
    hide: missing at random. In `fit` they cost :math:`K` times the number of distinct
    prefixes of patterns of holes, and :math:`D^2` for each row; starts are made on a
    table that draws from one Gaussian have filled.

    With noise, `predict` has the label -1 for rows that belong to no component, and
    `predict_proba` and `transform` a last column. Outside the box no row is noise: the
    density integrates to 1.

    An iteration costs about :math:`2 N K D^2` operations for 'full', :math:`8 N K D`
    for the others, and memory for blocks of rows only. Threads
    follow ``OMP_NUM_THREADS`` and :mod:`threadpoolctl`; their number does not change
    the result.

    In a search all candidates of a size start from the same clusterings, hierarchies
    cut at each size and k-means++, race over a few steps, and take over what the best
    models of their size have found. The best three, or of fewer than four models all,
    also start as they would alone, and the better fit is kept. EM of candidates far behind is cut short: their
    ``converged`` is False. A model under two names is fitted once; ties go to the
    model of fewest parameters. The winner is climbed to `tol`.

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
    .. [3] Ghahramani, Z. and Jordan, M. I. (1993). "Supervised learning from
       incomplete data via an EM approach". Advances in Neural Information Processing
       Systems 6.
    .. [4] Celeux, G. and Govaert, G. (1995). "Gaussian parsimonious clustering models".
       Pattern Recognition 28(5). :doi:`10.1016/0031-3203(94)00125-6`
    .. [5] Ghahramani, Z. and Hinton, G. E. (1996). "The EM algorithm for mixtures of
       factor analyzers". Technical report CRG-TR-96-1, University of Toronto.
    .. [6] Fritz, H., García-Escudero, L. A. and Mayo-Iscar, A. (2013). "A fast
       algorithm for robust constrained clustering". Computational Statistics & Data
       Analysis 61. :doi:`10.1016/j.csda.2012.11.018`

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

    A search over sizes and models, in a table with holes:

    >>> from sklearn.datasets import load_iris
    >>> X = load_iris().data
    >>> X[::10, 2] = np.nan
    >>> best = EMGaussianMixture(
    ...     range(1, 4), covariance_type=["EII", "VEV"], random_state=0
    ... ).fit(X)
    >>> best.n_components_, best.covariance_type_
    (2, 'VEV')
    """  # noqa: E501

    _parameter_constraints: dict = {
        "n_components": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"auto"}),
            "array-like",
        ],
        "covariance_type": [
            StrOptions({*NAMES, "auto"}),
            list,
            tuple,
        ],
        "criterion": [StrOptions(set(CRITERIA))],
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
        "n_factors": [Interval(Integral, 1, None, closed="left")],
        "noise": [StrOptions({"uniform"}), None],
        "max_eigenvalue_ratio": [Interval(Real, 1.0, None, closed="left"), None],
    }

    def __init__(
        self,
        n_components=1,
        *,
        covariance_type="full",
        criterion="bic",
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
        n_factors=1,
        noise=None,
        max_eigenvalue_ratio=None,
    ):
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.criterion = criterion
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
        self.n_factors = n_factors
        self.noise = noise
        self.max_eigenvalue_ratio = max_eigenvalue_ratio

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

        covariance_type : str, default='full'
            What the covariances look like: any name but 'factor'. Whether they are of
            that structure is taken on trust.

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
        if parameters.get("noise") is not None:
            raise ValueError(
                "noise must be None: what is known are the components, and not where "
                f"noise may be; got {parameters['noise']!r}."
            )
        known = known_parameters(weights, means, covariances, covariance_type)
        mixture = cls(len(known.means), covariance_type=covariance_type, **parameters)
        validate_data(mixture, means, skip_check_array=True)  # names of features
        return mixture._know(known)

    def _know(self, parameters):
        """Become the fitted mixture of some parameters, in units of the data."""
        for name, array in fitted_arrays(parameters, np.float64).items():
            setattr(self, name, array)
        self.covariance_type_ = self.covariance_type
        self.n_components_ = len(parameters.means)
        self.converged_, self.n_iter_ = True, 0
        self.lower_bound_, self.lower_bounds_ = np.nan, []
        return self

    def fit(self, X, y=None, *, sample_weight=None):
        """Fit the mixture by EM, from `n_init` starts.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, NaN where a cell was not observed. float32 is fitted without a
            float64 copy; memory maps stay on disk, unless they have holes.

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
            Where `X`, the weights or initial parameters are not fit for use, a column
            is observed in no row, there are fewer rows than components, parameters do
            not go together, or a component collapses and `reg_covar` is too small to
            hold it.
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
        return fit_mixture(self, X, y, sample_weight, complain)
