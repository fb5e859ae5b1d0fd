"""What a fit says where it has not gone well, or cannot go on."""

import numpy as np

from ._regularise import AUTO_FLOOR


def _widths(frame, dtype):
    """Standard deviations of the columns, or their rounding errors where larger."""
    return np.maximum(frame.scale, np.finfo(dtype).eps * np.abs(frame.center))


def check_range(frame, dtype):
    """Variances and precisions of the columns must be floats of the rows' type."""
    logs, limits = 2.0 * np.log(_widths(frame, dtype)), np.finfo(dtype)
    if logs.min() < np.log(limits.tiny) or logs.max() > np.log(limits.max):
        raise ValueError(range_message("covariances_", frame, dtype))


def range_message(name, frame, dtype):
    """That a fitted attribute leaves what its floats can hold, and the remedy."""
    widths = _widths(frame, dtype)
    return (
        f"{name} cannot be held in {dtype}: the columns' standard deviations reach "
        f"from {widths.min():.3g} to {widths.max():.3g}. Rescale the columns, for "
        "example with StandardScaler."
    )


def ill_defined_message(dtype):
    """Why covariances came out singular, and what to do about it."""
    message = (
        "Fitting the mixture model failed because some components have "
        "ill-defined empirical covariance (for instance caused by singleton "
        "or collapsed samples). Try to decrease the number of components, "
        "increase reg_covar, or scale the input data."
    )
    if dtype == np.float32:
        message += (
            " The numerical accuracy can also be improved by passing float64"
            " data instead of float32."
        )
    return message


def complaints(fitted, reg_covar):
    """What is wrong with a fit that has ended, a message for each.

    Parameters
    ----------
    fitted : Fitted
        The best of the runs.

    reg_covar : float or 'auto'
        What covariances have been held by.
    """
    run, fitting = fitted.run, fitted.fitting
    parameters = run.best.parameters
    n_components = len(parameters.weights)
    if not run.converged and not run.stopped:  # a callback knows that it stopped
        yield (
            "Best performing initialization did not converge. Try different init "
            "parameters, or increase max_iter, tol, or check for degenerate data."
        )
    empty = np.flatnonzero(parameters.is_empty)
    if empty.size:
        yield (
            f"Components {empty.tolist()} of {n_components} are empty: no row is "
            "theirs, and they keep the mean and covariance that they had last. "
            "Decrease n_components, or try other init_params or a larger n_init."
        )
    if reg_covar != "auto":
        return
    expectation = fitting.table.of_starts(fitting.structure, fitting.generator)
    collapsed = expectation.collapsed(parameters, AUTO_FLOOR)
    if collapsed.size:
        yield (
            f"Components {collapsed.tolist()} of {n_components} collapsed: in some "
            "direction their rows are next to constant, and reg_covar='auto' holds "
            "their variance at its smallest. Decrease n_components, choose a "
            "covariance_type of fewer parameters, or, if they are real, give "
            "reg_covar as a float."
        )
