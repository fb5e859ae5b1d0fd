"""What a name of `covariance_type` stands for."""

from ..gaussian import STRUCTURES, Factor, check_n_factors

#: All names that `covariance_type` may have.
NAMES = (*STRUCTURES, "factor")


def structure_of(covariance_type, n_factors, n_features):
    """The structure of a name.

    Parameters
    ----------
    covariance_type : str
        scikit-learn's or mclust's name, or 'factor'.

    n_factors : int
        Number of factors, which must be less than `n_features`.

    n_features : int
        Number of columns.

    Returns
    -------
    structure : CovarianceStructure
        The structure.
    """
    if covariance_type != "factor":
        return STRUCTURES[covariance_type]
    check_n_factors(n_factors, n_features)
    return Factor(n_factors)
