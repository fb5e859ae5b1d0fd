"""From an estimator's parameters and rows to its fitted attributes."""

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import validate_data

from .._warnings import warn_user
from ..em import Workers
from ..gaussian import IllDefinedCovarianceError
from ._base import generators_of
from ._complaints import complaints, ill_defined_message
from ._fitting import Fitting, Table, last_solution, plan_of
from ._initial_parameters import check_initial_parameters, check_last_solution
from ._rows import counted_rows
from ._selection import ALL_SPURIOUS, Search, all_spurious, least_components, wanted_of
from ._structure import structure_of
from ._watch import Watch

# Of starts whose likelihoods, in nats per row, lie this close the first is kept:
# they found one maximum, and rounding errors must not choose its labels.
TIED_BOUNDS = 1e-10


def fit_mixture(mixture, X, y, sample_weight, complain):
    """Fit an estimator, and return the validated rows.

    Parameters
    ----------
    mixture : EMGaussianMixture
        The estimator, its parameters validated one by one.

    X, y, sample_weight
        As in `fit`.

    complain : bool
        Whether to warn of what has not gone well.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        All rows, those of weight 0 as well.
    """
    wanted = wanted_of(mixture)
    warm = mixture.warm_start and hasattr(mixture, "converged_")
    X = validate_data(
        mixture,
        X,
        dtype=[np.float64, np.float32],
        ensure_all_finite="allow-nan",
        ensure_min_samples=2,
        reset=not warm,
    )
    counted = counted_rows(
        X,
        sample_weight,
        least_components(mixture.n_components),
        getattr(mixture, "feature_names_in_", None),
    )
    data = {"X": X, "y": y, "metadata": None}
    if sample_weight is not None:
        data["metadata"] = {"sample_weight": sample_weight}
    plan = plan_of(mixture, X.shape[1], counted.unit)
    with Workers() as workers:
        table = Table(counted, workers, noise=mixture.noise is not None)
        try:
            if wanted is None:
                fitted, selection = _best_of_starts(mixture, table, plan, warm, data)
            else:
                fitted, selection = _best_of_search(mixture, wanted, table, plan, data)
        except IllDefinedCovarianceError as error:
            raise ValueError(ill_defined_message(X.dtype)) from error
        _keep(mixture, fitted, selection)
        if complain:
            _complain(mixture, fitted, selection)
    return X


def _best_of_starts(mixture, table, plan, warm, data):
    """Run EM from each start; the fit of the largest bound, and no selection."""
    n_features = table.X.shape[1]
    structure = structure_of(mixture.covariance_type, mixture.n_factors, n_features)
    given = check_initial_parameters(mixture, structure, n_features)
    if warm:
        check_last_solution(mixture, structure)
    n_starts = 1 if warm else mixture.n_init
    context = mixture._init_callback_context(max_subtasks=n_starts)
    context.call_on_fit_task_begin(estimator=mixture, **data)
    best = None
    for number, generator in enumerate(generators_of(mixture.random_state, n_starts)):
        fitting = Fitting(table, structure, mixture.covariance_type, generator)
        watch = Watch(mixture, context, number, data, fitting.attributes_of)
        watch.open()
        start = (
            last_solution(mixture, fitting)
            if warm
            else fitting.start(mixture.init_params, mixture.n_components, given, plan)
        )
        fitted = fitting.climb(start, plan, watch)
        if best is None or fitted.bound > best.bound + TIED_BOUNDS:
            best = fitted
        if watch.close(fitted.run):
            break
    context.call_on_fit_task_end(
        estimator=mixture, **data, reconstruction_attributes=best.attributes
    )
    return best, None


def _best_of_search(mixture, wanted, table, plan, data):
    """Fit all candidates; the best fit, and the table of them all."""
    generators = generators_of(mixture.random_state, mixture.n_init)
    search = Search(mixture, wanted, table, plan, data, generators)
    context = mixture._init_callback_context(max_subtasks=search.n_tasks)
    context.call_on_fit_task_begin(estimator=mixture, **data)
    fitted = search.run(context)
    context.call_on_fit_task_end(
        estimator=mixture, **data, reconstruction_attributes=fitted.attributes
    )
    return fitted, search.table_of_candidates()


# What only some fits leave, or what was said of parameters that are gone.
_OF_SOME_FITS = (
    "selection_",
    "noise_weight_",
    "noise_support_",
    "factor_loadings_",
    "noise_variances_",
    "kl_divergence_",
)


def _keep(mixture, fitted, selection):
    attributes = fitted.checked_attributes()
    for name in _OF_SOME_FITS:
        vars(mixture).pop(name, None)
    if selection is not None:
        attributes["selection_"] = selection
    for name, value in attributes.items():
        setattr(mixture, name, value)


def _complain(mixture, fitted, selection):
    if selection is not None and all_spurious(selection):
        warn_user(ALL_SPURIOUS, ConvergenceWarning)
    if mixture.max_iter == 0:
        return  # the start was asked for, whatever it is like
    for complaint in complaints(fitted, mixture.reg_covar):
        warn_user(complaint, ConvergenceWarning)
