"""Evidence of rows under a Gaussian mixture, from definitions, and samples of it."""

import numpy as np
from scipy.special import logsumexp, ndtr, ndtri
from scipy.stats import multivariate_normal, norm

from skgen.anomaly._window_statistics import RowEvidence


def mixture(rng, n_components, n_features):
    """Weights, means and covariances of a random mixture."""
    means = 2 * rng.normal(size=(n_components, n_features))
    roots = 0.3 * rng.normal(size=(n_components, n_features, n_features))
    covariances = roots @ roots.mT + 0.5 * np.eye(n_features)
    return rng.dirichlet(np.full(n_components, 5.0)), means, covariances


def sample(rng, parameters, n):
    """Rows of a mixture."""
    weights, means, covariances = parameters
    labels = rng.choice(len(weights), n, p=weights)
    noise = rng.normal(size=(n, means.shape[1]))
    factors = np.linalg.cholesky(covariances)
    return means[labels] + np.einsum("nij,nj->ni", factors[labels], noise)


def evidence(parameters, X):
    """Surprise, responsibilities, rows and conditional scores."""
    weights, means, covariances = parameters
    joint = np.stack(
        [
            np.log(w) + multivariate_normal(m, c).logpdf(X).reshape(len(X))
            for w, m, c in zip(weights, means, covariances)
        ],
        axis=1,
    )
    log_densities = logsumexp(joint, axis=1)
    scores = conditional_scores(joint, parameters, X)
    responsibilities = np.exp(joint - log_densities[:, None])
    return RowEvidence(-log_densities, responsibilities, X, scores)


def conditional_scores(joint, parameters, X):
    """Normal quantiles of each column's distribution function given the others."""
    _, means, covariances = parameters
    precisions = np.linalg.inv(covariances)
    scales = np.diagonal(precisions, axis1=1, axis2=2) ** -0.5
    residuals = np.einsum("nki,kij->nkj", X[:, None] - means, precisions) * scales
    others = joint[:, :, None] - norm.logpdf(residuals) + np.log(scales)
    shares = np.exp(others - logsumexp(others, axis=1, keepdims=True))
    probabilities = (shares * ndtr(residuals)).sum(axis=1)
    return np.clip(ndtri(np.minimum(probabilities, 1.0)), -4, 4)
