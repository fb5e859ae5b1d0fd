"""The anomaly detector: a door to a density, its calibration and its windows."""

from numbers import Real

import numpy as np
from sklearn import get_config
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.validation import has_fit_parameter

from .._sklearn import (
    HasMethods,
    Interval,
    StrOptions,
    check_row_weights,
    fit_context,
    generator_of,
    params_of_rows,
    safe_indexing,
)
from ._base import DetectorBase, slack
from ._calibration import check_enough, conformal_offset
from ._densities import MixtureDensity, fit_density
from ._windows import LEAST_CALIBRATION

# What "auto" stands for: the weights of the default model, found on many tables; the
# log-density itself for a model that the user chose.
AUTO_BETA, AUTO_DEPENDENCE = 2.0, 2.0 / 3.0
AUTO_FPR = 0.05

# Shares of rows that are equal on paper must not be told apart by rounding errors.
ROUNDING = 1e-12

# The share of the rows that calibration="split" keeps, and the fewest rows to split.
SPLIT_SHARE = 0.25
FEWEST_ROWS = 8

# Rows of the fit by which the spread of what windows are asked about is known, and by
# which the mean surprise of columns is known where telling it is slow.
WATCH_ROWS = 2000
SLOW_ROWS = 200


class KLAnomalyDetector(DetectorBase):
    r"""Anomalies by Kullback-Leibler divergence from a fitted distribution.

    A density p is fitted to the reference rows, and a row's surprise, in nats, is put
    together from parts each of which is a Kullback-Leibler divergence on average:

    .. math::

        -\log p(x) &= R(x) + K(x), \quad
        R = \operatorname{E}_{q(h|x)}[-\log p(x \mid h)], \quad
        K = \mathrm{KL}(q(h \mid x) \,\|\, p(h)) \\
        -\log p(x) &= M(x) - c(x), \quad
        M = \textstyle\sum_j -\log p_j(x_j), \quad
        \operatorname{E}_p[c] = \mathrm{KL}(p \,\|\, \textstyle\prod_j p_j)

    h being the component of a mixture or the latent vector of an autoencoder. The
    score is

    .. math:: -\big[(1 - \tau)\, M(x) + \tau\, (R(x) + \beta\, K(x))\big],

    :math:`\tau` being `dependence_weight`. With both weights 1 it is :math:`\log p(x)`.
    A small :math:`\tau` lets the columns speak for themselves: anomalies that come in
    clusters get a component of their own in p, but stay strange column by column. A
    large :math:`\beta` makes rows of small components, or far-out latent vectors,
    stranger.

    The threshold can carry a guarantee (`fpr`), columns are named by their surprise
    given the others (:meth:`transform`, :meth:`explain`), and batches are compared with
    the reference as a whole (:meth:`score_windows`).

    Parameters
    ----------
    estimator : estimator, default=None
        The density: any estimator with ``fit`` and ``score_samples``, or a pipeline
        that ends in one. None is the model described in the notes. Gaussian mixtures
        (scikit-learn's too) and :class:`~skgen.VariationalAutoencoder` tell R and K;
        for others K is 0, and `beta` has no effect. NaN and categories are welcome
        where the estimator takes them. A seed is given to it where it has none.

    beta : float or 'auto', default='auto'
        Weight :math:`\beta` of K, as in a beta-VAE [1]_. 'auto' is 2 for the default
        model, 1 otherwise.

    dependence_weight : float or 'auto', default='auto'
        Weight :math:`\tau`, between 0 (columns as if independent) and 1. 'auto' is 2/3
        for the default model, 1 otherwise.

    contamination : float or 'auto', default='auto'
        Where the threshold lies, if `fpr` is None. A float in (0, 0.5] is the share of
        the rows of `fit` below it, as in scikit-learn's detectors. 'auto' lets about
        5 % of new normal rows be below it, by the calibration rows, and up to 10 %
        where otherwise no row of `fit` were; where there are fewer than 19 calibration
        rows, 5 % of the rows of `fit`.

    fpr : float, default=None
        The share of new normal rows that may be flagged: a split-conformal threshold,
        with which the false-positive rate is at most `fpr` in expectation, whatever
        the distribution [2]_ (with `sample_weight` approximately). Rows kept for
        calibration are then kept from the model altogether.

    calibration : 'split', float or None, default='split'
        The share of rows, drawn at random, that the calibrated model does not see.
        'split' is 0.25. None keeps none: `fpr`, `p_values`, `select` and
        `score_windows` are not to be had then, and a model is fitted once, not twice.

    trim : float, default=0.0
        Share of the rows, in [0, 0.5), to leave out: the model is fitted, and fitted
        again without the rows of the lowest scores. It helps where many of the rows
        are anomalies, and costs where they are not.

    random_state : int, RandomState instance or None, default=None
        Seed of the split, of the default model and of estimators without a seed.

    Attributes
    ----------
    estimator_ : estimator
        The fitted density by which rows are scored; for ``estimator=None`` a pipeline.

    offset_ : float
        The threshold: ``decision_function(X) = score_samples(X) - offset_``.

    beta_, dependence_weight_ : float
        The weights in use.

    calibration_scores_ : ndarray of shape (n_calibration,)
        Scores of the calibration rows, ascending, by the model that has not seen them.

    n_reference_rows_ : int
        Number of rows that were given to `fit`, those of weight 0 left out.

    n_features_in_ : int
        Number of columns seen during `fit`.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns seen during `fit`, where they are all strings.

    See Also
    --------
    sklearn.ensemble.IsolationForest : Anomalies by random partitions.
    skgen.divergences.kl_divergence : The divergence of two distributions.

    Notes
    -----
    The default model scales every column by :class:`~skgen.anomaly.ArcsinhScaler`. In
    these coordinates, in which it tells its nats, p is the mean of Gaussian mixtures
    of 8, 16 and 32 components with full covariances, shrunk by d + 2 pseudo-rows to
    the pooled covariance, and each :math:`p_j` is a mixture of 4 components. Fitting
    takes time linear in rows, and quadratic to cubic in columns.

    Where `fpr` is None the model is fitted twice: to all rows, which scores, and to
    those that are not kept for calibration, on which `p_values`, `select` and
    `score_windows` rest. Where rows of `fit` are to be ranked themselves, the model has
    to have seen them all: rows that it has not seen look stranger.

    A density is a density in given coordinates, and those decide which rows are
    unlikely [3]_; rows may be likely though they are not typical [4]_, which
    `score_windows` sees for many rows together and no score for one.

    References
    ----------
    .. [1] Higgins, I. et al. (2017). "beta-VAE: learning basic visual concepts with a
       constrained variational framework". ICLR.
    .. [2] Vovk, V., Gammerman, A. and Shafer, G. (2005). "Algorithmic learning in a
       random world". Springer. :doi:`10.1007/b106715`
    .. [3] Le Lan, C. and Dinh, L. (2021). "Perfect density models cannot guarantee
       anomaly detection". Entropy 23(12). :arxiv:`2012.03808`
    .. [4] Nalisnick, E., Matsukawa, A., Teh, Y. W., Gorur, D. and Lakshminarayanan, B.
       (2019). "Do deep generative models know what they don't know?". ICLR.
       :arxiv:`1810.09136`

    Examples
    --------
    >>> import numpy as np
    >>> from skgen import KLAnomalyDetector
    >>> rng = np.random.RandomState(0)
    >>> X = rng.multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]], size=400)
    >>> detector = KLAnomalyDetector(fpr=0.05, random_state=0).fit(X)
    >>> strange = [[1.5, -1.5], [0.3, 0.4]]
    >>> detector.predict(strange)
    array([-1,  1])
    >>> bool(detector.p_values(strange)[0] < 0.02)
    True
    """

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "score_samples"]), None],
        "beta": [Interval(Real, 0.0, None, closed="left"), StrOptions({"auto"})],
        "dependence_weight": [
            Interval(Real, 0.0, 1.0, closed="both"),
            StrOptions({"auto"}),
        ],
        "contamination": [
            Interval(Real, 0.0, 0.5, closed="right"),
            StrOptions({"auto"}),
        ],
        "fpr": [Interval(Real, 0.0, 1.0, closed="neither"), None],
        "calibration": [
            Interval(Real, 0.0, 1.0, closed="neither"),
            StrOptions({"split"}),
            None,
        ],
        "trim": [Interval(Real, 0.0, 0.5, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator=None,
        *,
        beta="auto",
        dependence_weight="auto",
        contamination="auto",
        fpr=None,
        calibration="split",
        trim=0.0,
        random_state=None,
    ):
        self.estimator = estimator
        self.beta = beta
        self.dependence_weight = dependence_weight
        self.contamination = contamination
        self.fpr = fpr
        self.calibration = calibration
        self.trim = trim
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, *, sample_weight=None, **fit_params):
        """Fit the density to reference rows, and calibrate it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Reference rows: normal ones, or mostly normal ones.

        y : Ignored
            Not used, present for API consistency by convention.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows. The density must take them.

        **fit_params : dict
            Further parameters of the estimator's ``fit``. With
            ``enable_metadata_routing=True`` those that it requests.

        Returns
        -------
        self : KLAnomalyDetector
            The fitted detector.

        Raises
        ------
        ValueError
            Where `fpr` needs more calibration rows than there are, both `fpr` and
            `contamination` are given, or the rows do not fit the density.
        """
        self._check_threshold()
        rows = self._rows(X, reset=True)
        weights, rows, fit_params = self._weighted(rows, sample_weight, fit_params)
        generator = generator_of(self.random_state)
        seed, seed_of_split = generator.randint(np.iinfo(np.int32).max, size=2)
        is_default = self.estimator is None
        self.beta_ = _given(self.beta, AUTO_BETA if is_default else 1.0)
        self.dependence_weight_ = _given(
            self.dependence_weight, AUTO_DEPENDENCE if is_default else 1.0
        )
        self.n_reference_rows_ = len(weights)
        kept, others = self._split(len(weights), seed_of_split)
        if self.fpr is not None:
            check_enough(len(kept), self.fpr, weights[kept])
        self._calibrated = reference = None
        if len(kept) or self.fpr is not None:
            self._calibrated, reference = self._fitted(
                rows, others, fit_params, seed, None
            )
        everything = others
        self._density = self._calibrated
        if self.fpr is None:
            everything = np.arange(len(weights))
            self._density, _ = self._fitted(
                rows, everything, fit_params, seed, reference
            )
        self.estimator_ = self._density.estimator
        self._mean_surprises = self._usual_surprises(rows, everything, weights, seed)
        self._calibrate(rows, kept, weights)
        threshold = self._threshold(rows, weights)
        self.offset_ = float(threshold - slack(threshold))
        some = _some(others, WATCH_ROWS, seed)
        self._watch, self._watch_rows = None, None
        if len(kept) >= LEAST_CALIBRATION:  # what it takes to judge windows, if asked
            parts = safe_indexing(rows, some), safe_indexing(rows, kept)
            self._watch_rows = *parts, int(seed)
        return self

    def _check_threshold(self):
        if self.fpr is None:
            return
        if self.contamination != "auto":
            raise ValueError(
                "fpr and contamination both set the threshold: give one of them, got "
                f"fpr={self.fpr} and contamination={self.contamination}."
            )
        if self.calibration is None:
            raise ValueError(
                f"fpr={self.fpr} needs rows for calibration, got calibration=None: set "
                "calibration='split'."
            )

    def _weighted(self, rows, sample_weight, fit_params):
        """Weights, rows of positive weight, and parameters of the density's fit."""
        n_rows = rows.shape[0]
        if sample_weight is None:
            weights = np.ones(n_rows)
        else:
            weights = check_row_weights(sample_weight, np.empty((n_rows, 1)))
        params = self._routed(sample_weight, fit_params)
        positive = np.flatnonzero(weights > 0.0)
        if len(positive) < n_rows:
            rows = safe_indexing(rows, positive)
            params = params_of_rows(np.empty((n_rows, 1)), params, positive)
        if len(positive) < 2:
            raise ValueError(
                "KLAnomalyDetector needs at least 2 rows of positive weight, got "
                f"{len(positive)} of n_samples = {n_rows}."
            )
        return weights[positive], rows, params

    def _routed(self, sample_weight, fit_params):
        params = dict(fit_params)
        if sample_weight is not None:
            params["sample_weight"] = sample_weight
        if self.estimator is None:
            if fit_params:
                raise TypeError(
                    "The default model takes no other parameters of fit than "
                    f"sample_weight, got {sorted(fit_params)}."
                )
            return params
        takes_weights = has_fit_parameter(self.estimator, "sample_weight")
        if get_config()["enable_metadata_routing"]:
            params = process_routing(self, "fit", **params).estimator.fit
            takes_weights = "sample_weight" in params
        if sample_weight is not None and not takes_weights:
            raise ValueError(
                f"{type(self.estimator).__name__}.fit takes no sample_weight: choose a "
                "density that does, such as EMGaussianMixture, request it by "
                "set_fit_request with metadata routing (for a pipeline, of its last "
                "step), or fit without weights."
            )
        return params

    def _split(self, n_rows, seed):
        """Positions of rows kept for calibration, and of the others."""
        everything = np.random.RandomState(seed).permutation(n_rows)
        if self.calibration is None or (self.fpr is None and n_rows < FEWEST_ROWS):
            return everything[:0], np.arange(n_rows)
        share = SPLIT_SHARE if self.calibration == "split" else self.calibration
        n_kept = int(np.clip(round(share * n_rows), 1, max(n_rows - 2, 0)))
        return np.sort(everything[:n_kept]), np.sort(everything[n_kept:])

    def _fitted(self, rows, chosen, fit_params, seed, start):
        """A density for some of the rows, the worst of them trimmed."""

        def fitted(chosen, start):
            params = params_of_rows(np.empty((rows.shape[0], 1)), fit_params, chosen)
            some = safe_indexing(rows, chosen)
            return fit_density(self.estimator, some, params, seed, start)

        density, reference = fitted(chosen, start)
        n_worst = int(self.trim * len(chosen))
        if n_worst == 0:
            return density, reference
        scores = self._scores(density, safe_indexing(rows, chosen))
        worst = np.argsort(scores, kind="stable")[:n_worst]
        return fitted(np.sort(np.delete(chosen, worst)), None)

    def _usual_surprises(self, rows, chosen, weights, seed):
        """Mean surprise of each column over rows of the fit."""
        if self._density.nodes is not None:
            return np.zeros(self.n_features_in_)  # centred by entropy instead
        if not isinstance(self._density, MixtureDensity):
            chosen = _some(chosen, SLOW_ROWS, seed)
        surprises = -self._density.conditionals(safe_indexing(rows, chosen))
        return np.average(surprises, axis=0, weights=weights[chosen])

    def _calibrate(self, rows, kept, weights):
        self.calibration_scores_, self._calibration_weights = np.empty(0), None
        if not len(kept):
            return
        scores = self._scores(self._calibrated, safe_indexing(rows, kept))
        order = np.argsort(scores, kind="stable")
        self.calibration_scores_ = scores[order]
        self._calibration_weights = weights[kept][order]

    def _threshold(self, rows, weights):
        calibration = self.calibration_scores_, self._calibration_weights
        if self.fpr is not None:
            return conformal_offset(calibration[0], self.fpr, calibration[1])
        share = AUTO_FPR if self.contamination == "auto" else self.contamination
        enough = len(calibration[0]) >= 1.0 / AUTO_FPR - 1.0
        scores = self._scores(self._density, rows)
        if self.contamination == "auto" and enough:
            # A model that knows its rows well may have all of them above: then up to
            # twice the share of new rows may be flagged, for one row of the fit to be.
            lowest, highest = (_share_below(*calibration, k * share) for k in (1, 2))
            return float(np.clip(np.partition(scores, 1)[1], lowest, highest))
        return _share_below(scores, weights, share)

    def get_metadata_routing(self):
        """Tell which parameters of `fit` go to the density.

        Returns
        -------
        routing : MetadataRouter
            The routing.
        """
        router = MetadataRouter(owner=self).add_self_request(self)
        if self.estimator is None:
            return router
        mapping = MethodMapping().add(caller="fit", callee="fit")
        return router.add(estimator=self.estimator, method_mapping=mapping)


def _given(value, automatic):
    return automatic if value == "auto" else float(value)


def _share_below(scores, weights, share):
    """A threshold that has at most a share of the weight of scores strictly below.

    Halfway between two scores where the share ends between them; rows of weight 2 are
    then two rows, whatever the unit of weights.
    """
    order = np.argsort(scores, kind="stable")
    reached = np.cumsum(weights[order])
    ends = share * reached[-1] * (1.0 + np.array([-ROUNDING, ROUNDING]))
    places = np.minimum(np.searchsorted(reached, ends), len(order) - 1)
    return float(scores[order[places]].mean())


def _some(chosen, most, seed):
    """At most so many of some positions, drawn at random, in order."""
    if len(chosen) <= most:
        return chosen
    drawn = np.random.RandomState(seed).choice(len(chosen), most, replace=False)
    return chosen[np.sort(drawn)]
