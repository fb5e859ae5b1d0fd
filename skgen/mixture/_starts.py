"""Where EM starts: scikit-learn's four ways, and a race of many candidates."""

import numpy as np
from sklearn.cluster import KMeans, kmeans_plusplus

from ..gaussian import MixtureParameters, maximise
from ._race import race, whole


def initial_parameters(
    name, expectation, n_components, generator, regularisation, means=None
):
    """Parameters from which EM may start.

    Parameters
    ----------
    name : str
        ``init_params`` of the estimator.

    expectation : Expectation
        Holds rows, structure and threads.

    n_components : int
        Number of components.

    generator : RandomState
        Source of randomness.

    regularisation : Regularisation
        Applied to the covariances.

    means : ndarray of shape (n_components, n_features), default=None
        Means that the user gave, in units of the frame. "auto" then lets each row
        go to the nearest of them; scikit-learn's ways do not look at them.

    Returns
    -------
    parameters : MixtureParameters
        In units of the rows' frame.

    Raises
    ------
    IllDefinedCovarianceError
        Where a component's covariance is singular and not regularised.
    """
    if n_components == 1:
        responsibilities, sequential = _everything, False
    elif name == "auto" and means is None:
        found = race(expectation, n_components, generator)
        covariances = regularisation(found.structure, found.covariances)
        return MixtureParameters.of_covariances(
            found.structure, found.weights, found.means, covariances
        )
    elif name == "auto":
        responsibilities, sequential = _of_nearest(expectation.rows, means), False
    else:
        responsibilities = RESPONSIBILITIES[name](
            expectation.rows, n_components, generator
        )
        sequential = name == "random"
    statistics = expectation.of_responsibilities(
        responsibilities, n_components, sequential=sequential
    )
    return maximise(statistics, whole(expectation, n_components), regularisation)


def _everything(block):
    return np.ones((1, block.stop - block.start))


def _of_labels(labels, n_components):
    components = np.arange(n_components)[:, None]
    return lambda block: (labels[block] == components).astype(float)


def _of_nearest(rows, means):
    """Rows of the nearest of some means, in units of the frame."""
    squares = 0.5 * np.square(means).sum(axis=1)[:, None]
    components = np.arange(len(means))[:, None]

    def responsibilities(block):
        labels = (squares - means @ rows.columns(block)).argmin(axis=0)
        return (labels == components).astype(float)

    return responsibilities


def _of_rows(positions):
    """Each component responsible for one row alone."""
    positions = np.asarray(positions)[:, None]
    return lambda block: (positions == np.arange(block.start, block.stop)).astype(float)


def _kmeans(rows, n_components, generator):
    model = KMeans(n_clusters=n_components, n_init=1, random_state=generator)
    return _of_labels(
        model.fit(rows.X, sample_weight=rows.weights).labels_, n_components
    )


def _kmeans_plusplus(rows, n_components, generator):
    _, positions = kmeans_plusplus(
        rows.X, n_components, sample_weight=rows.weights, random_state=generator
    )
    return _of_rows(positions)


def _random_from_data(rows, n_components, generator):
    return _of_rows(generator.choice(rows.n_rows, size=n_components, replace=False))


def _random(rows, n_components, generator):
    """Uniform responsibilities, drawn anew block by block in each sequential pass."""
    state = generator.get_state(legacy=False)

    def responsibilities(block):
        if block.start == 0:
            generator.set_state(state)
        drawn = generator.uniform(size=(block.stop - block.start, n_components))
        return (drawn / drawn.sum(axis=1, keepdims=True)).T

    return responsibilities


RESPONSIBILITIES = {
    "kmeans": _kmeans,
    "k-means++": _kmeans_plusplus,
    "random": _random,
    "random_from_data": _random_from_data,
}
