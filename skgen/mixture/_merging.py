"""Which components of a Gaussian mixture to merge: greedily, then by reassignment.

Everything is told by labels, the number of the group that each component is merged
into; moments of groups are taken from the original components once more, so that no
rounding errors pile up over a thousand merges. No estimator lives here.
"""

import numpy as np

from ..divergences._gaussians import kl_between_components
from ..gaussian import STRUCTURES

# Pairs times squared dimensions whose matrices are held in memory at a time.
BLOCK = 1 << 22

# Variances, relative to the largest one, that are rounding errors of its matrix.
ROUNDING = 1e-14

# A component changes its group for a divergence smaller than by this share: rounding
# errors must not send components back and forth.
LEAST_IMPROVEMENT = 1e-9

# Rounds of reassignment. Each one that changes something lowers a sum over finitely
# many partitions; a few rounds do in practice.
MOST_ROUNDS = 200


def runnalls_costs(groups, number, others):
    r"""Upper bounds of what merging adds to D(original ‖ reduced), Runnalls (2007).

    .. math::

        B(i, j) = \tfrac12 [(w_i + w_j) \log|P_{ij}| - w_i \log|P_i| - w_j \log|P_j|].

    Parameters
    ----------
    groups : Groups
        The present groups.

    number : int
        One of them.

    others : ndarray of shape (n_others,)
        Numbers of groups to merge it with.

    Returns
    -------
    costs : ndarray of shape (n_others,)
        The bounds, each at least 0 to rounding.
    """
    weights, covariances = groups.merged(number, others)
    logs = groups.log_determinants
    before = (
        groups.weights[others] * logs[others] + groups.weights[number] * logs[number]
    )
    return 0.5 * (weights * log_determinants(covariances) - before)


def salmond_costs(groups, number, others):
    r"""Increase of the spread between groups, Salmond (1990).

    .. math::

        \frac{w_i w_j}{w_i + w_j} (\mu_i - \mu_j)^T P^{-1} (\mu_i - \mu_j)

    with P the covariance of the whole mixture. Parameters and result are those of
    `runnalls_costs`.
    """
    ours, theirs = groups.weights[number], groups.weights[others]
    shifts = (groups.means[others] - groups.means[number]) @ groups.whitening
    return ours * theirs / (ours + theirs) * np.square(shifts).sum(axis=1)


COSTS = {"runnalls": runnalls_costs, "salmond": salmond_costs}


class Groups:
    """Components and, after merges, groups of them with their moments.

    The lighter group of a pair keeps its cost, and remembers the cheapest of its
    partners. Were it both, the lightest group would be the cheapest partner of very
    many, and all of them would have to look for another one once it is merged.

    Parameters
    ----------
    mixture : GaussianMixtureDensity
        The components, in a frame of their own.

    costs : callable
        One of `COSTS`.
    """

    def __init__(self, mixture, costs):
        self._costs = costs
        self.weights = mixture.weights.copy()
        self.means = mixture.means.copy()
        self.covariances = mixture.covariances.copy()
        self.log_determinants = mixture.log_determinants.copy()
        everyone = np.zeros(mixture.n_components, dtype=int)
        self.whitening = matched(mixture, everyone).precision_roots[0]
        self.labels = np.arange(mixture.n_components)
        self.present = np.arange(mixture.n_components)
        self.partner = np.zeros(mixture.n_components, dtype=int)
        self.cheapest = np.full(mixture.n_components, np.inf)
        # whether `cheapest` is but a lower bound, its partner being gone
        self.outdated = np.zeros(mixture.n_components, dtype=bool)
        for number in self.present:
            self._look_around(number)

    def merged(self, number, others):
        """Weights, and covariances, of a group merged with each of the others."""
        weights = self.weights[number] + self.weights[others]
        share = (self.weights[others] / weights)[:, None, None]
        shifts = self.means[others] - self.means[number]
        between = (1.0 - share) * shifts[:, :, None] * shifts[:, None, :]
        within = self.covariances[others] - self.covariances[number] + between
        within *= share
        within += self.covariances[number]
        return weights, within

    def merge_cheapest(self):
        """Merge the pair of least cost."""
        first, second = self._cheapest_pair()
        weights, covariances = self.merged(first, np.array([second]))
        share = self.weights[second] / weights[0]
        self.means[first] += share * (self.means[second] - self.means[first])
        self.weights[first], self.covariances[first] = weights[0], covariances[0]
        self.log_determinants[first] = log_determinants(covariances)[0]
        self.labels[self.labels == second] = first
        self.present = self.present[self.present != second]
        self._meet_again(first, second)

    def _cheapest_pair(self):
        """The pair of least cost; lower bounds are made good when they come up."""
        while True:
            first = self.present[self.cheapest[self.present].argmin()]
            if not self.outdated[first]:
                return first, self.partner[first]
            self._look_around(first)

    def _meet_again(self, first, second):
        """Let lighter groups know of a new one that has taken the place of two."""
        self._look_around(first)
        lighter = self.present[~self._is_heavier(self.present, first)]
        lighter = lighter[lighter != first]
        self.outdated[lighter] |= np.isin(self.partner[lighter], (first, second))
        costs = self._costs_in_blocks(first, lighter)
        cheaper = costs <= self.cheapest[lighter]
        found = lighter[cheaper]
        self.cheapest[found], self.partner[found] = costs[cheaper], first
        self.outdated[found] = False

    def _look_around(self, number):
        """Find a group's cheapest partner among the heavier ones."""
        heavier = self.present[self._is_heavier(self.present, number)]
        self.outdated[number], self.cheapest[number] = False, np.inf
        if heavier.size:
            costs = self._costs_in_blocks(number, heavier)
            best = costs.argmin()
            self.cheapest[number], self.partner[number] = costs[best], heavier[best]

    def _is_heavier(self, others, number):
        """Which groups are heavier than one; of equals, those that come later."""
        weights, weight = self.weights[others], self.weights[number]
        return (weights > weight) | ((weights == weight) & (others > number))

    def _costs_in_blocks(self, number, others):
        step = max(1, BLOCK // self.means.shape[1] ** 2)
        costs = np.empty(len(others))
        for start in range(0, len(others), step):
            block = slice(start, start + step)
            costs[block] = self._costs(self, number, others[block])
        return costs


def greedy_labels(mixture, n_groups, method):
    """Merge the cheapest pair until few enough groups are left.

    Parameters
    ----------
    mixture : GaussianMixtureDensity
        The components.

    n_groups : int
        Number of groups to end with.

    method : {"runnalls", "salmond"}
        What a merge costs.

    Returns
    -------
    labels : ndarray of shape (n_components,)
        The group of each component, from 0 to ``n_groups - 1``.
    """
    groups = Groups(mixture, COSTS[method])
    while len(groups.present) > n_groups:
        groups.merge_cheapest()
    return np.searchsorted(groups.present, groups.labels)


def reassigned_labels(mixture, labels):
    """Alternate nearest groups and moments of groups, Goldberger and Roweis (2004).

    Neither step raises :math:`\\sum_i w_i D(f_i \\| g_{\\pi(i)})`, an upper bound of
    D(original ‖ reduced), and the rounds end where no component changes its group.

    Parameters
    ----------
    mixture : GaussianMixtureDensity
        The components.

    labels : ndarray of shape (n_components,)
        Groups to begin with.

    Returns
    -------
    labels : ndarray of shape (n_components,)
        Groups, none of them empty.
    """
    everyone = np.arange(mixture.n_components)
    for _ in range(MOST_ROUNDS):
        divergences = kl_between_components(mixture, matched(mixture, labels))
        own, nearest = divergences[everyone, labels], divergences.argmin(axis=1)
        least = divergences[everyone, nearest]
        moves = least < own * (1.0 - LEAST_IMPROVEMENT)
        found = np.where(moves, nearest, labels)
        found = _without_empty(found, mixture.weights * least, divergences.shape[1])
        if (found == labels).all():
            break
        labels = found
    return labels


def _without_empty(labels, losses, n_groups):
    """Give each empty group the component that fits worst where it is."""
    labels = labels.copy()
    for empty in np.setdiff1d(np.arange(n_groups), labels):
        sociable = np.bincount(labels, minlength=n_groups)[labels] > 1
        labels[np.where(sociable, losses, -np.inf).argmax()] = empty
    return labels


def matched(mixture, labels):
    """The mixture of the groups' weights, means and covariances.

    Parameters
    ----------
    mixture : GaussianMixtureDensity
        The components.

    labels : ndarray of shape (n_components,)
        The group of each; none is empty.

    Returns
    -------
    reduced : GaussianMixtureDensity
        As many components as there are groups.
    """
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], np.arange(labels.max() + 1))
    shares = mixture.weights[order]
    weights = np.add.reduceat(shares, starts)
    shares = shares / weights[labels[order]]
    means = np.add.reduceat(shares[:, None] * mixture.means[order], starts)
    shifts = mixture.means[order] - means[labels[order]]
    second = mixture.covariances[order] + shifts[:, :, None] * shifts[:, None, :]
    covariances = np.add.reduceat(shares[:, None, None] * second, starts)
    return type(mixture).of_covariances(weights, means, definite(covariances))


def definite(covariances):
    """Covariances that have a Cholesky factor, the same ones where they had it.

    A merge of needles that lie in line may leave a variance too small to tell from 0
    beside the others: it is raised to what rounding hides.
    """
    covariances = 0.5 * (covariances + np.swapaxes(covariances, 1, 2))
    try:
        np.linalg.cholesky(covariances)
    except np.linalg.LinAlgError:
        deviations = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))
        units = deviations[:, :, None] * deviations[:, None, :]
        correlations = STRUCTURES["full"].raise_to_floor(covariances / units, ROUNDING)
        return correlations * units
    return covariances


def log_determinants(covariances):
    """Log-determinants, of matrices that rounding has made indefinite as well."""
    signs, logs = np.linalg.slogdet(covariances)
    wrong = (signs <= 0.0) | ~np.isfinite(logs)
    if wrong.any():
        logs[wrong] = np.linalg.slogdet(definite(covariances[wrong]))[1]
    return logs
