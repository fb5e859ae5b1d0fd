"""Regression by a Gaussian mixture over inputs and outputs."""

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from .._sklearn import fit_context, generator_of
from ._conditional_patterns import ConditionalPatterns
from ._conditional_rows import ConditionalRows
from ._em_gaussian_mixture import EMGaussianMixture
from ._regularise import AUTO_FLOOR

DTYPES = [np.float64, np.float32]

# What goes to the mixture, as it is.
PARAMETERS_OF_MIXTURE = (
    "n_components",
    "covariance_type",
    "criterion",
    "tol",
    "reg_covar",
    "max_iter",
    "n_init",
    "init_params",
    "n_factors",
    "random_state",
)


class GaussianMixtureRegressor(RegressorMixin, BaseEstimator):
    r"""Regression by a Gaussian mixture over inputs and outputs.

    A mixture of Gaussians is fitted to the rows :math:`(x, y)` by
    expectation-maximisation, and then asked about y given x [1]_ [2]_:

    .. math::

        p(y \mid x) = \sum_k \pi_{k|x} \, \mathcal N(y \mid m_k(x), V_k), \qquad
        \pi_{k|x} \propto \pi_k \, \mathcal N(x \mid \mu_{k,x}, \Sigma_{k,xx}),

    where :math:`m_k(x) = \mu_{k,y} + \Sigma_{k,yx} \Sigma_{k,xx}^{-1}
    (x - \mu_{k,x})` is a linear regression in each component and
    :math:`V_k = \Sigma_{k,yy} - \Sigma_{k,yx} \Sigma_{k,xx}^{-1} \Sigma_{k,xy}` what
    it leaves. `predict` returns the mean, a smooth blend of straight lines. One
    component is ordinary least squares. With more of them, width, skewness and
    number of peaks of :math:`p(y \mid x)` change with x as well.

    Parameters
    ----------
    n_components : int, 'auto' or array-like of int, default=1
        Number of components, as in :class:`EMGaussianMixture`: 'auto' or several
        numbers are searched for the best by `criterion`.

    covariance_type : str or list of str, default='full'
        What the components' covariances over :math:`(x, y)` look like, any name of
        :class:`EMGaussianMixture`; a list or 'auto' is searched for the best by
        `criterion`. With 'diag', 'spherical' and the other names in -I y does not
        depend on x within a component: the prediction blends constants.

    criterion : {'bic', 'icl', 'aic', 'held-out'}, default='bic'
        What a search minimises, as in :class:`EMGaussianMixture`. It is of the joint
        density :math:`p(x, y)`, not of :math:`p(y \mid x)`: see the notes.

    tol : float, default=1e-8
        Tolerance of EM, as in :class:`EMGaussianMixture`.

    reg_covar : float or 'auto', default='auto'
        What keeps covariances from becoming singular, as in
        :class:`EMGaussianMixture`. A float shrinks the slopes, as ridge regression
        does.

    max_iter : int, default=1000
        Largest number of EM iterations.

    n_init : int, default=1
        Number of starts; the fit of the largest likelihood is kept.

    init_params : str, default='auto'
        How the components start, as in :class:`EMGaussianMixture`.

    n_factors : int, default=1
        Number of factors of 'factor' covariances, less than the number of columns of
        X and y together.

    random_state : int, RandomState instance or None, default=None
        Seed of the starts and of :meth:`sample_y`. None draws from the operating
        system's entropy.

    Attributes
    ----------
    mixture_ : EMGaussianMixture
        The mixture over the columns of X and y, in this order. Where X came with
        names its columns have them too, and y its own or ``"y"`` (``"y0"``, ``"y1"``,
        ... where there are several).

    n_iter_ : int
        Number of iterations of EM.

    n_features_in_ : int
        Number of columns of X seen during `fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X seen during `fit`, where they are all strings.

    See Also
    --------
    EMGaussianMixture : The mixture behind it; its method ``conditional`` has the
        whole of :math:`p(y \mid x)` at one x, and of any columns given any others.
    sklearn.linear_model.LinearRegression : One component.
    sklearn.gaussian_process.GaussianProcessRegressor : Fewer rows, and a normal
        :math:`p(y \mid x)` of one width.

    Notes
    -----
    The fit maximises the likelihood of x and y together, and x has most of the
    columns: components go where the x are clustered. A search by `criterion` finds the
    best description of x and y together. Where y given x is all that counts, choose the
    number of components by cross-validation, of R² as :meth:`score` has it, or of the
    mean of :meth:`log_density`.

    NaN in X is a cell that was not observed, in `fit` and in all answers [1]_. It is
    integrated out: what is said of a row is said of :math:`p(y \mid x_o)`, given its
    observed cells :math:`x_o`, and wider than if the others had been filled in. A row
    without any has the answer of :math:`p(y)`. Holes must not depend on the cells that
    they hide: missing at random. y must be observed.

    Prediction takes :math:`K (d^2 + d m)` operations a row for d inputs and m
    outputs, and memory for blocks of rows. Rows that lack the same cells are answered
    together: each pattern of holes costs :math:`K (d + m)^3` operations once, and a
    millisecond or two.
    Predictions are float64.

    References
    ----------
    .. [1] Ghahramani, Z. and Jordan, M. I. (1994). "Supervised learning from
       incomplete data via an EM approach". Advances in Neural Information Processing
       Systems 6.
    .. [2] Sung, H. G. (2004). "Gaussian mixture regression and classification". PhD
       thesis, Rice University.

    Examples
    --------
    >>> import numpy as np
    >>> from skgen import GaussianMixtureRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-2, 2, size=(400, 1))
    >>> y = np.abs(X[:, 0]) + 0.1 * rng.normal(size=400)
    >>> regressor = GaussianMixtureRegressor(2, random_state=0).fit(X, y)
    >>> regressor.predict([[-1.0], [1.5]]).round(1)
    array([1. , 1.5])
    >>> regressor.predict_quantile([[1.5]], [0.05, 0.95]).round(1)
    array([[1.3, 1.7]])

    Where x is missing the answer is that of :math:`p(y)`:

    >>> regressor.predict([[np.nan]]).round(1), y.mean().round(1)
    (array([1.]), np.float64(1.0))
    """

    _parameter_constraints: dict = {
        name: EMGaussianMixture._parameter_constraints[name]
        for name in PARAMETERS_OF_MIXTURE
    }

    def __init__(
        self,
        n_components=1,
        *,
        covariance_type="full",
        criterion="bic",
        tol=1e-8,
        reg_covar="auto",
        max_iter=1000,
        n_init=1,
        init_params="auto",
        n_factors=1,
        random_state=None,
    ):
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.criterion = criterion
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.n_factors = n_factors
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit a mixture over the columns of X and y.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Inputs, NaN where a cell was not observed.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Outputs, all observed.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows; a weight of 2 counts as the row twice.

        Returns
        -------
        self : GaussianMixtureRegressor
            The fitted regressor.

        Raises
        ------
        ValueError
            Where `X`, `y` or the weights are not fit for use, y has NaN, a column of X
            is observed in no row, there are fewer rows than components, or the mixture
            cannot be fitted.
        """
        name_of_y = getattr(y, "name", None), getattr(y, "columns", None)
        X, y = validate_data(
            self,
            X,
            y,
            dtype=DTYPES,
            ensure_all_finite="allow-nan",
            multi_output=True,
            y_numeric=True,
            ensure_min_samples=2,
        )
        self._shape_of_y = y.shape[1:]
        rows = np.column_stack([X, y.astype(X.dtype, copy=False)])
        mixture = EMGaussianMixture(
            **{name: getattr(self, name) for name in PARAMETERS_OF_MIXTURE}
        )
        self.mixture_ = mixture.fit(rows, sample_weight=sample_weight)
        self.n_iter_ = mixture.n_iter_
        names = self._names(*name_of_y)
        if names is not None:
            mixture.feature_names_in_ = names
        return self

    def predict(self, X, return_std=False):
        r"""Mean of y given x: :math:`\sum_k \pi_{k|x} \, m_k(x)`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Inputs, NaN where a cell was not observed.

        return_std : bool, default=False
            Whether to return the standard deviations of :math:`p(y \mid x)` too,

            .. math:: \sqrt{\textstyle\sum_k \pi_{k|x} (V_k + (m_k(x) - m(x))^2)} ,

            of each output by itself.

        Returns
        -------
        y_mean : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Means.

        y_std : ndarray of the same shape
            Standard deviations, where `return_std` asks for them.
        """
        X = self._validated(X)
        shape = (len(X), *self._shape_of_y)
        if not return_std:
            return self._conditional_of(X).means(X).reshape(shape)
        means, deviations = self._conditional_of(X).means_and_deviations(X)
        return means.reshape(shape), deviations.reshape(shape)

    def predict_quantile(self, X, quantile):
        r"""Find quantiles of :math:`p(y \mid x)`, by bisection to rounding errors.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Inputs, NaN where a cell was not observed.

        quantile : float or array-like of shape (n_quantiles,)
            Probabilities that y lies below, strictly between 0 and 1; 0.5 is the
            median.

        Returns
        -------
        y_quantile : ndarray of shape (n_samples,) or (n_samples, n_quantiles)
            The quantiles, in one column for each level where several were asked for.

        Raises
        ------
        ValueError
            Where there are several outputs, or a level is not strictly between 0
            and 1.
        """
        X = self._validated(X)
        levels = _checked_levels(quantile)
        n_outputs = int(np.prod(self._shape_of_y))
        if n_outputs != 1:
            raise ValueError(
                f"predict_quantile requires one output; got a regressor of {n_outputs}."
                " Fit one regressor for each output, or use sample_y."
            )
        found = self._conditional_of(X).quantiles(X, np.atleast_1d(levels))
        return found if levels.ndim else found[:, 0]

    def log_density(self, X, y):
        r"""Log-density :math:`\log p(y \mid x)` of each row, in nats.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Inputs, NaN where a cell was not observed.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Outputs.

        Returns
        -------
        log_density : ndarray of shape (n_samples,)
            Of all outputs together. A proper score: its mean over rows held out is
            largest, in expectation, for the true distribution of y given x.

        Raises
        ------
        ValueError
            Where `y` has not the number of outputs that it had in `fit`.
        """
        check_is_fitted(self)
        X, y = validate_data(
            self,
            X,
            y,
            dtype=DTYPES,
            ensure_all_finite="allow-nan",
            multi_output=True,
            y_numeric=True,
            reset=False,
        )
        Y = np.asarray(y, dtype=np.float64).reshape(len(X), -1)
        n_outputs = int(np.prod(self._shape_of_y))
        if Y.shape[1] != n_outputs:
            raise ValueError(
                f"y must have {n_outputs} outputs, as in fit; got {Y.shape[1]}."
            )
        return self._conditional_of(X).log_densities(X, Y)

    def sample_y(self, X, n_samples=1, random_state=None):
        r"""Draw outputs from :math:`p(y \mid x)`.

        Parameters
        ----------
        X : array-like of shape (n_samples_X, n_features)
            Inputs, NaN where a cell was not observed.

        n_samples : int, default=1
            Number of draws at each row of `X`, independent of each other and of those
            at other rows.

        random_state : int, RandomState instance or None, default=None
            Seed of the draws; None takes the estimator's.

        Returns
        -------
        y_samples : ndarray of shape (n_samples_X, [n_outputs,] n_samples)
            The draws.

        Raises
        ------
        ValueError
            Where `n_samples` is below 1.
        """
        X = self._validated(X)
        if n_samples < 1:
            raise ValueError(
                f"n_samples must be at least 1; got {n_samples}. Ask for one draw or "
                "more."
            )
        generator = generator_of(
            self.random_state if random_state is None else random_state
        )
        drawn = self._conditional_of(X).draw(X, n_samples, generator)
        return drawn.reshape(len(X), *self._shape_of_y, n_samples)

    def _validated(self, X):
        check_is_fitted(self)
        return validate_data(
            self, X, dtype=DTYPES, ensure_all_finite="allow-nan", reset=False
        )

    def _conditional_of(self, X):
        """p(y | x), ready to be asked at rows like these."""
        mixture = self.mixture_
        floor = AUTO_FLOOR if mixture.reg_covar == "auto" else 0.0
        kind = ConditionalPatterns if np.isnan(X).any() else ConditionalRows
        return kind(mixture._parameters(), self.n_features_in_, floor)

    def _names(self, name, columns):
        """Names of the mixture's columns, or None where not all have one."""
        names = getattr(self, "feature_names_in_", None)
        if names is None:
            return None
        n_outputs = self.mixture_.n_features_in_ - self.n_features_in_
        found = [name] if columns is None else list(columns)
        if len(found) != n_outputs or not all(isinstance(each, str) for each in found):
            found = ["y"] if n_outputs == 1 else [f"y{i}" for i in range(n_outputs)]
        every = [*names, *found]
        return np.array(every, dtype=object) if len(set(every)) == len(every) else None

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.input_tags.allow_nan = True
        return tags


def _checked_levels(quantile):
    """Levels as an array of no or one dimension, all strictly between 0 and 1."""
    levels = np.asarray(quantile)
    if levels.ndim > 1 or levels.dtype.kind not in "iuf":
        levels = np.array([])
    if not levels.size or not ((levels > 0) & (levels < 1)).all():
        raise ValueError(
            "quantile must be a number strictly between 0 and 1, or several in one "
            f"dimension; got {quantile!r}."
        )
    return levels
