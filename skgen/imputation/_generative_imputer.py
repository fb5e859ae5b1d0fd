"""A transformer that fills missing cells by the ``impute`` of a generative model."""

from sklearn import get_config
from sklearn.base import (
    BaseEstimator,
    MetaEstimatorMixin,
    OneToOneFeatureMixin,
    TransformerMixin,
    clone,
)
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.validation import check_is_fitted

from ..mixture import GaussianMixtureEnsemble

_REQUIRED_METHODS = ("fit", "impute")


class GenerativeImputer(
    OneToOneFeatureMixin, TransformerMixin, MetaEstimatorMixin, BaseEstimator
):
    r"""Fill missing cells from a generative model of the rows.

    A generative model knows the joint distribution :math:`p(x)` of a row, and thus
    that of its missing cells given those observed,
    :math:`p(x_\mathrm{mis} \mid x_\mathrm{obs})`. Its method ``impute`` fills the
    former by the latter; this transformer makes that a step of a
    :class:`~sklearn.pipeline.Pipeline`.

    Parameters
    ----------
    estimator : estimator object, default=None
        The generative model, with methods ``fit(X, y=None)`` and ``impute(X)``, where
        ``impute`` returns the rows with their missing cells filled and the observed
        ones as they were. It is cloned, and stays unfitted. None is
        ``GaussianMixtureEnsemble(random_state=random_state)``: Gaussian mixtures of
        several sizes, averaged, for tables of numbers.

    random_state : int, RandomState instance or None, default=None
        Seed of the default model. An `estimator` has its own.

    Attributes
    ----------
    estimator_ : estimator object
        The fitted model.

    n_features_in_ : int
        Number of features seen during :term:`fit`, as `estimator_` has it.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during :term:`fit`, as `estimator_` has them. Defined
        only when `X` has feature names that are all strings.

    See Also
    --------
    skgen.mixture.GaussianMixtureEnsemble : The default model.
    EMGaussianMixture : One Gaussian mixture.
    VariationalAutoencoder : A model with ``impute``, for mixed columns too.
    sklearn.impute.SimpleImputer : Fills all holes of a column by one value.
    sklearn.impute.IterativeImputer : Regresses each column on the others in turn.

    Notes
    -----
    Whether a filled cell is a mean, a mode or a draw is up to the model. What is drawn
    carries the spread of the missing cells; a mean does not, so that variances and
    correlations computed from filled tables come out wrong [1]_.

    A conditional model, such as ``VariationalAutoencoder(conditional=True)``, is given
    `y` in `fit` alone: `transform` has none, so that the model has to sum over it. One
    that was fitted to too many different `y` for that, such as quantities, raises in
    `transform`: put them among the columns of `X` instead.

    `transform` has the time and the memory of the model's ``impute``, and returns what
    it returns, in the container that :meth:`set_output` chose.

    References
    ----------
    .. [1] Rubin, D. B. (1987). "Multiple Imputation for Nonresponse in Surveys". Wiley.
       :doi:`10.1002/9780470316696`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skgen import EMGaussianMixture, GenerativeImputer
    >>> X, y = load_iris(return_X_y=True)
    >>> X[::3, 0] = np.nan
    >>> imputer = GenerativeImputer(random_state=0)
    >>> pipeline = make_pipeline(imputer, LogisticRegression(max_iter=1000))
    >>> bool(pipeline.fit(X, y).score(X, y) > 0.9)
    True
    >>> one = GenerativeImputer(EMGaussianMixture(3, random_state=0))
    >>> bool(np.isnan(one.fit_transform(X)).any())
    False
    """

    def __init__(self, estimator=None, *, random_state=None):
        self.estimator = estimator
        self.random_state = random_state

    def fit(self, X, y=None, **params):
        """Fit a clone of the model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, with missing cells where the model takes them.

        y : array-like of shape (n_samples,), default=None
            Handed to the model's ``fit``.

        **params : dict
            Parameters of the model's ``fit``, such as ``sample_weight``. With
            ``enable_metadata_routing=True`` those that it requests by
            ``set_fit_request``; otherwise all of them.

        Returns
        -------
        self : GenerativeImputer
            The fitted transformer.

        Raises
        ------
        TypeError
            Where `estimator` has no ``fit`` or no ``impute``.
        """
        model = self._model()
        _check_methods(model)
        params = self._params_of_fit(params)
        self.estimator_ = clone(model).fit(X, y, **params)
        return self

    def transform(self, X):
        """Fill the missing cells.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        X_filled : {ndarray, data frame} of shape (n_samples, n_features)
            The rows without missing cells.
        """
        check_is_fitted(self)
        return self.estimator_.impute(X)

    def _model(self):
        """The model to be fitted."""
        if self.estimator is not None:
            return self.estimator
        return GaussianMixtureEnsemble(random_state=self.random_state)

    @property
    def n_features_in_(self):
        """Number of features seen during `fit`."""
        return self._of_model("n_features_in_")

    @property
    def feature_names_in_(self):
        """Names of features seen during `fit`."""
        return self._of_model("feature_names_in_")

    def _of_model(self, name):
        if not hasattr(self, "estimator_"):
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r} before it "
                "is fitted: call fit."
            )
        return getattr(self.estimator_, name)

    def get_metadata_routing(self):
        """Tell which parameters of `fit` go to the model.

        Returns
        -------
        routing : MetadataRouter
            The routing.
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        return MetadataRouter(owner=self).add(
            estimator=self._model(), method_mapping=mapping
        )

    def _params_of_fit(self, params):
        if not get_config()["enable_metadata_routing"]:
            return params
        return process_routing(self, "fit", **params).estimator.fit

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self._model())
        tags.input_tags = inner.input_tags
        tags.input_tags.allow_nan = True
        tags.non_deterministic = inner.non_deterministic
        tags.transformer_tags.preserves_dtype = []  # as the model does
        return tags


def _check_methods(estimator):
    if isinstance(estimator, type):
        raise TypeError(
            f"GenerativeImputer needs an instance of an estimator, got the class "
            f"{estimator.__name__}: pass {estimator.__name__}()."
        )
    lacking = [name for name in _REQUIRED_METHODS if not hasattr(estimator, name)]
    if lacking:
        raise TypeError(
            "GenerativeImputer needs an estimator with the methods fit and impute, got "
            f"{type(estimator).__name__}, which lacks {' and '.join(lacking)}: pass a "
            "generative model that can fill missing cells."
        )
