"""Divergences from a sample of each distribution: the doors, and what they check.

The mathematics is in `_neighbors` and `_classifier`.
"""

from dataclasses import dataclass
from functools import partial
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_array

from . import _classifier, _neighbors
from ._functionals import LOG_2
from ._randomness import random_state_of
from ._result import Estimate, answer, check_base, check_confidence_level


def kl_from_samples(
    X,
    Y,
    *,
    method="knn",
    n_neighbors=5,
    classifier=None,
    cv=5,
    base=None,
    confidence_level=None,
    n_bootstraps=100,
    random_state=None,
):
    r"""Kullback-Leibler divergence of two distributions, from a sample of each.

    .. math:: D(p \| q) = E_p[\log p(x) - \log q(x)]

    Parameters
    ----------
    X : array-like of shape (n, d) or (n,)
        Sample of p. An array of one dimension is one column.

    Y : array-like of shape (m, d) or (m,)
        Sample of q.

    method : {"knn", "classifier", "donsker-varadhan", "nwj"}, default="knn"
        How the divergence is estimated:

        - "knn": by nearest neighbours [1]_. With :math:`\rho_i` the distance of row i
          of X to its k-th neighbour in X, and :math:`\nu_i` to the k-th in Y,
          :math:`\frac dn \sum_i \log \frac{\nu_i}{\rho_i} + \log \frac{m}{n - 1}`.
        - "classifier": the mean over X of :math:`T(x) \approx \log p(x) / q(x)`, as
          the odds tell it that a classifier gives for X against Y. Each row is judged
          by a classifier fitted without it.
        - "donsker-varadhan": :math:`E_p[T] - \log E_q[e^T]` with the same T. For any
          T this is a lower bound of the divergence [2]_.
        - "nwj": :math:`E_p[T] - E_q[e^T] + 1`, likewise, and smaller [3]_. Its mean
          over samples is a lower bound too.

    n_neighbors : int, default=5
        For "knn", the k. More neighbours vary less and blur more.

    classifier : estimator, default=None
        For methods with one: any scikit-learn classifier with `predict_proba`. It is
        cloned. It must see the classes as often as they come, so leave its
        `class_weight` alone. None is logistic regression on the columns, their
        squares and their products; on the columns alone where the smaller sample has
        fewer than 10 rows for each coefficient.

    cv : int, default=5
        For methods with a classifier, into how many parts the rows are dealt.

    base : float, default=None
        Base of the logarithm; None is nats, 2 is bits.

    confidence_level : float, default=None
        If given, a standard error and an interval come with the estimate.

    n_bootstraps : int, default=100
        How often rows are drawn anew to find the standard error.

    random_state : int, RandomState instance, Generator or None, default=None
        Deals rows into parts, draws them anew, and seeds a classifier that has no
        seed of its own. "knn" without an interval needs none.

    Returns
    -------
    divergence : float or DivergenceResult
        The estimate, in nats or in units of `base`. One below 0, which no
        divergence is, is told as 0. Infinite if "knn" finds a column that is one
        constant in X and another in Y.
        A result with standard error and interval if `confidence_level` is given.

    Raises
    ------
    ValueError
        If the samples differ in columns, hold NaN or infinity, or have fewer rows
        than neighbours or parts; or if a parameter is out of range.

    TypeError
        If the classifier gives no probabilities, or a number is not a number.

    See Also
    --------
    js_from_samples : Symmetric, and at most log 2.

    Notes
    -----
    **Bias.** Means of estimates for unit Gaussians, 1000 rows of each (40 seeds):

    ==== ==  ============= ============= ============== ========== ================
    D    d   "knn", k = 1  "knn", k = 5  "knn", k = 20  classifier donsker-varadhan
    ==== ==  ============= ============= ============== ========== ================
    0.1  1   0.12          0.10          0.09           0.10       0.10
    0.1  10  0.06          0.06          0.06           0.11       -0.01
    0.5  1   0.51          0.49          0.45           0.51       0.51
    0.5  10  0.36          0.34          0.32           0.53       0.37
    2    1   1.93          1.80          1.59           2.02       2.03
    2    2   1.84          1.67          1.46           2.00       2.02
    2    10  1.43          1.31          1.21           2.14       1.77
    ==== ==  ============= ============= ============== ========== ================

    Neighbours are too far away to see how q falls off around X: the larger d and the
    divergence, the more "knn" falls short, and more rows mend it slowly. It assumes
    nothing, though. The default classifier fits Gaussians because their log-ratio is
    a polynomial of degree 2; of other pairs it sees what mean and covariance show.
    Between two bumps and one Gaussian of the same variance (0.42 nats) it sees 0.00.
    There ``HistGradientBoostingClassifier(early_stopping=True, learning_rate=0.05,
    max_leaf_nodes=8)`` finds 0.37, but of 2 nats in 10 dimensions only 1.1.

    **The interval** tells how the estimate would vary over samples, not its bias: at a
    bias of one standard error a 95 % interval covers in 83 % of cases. Of 200 to 500
    repetitions with a smaller bias, 95 % intervals covered in 91 to 98 % (d = 1 and 2,
    D = 0.1 and 0.5, 500 to 1000 rows). With larger ones they fail: "knn" covered in
    84 % for 0.5 nats in two dimensions, 35 % in five, 44 % for 2 nats in one;
    "donsker-varadhan" in 55 % for 0.5 nats in ten.

    For "knn" the spread comes from random halves of the rows, drawn without
    repetition [4]_: a row drawn twice would be its own neighbour. For the others it
    comes from drawing judged rows with repetition; for "classifier" it is that of
    "nwj", since the mean of T alone leaves out what the rows of Y did to T (its own
    spread covers in 55 to 82 %, once in 92 %).

    **Columns** may have any units: "knn" divides each by its spread
    within the samples, from the quartiles, which outliers do not move. Columns that
    are sums of others do no harm. Rows that tie, as in rounded and discrete
    data, are counted within the larger of both
    distances, as in section IV of [1]_, so that samples of discrete distributions give
    the discrete divergence. Columns of both kinds side by side fit neither formula:
    use a classifier.

    **Cost.** "knn" searches twice, by trees up to 7 columns, by inner products from 8
    on: for 20,000 rows of each and 10 columns about 2 seconds. An interval takes
    as long as 25 to 50 estimates. The default classifier is linear in rows.

    References
    ----------
    .. [1] Wang, Q., Kulkarni, S. R., & Verdú, S. (2009). "Divergence estimation for
       multidimensional densities via k-nearest-neighbor distances." IEEE Transactions
       on Information Theory 55(5). :doi:`10.1109/TIT.2009.2016060`
    .. [2] Donsker, M. D., & Varadhan, S. R. S. (1983). "Asymptotic evaluation of
       certain Markov process expectations for large time. IV." Communications on Pure
       and Applied Mathematics 36(2). :doi:`10.1002/cpa.3160360204`
    .. [3] Nguyen, X., Wainwright, M. J., & Jordan, M. I. (2010). "Estimating
       divergence functionals and the likelihood ratio by convex risk minimization."
       IEEE Transactions on Information Theory 56(11).
       :doi:`10.1109/TIT.2010.2068870`
    .. [4] Politis, D. N., & Romano, J. P. (1994). "Large sample confidence regions
       based on subsamples under minimal assumptions." Annals of Statistics 22(4).
       :doi:`10.1214/aos/1176325770`

    Examples
    --------
    Two Gaussians a standard deviation apart, of which half a nat is the divergence:

    >>> import numpy as np
    >>> from skgen.divergences import kl_from_samples
    >>> rng = np.random.default_rng(0)
    >>> X, Y = rng.normal(size=1000), rng.normal(1.0, size=1000)
    >>> round(kl_from_samples(X, Y), 1)
    0.5
    >>> result = kl_from_samples(
    ...     X, Y, method="classifier", confidence_level=0.95, random_state=0
    ... )
    >>> low, high = result.confidence_interval
    >>> low < 0.5 < high
    True
    """
    return estimated(
        KULLBACK_LEIBLER,
        method,
        X,
        Y,
        Settings(n_neighbors, classifier, cv, n_bootstraps, random_state),
        base=base,
        confidence_level=confidence_level,
    )


def js_from_samples(
    X,
    Y,
    *,
    method="knn",
    n_neighbors=5,
    classifier=None,
    cv=5,
    base=None,
    confidence_level=None,
    n_bootstraps=100,
    random_state=None,
):
    r"""Jensen-Shannon divergence of two distributions, from a sample of each.

    .. math:: \tfrac12 D(p \| r) + \tfrac12 D(q \| r), \qquad r = \tfrac12 (p + q)

    It is what a draw from either tells of which one it came from, were both as likely:
    0 for the same distributions, log 2 (one bit) for those that nowhere overlap. The
    samples weigh the same, whatever their numbers of rows.

    Parameters
    ----------
    X : array-like of shape (n, d) or (n,)
        Sample of p. An array of one dimension is one column.

    Y : array-like of shape (m, d) or (m,)
        Sample of q.

    method : {"knn", "classifier"}, default="knn"
        How the divergence is estimated:

        - "knn": by nearest neighbours, as mutual information of row and sample [1]_.
          With k' rows of Y within the distance of the k-th neighbour that a row of X
          has in X, the row tells :math:`\psi(k) - \psi(k + k' n / m) + \psi(2 n) -
          \psi(n)`; so does each row of Y in its turn.
        - "classifier": log 2 less the log loss of a classifier that tells X and Y
          apart, both weighing the same. Each row is judged by a classifier
          fitted without it. In expectation this is a lower bound [2]_.

    n_neighbors : int, default=5
        For "knn", the k in the smaller sample; in the larger one it is larger in
        proportion, so that neighbours are equally far.

    classifier : estimator, default=None
        For methods with one: any scikit-learn classifier with `predict_proba`. It is
        cloned. It must see the classes as often as they come, so leave its
        `class_weight` alone. None is logistic regression on the columns, their
        squares and their products; on the columns alone where the smaller sample has
        fewer than 10 rows for each coefficient.

    cv : int, default=5
        For methods with a classifier, into how many parts the rows are dealt.

    base : float, default=None
        Base of the logarithm; None is nats, 2 is bits.

    confidence_level : float, default=None
        If given, a standard error and an interval come with the estimate.

    n_bootstraps : int, default=100
        How often rows are drawn anew to find the standard error.

    random_state : int, RandomState instance, Generator or None, default=None
        Deals rows into parts, draws them anew, and seeds a classifier that has no
        seed of its own. "knn" without an interval needs none.

    Returns
    -------
    divergence : float or DivergenceResult
        The estimate, in nats or in units of `base`. What lies outside
        [0, log 2] is told as the nearer end. log 2 if "knn" finds a column that is
        one constant in X and another in Y.
        A result with standard error and interval if `confidence_level` is given.

    Raises
    ------
    ValueError
        If the samples differ in columns, hold NaN or infinity, or have fewer rows
        than neighbours or parts; or if a parameter is out of range.

    TypeError
        If the classifier gives no probabilities, or a number is not a number.

    See Also
    --------
    kl_from_samples : The divergence without the midpoint.

    Notes
    -----
    **Bias.** Means of estimates for unit Gaussians, 1000 rows of each (40 seeds):

    ====== ==  ============ ==========
    truth  d   "knn", k = 5 classifier
    ====== ==  ============ ==========
    0.024  1   0.024        0.024
    0.024  10  0.021        0.002
    0.111  1   0.113        0.112
    0.111  10  0.105        0.089
    0.337  1   0.339        0.338
    0.337  2   0.343        0.336
    0.337  10  0.328        0.315
    ====== ==  ============ ==========

    No row can tell more than log 2, so that little is lost where densities fall
    off: "knn" is far closer than :func:`kl_from_samples` is. With 4000 rows
    against 100 it gives 0.00, 0.12 and 0.35 for 0, 0.11 and 0.34 in one dimension.
    The default classifier sees what mean and covariance show: see there.

    **The interval** tells how the estimate would vary over samples, not its bias.
    95 % intervals covered in 91 to 99 % of 100 to 500 repetitions (d = 1 and 2, 500
    to 1000 rows); that of "classifier" in 48 % for 0.111 nats in ten dimensions. For
    "knn" it comes from random halves of the rows, for "classifier" from drawing
    judged rows with repetition.

    **Columns** may have any units, and rows may tie: see :func:`kl_from_samples`.

    **Cost.** "knn" searches once and counts once in each direction.

    References
    ----------
    .. [1] Ross, B. C. (2014). "Mutual information between discrete and continuous data
       sets." PLoS ONE 9(2). :doi:`10.1371/journal.pone.0087357`
    .. [2] Nguyen, X., Wainwright, M. J., & Jordan, M. I. (2010). "Estimating
       divergence functionals and the likelihood ratio by convex risk minimization."
       IEEE Transactions on Information Theory 56(11).
       :doi:`10.1109/TIT.2010.2068870`

    Examples
    --------
    >>> import numpy as np
    >>> from skgen.divergences import js_from_samples
    >>> rng = np.random.default_rng(0)
    >>> X, Y = rng.normal(size=1000), rng.normal(1.0, size=500)
    >>> round(js_from_samples(X, Y), 1)
    0.1
    >>> round(js_from_samples(X, X + 100.0, base=2), 2)
    1.0
    """
    return estimated(
        JENSEN_SHANNON,
        method,
        X,
        Y,
        Settings(n_neighbors, classifier, cv, n_bootstraps, random_state),
        base=base,
        confidence_level=confidence_level,
    )


@dataclass(frozen=True)
class Settings:
    """What the caller chose, beside the method."""

    n_neighbors: int
    classifier: BaseEstimator | None
    cv: int
    n_bootstraps: int
    random_state: object


@dataclass(frozen=True)
class Divergence:
    """One of the two: how its methods are called, and its range in nats."""

    methods: dict
    highest: float


def estimated(divergence, method, X, Y, settings, *, base, confidence_level):
    """Check what both functions take, and hand over to the method."""
    check_base(base)
    check_confidence_level(confidence_level)
    check_method(method, divergence.methods)
    X, Y = check_samples(X, Y)
    n_bootstraps = check_count("n_bootstraps", settings.n_bootstraps, lowest=2)
    n_replicates = 0 if confidence_level is None else n_bootstraps
    if settings.classifier is not None and method == "knn":
        raise ValueError(
            "method='knn' uses no classifier, and one was given: leave it None, or "
            "choose method='classifier'."
        )
    value, replicates = divergence.methods[method](X, Y, settings, n_replicates)
    return answer(
        with_spread(value, replicates, method),
        base=base,
        confidence_level=confidence_level,
        highest=divergence.highest,
    )


def with_spread(value, replicates, method):
    """An estimate whose standard error is the spread of replicates, if there are."""
    if len(replicates) == 0:
        return Estimate(value, method)
    return Estimate(
        value,
        method,
        standard_error=np.std(replicates, ddof=1),
        degrees_of_freedom=len(replicates) - 1,
    )


def by_neighbors(X, Y, settings, n_replicates, *, statistic, farthest, beyond):
    """Value and replicates of a statistic of nearest neighbours.

    It needs `beyond` rows of X and of Y in addition to the number of neighbours: one
    where rows have their neighbours in the sample that they are of.
    """
    n_neighbors = check_count("n_neighbors", settings.n_neighbors, lowest=1)
    check_rows_suffice(X, Y, n_neighbors, beyond, halves=n_replicates > 0)
    generator = random_state_of(settings.random_state)
    try:
        X, Y = _neighbors.on_one_scale(X, Y)
    except _neighbors.ApartError:
        return farthest, np.zeros(n_replicates)
    statistic = partial(statistic, n_neighbors=n_neighbors)
    return statistic(X, Y), _neighbors.halved(X, Y, statistic, n_replicates, generator)


def by_classifier(X, Y, settings, n_replicates, *, reading, spread_of=None):
    """Value of a reading of log-ratios, and replicates that tell its spread."""
    cv = check_count("cv", settings.cv, lowest=2)
    check_parts_have_rows(X, Y, cv)
    check_classifier(settings.classifier)
    generator = random_state_of(settings.random_state)
    at_rows = _classifier.held_out_log_ratios(X, Y, settings.classifier, cv, generator)
    replicates = _classifier.resampled(
        *at_rows, spread_of or reading, n_replicates, generator
    )
    return reading(*at_rows), replicates


KULLBACK_LEIBLER = Divergence(
    methods={
        "knn": partial(
            by_neighbors,
            statistic=_neighbors.kullback_leibler,
            farthest=np.inf,
            beyond=(1, 0),
        ),
        # The mean of T moves with the rows of Y that T was fitted to. To first order
        # its variance is that of the reading at whose optimum T stands.
        "classifier": partial(
            by_classifier,
            reading=_classifier.plug_in,
            spread_of=_classifier.nguyen_wainwright_jordan,
        ),
        "donsker-varadhan": partial(
            by_classifier, reading=_classifier.donsker_varadhan
        ),
        "nwj": partial(by_classifier, reading=_classifier.nguyen_wainwright_jordan),
    },
    highest=np.inf,
)

JENSEN_SHANNON = Divergence(
    methods={
        "knn": partial(
            by_neighbors,
            statistic=_neighbors.jensen_shannon,
            farthest=LOG_2,
            beyond=(1, 1),
        ),
        "classifier": partial(by_classifier, reading=_classifier.balanced_log_loss),
    },
    highest=LOG_2,
)


def check_method(method, methods):
    """Raise unless a method is one of those there are."""
    if not isinstance(method, str) or method not in methods:
        choices = ", ".join(map(repr, methods))
        raise ValueError(f"method must be one of {choices}; got {method!r}.")


def check_samples(X, Y):
    """Both samples as float64 arrays of as many columns."""
    names = [column_names(sample) for sample in (X, Y)]
    X, Y = check_sample(X, "X"), check_sample(Y, "Y")
    if X.shape[1] != Y.shape[1]:
        raise ValueError(
            f"X and Y must have the same columns; X has shape {X.shape} and Y has "
            f"shape {Y.shape}."
        )
    if None not in names and names[0] != names[1]:
        raise ValueError(
            f"X and Y must have the same columns in the same order; X has "
            f"{names[0]} and Y has {names[1]}."
        )
    return X, Y


def column_names(sample):
    """Those of a table, None for an array."""
    columns = getattr(sample, "columns", None)
    return None if columns is None else list(columns)


def check_sample(sample, name):
    """A sample as a float64 array of shape (n_rows, n_columns)."""
    if np.ndim(sample) == 1:
        sample = np.reshape(sample, (-1, 1))
    return check_array(sample, dtype=np.float64, input_name=name)


def check_count(name, count, *, lowest):
    """The count, which is an integer of at least `lowest`."""
    if not isinstance(count, Integral) or isinstance(count, bool):
        raise TypeError(f"{name} must be an integer; got {count!r}.")
    if count < lowest:
        raise ValueError(f"{name} must be {lowest} or more; got {count}.")
    return int(count)


def check_rows_suffice(X, Y, n_neighbors, beyond, *, halves):
    """Raise unless each row has as many neighbours as asked for."""
    needed = n_neighbors + np.array(beyond)
    reason = f"n_neighbors={n_neighbors}"
    if halves:  # of which each must do on its own
        needed *= 2
        reason += " with confidence_level"
    if len(X) < needed[0] or len(Y) < needed[1]:
        raise ValueError(
            f"{reason} needs {needed[0]} rows of X and {needed[1]} rows of Y; X has "
            f"{len(X)} and Y has {len(Y)}. Lower n_neighbors, or bring more rows."
        )


def check_parts_have_rows(X, Y, cv):
    """Raise unless each part can hold a row of either sample."""
    if min(len(X), len(Y)) < cv:
        raise ValueError(
            f"cv={cv} needs {cv} rows of X and of Y; X has {len(X)} and Y has "
            f"{len(Y)}. Lower cv, or bring more rows."
        )


def check_classifier(classifier):
    """Raise unless a classifier tells probabilities."""
    if classifier is None:
        return
    if isinstance(classifier, type):
        raise TypeError(
            f"classifier must be an instance; got the class {classifier.__name__}. "
            f"Write {classifier.__name__}()."
        )
    if not hasattr(classifier, "predict_proba"):
        raise TypeError(
            f"classifier must have predict_proba, and {classifier!r} has none. "
            "CalibratedClassifierCV gives probabilities to any classifier."
        )
