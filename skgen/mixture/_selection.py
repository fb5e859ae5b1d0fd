"""Choosing the number of components and the covariance structure by a search.

What to search, the climbs of the candidates, and the table of them all. Where they
start is the matter of `_shared_starts`, what they are worth that of `_criteria`.
"""

from copy import deepcopy
from dataclasses import dataclass, replace
from numbers import Integral
from typing import NamedTuple

import numpy as np

from ..em import EMRun
from ..gaussian import (
    STRUCTURES,
    CovariancePrior,
    IllDefinedCovarianceError,
    MixtureParameters,
)
from ._criteria import criterion_of, mean_log_likelihood
from ._fitting import Fitted, Fitting
from ._regularise import Prior, regularisation_of
from ._shared_starts import Starts, reason_of
from ._structure import NAMES
from ._watch import Watch

#: What "auto" searches: mclust's sizes and its fourteen models, simple ones first.
AUTO_SIZES = range(1, 10)
AUTO_MODELS = (
    *("EII", "VII", "EEI", "VEI", "EVI", "VVI", "EEE"),
    *("VEE", "EVE", "VVE", "EEV", "VEV", "EVV", "VVV"),
)

#: What "auto" searches where the ratio of eigenvalues is bounded.
BOUNDED_MODELS = "spherical", "diag", "tied", "full"

ALL_SPURIOUS = (
    "All candidates that could be fitted are spurious: they have a component of fewer "
    "rows than describe it, or one that is next to constant in some direction. The "
    "best of them was taken. Try fewer components, a covariance_type of fewer "
    "parameters, or covariance_prior."
)

STOPPED = "a callback stopped the search"

# So many of the best candidates are given starts of their own as well.
N_STARTED_AGAIN = 3

# Of fewer models every candidate is: few models have little to hand on.
FEW_MODELS = 4

# Nats per row that candidates' EM may leave at first, and the winner's may not.
SEARCH_TOLERANCE = 1e-6

# Iterations after which a candidate is given up that is so many nats per row behind,
# or spurious.
FIRST_STEPS = 15
FAR_BEHIND_AT_FIRST = 0.2
BRIEF_STEPS = 60
FAR_BEHIND = 0.05

# Share of the rows that start as noise, where there may be any.
NOISE_AT_START = 0.05


class Wanted(NamedTuple):
    """What to search: numbers of components, and names of distinct structures."""

    sizes: tuple
    names: tuple


def wanted_of(mixture):
    """What an estimator's parameters ask to search, or None where for nothing.

    Raises
    ------
    ValueError
        Where the parameters do not go together.
    """
    one_size = isinstance(mixture.n_components, Integral)
    one_name = (
        isinstance(mixture.covariance_type, str) and mixture.covariance_type != "auto"
    )
    if one_size and one_name:
        return None
    for name in ("weights_init", "means_init", "precisions_init"):
        if getattr(mixture, name) is not None:
            raise ValueError(
                f"{name} must be None where n_components or covariance_type is to be "
                f"selected: a start of given shape suits one candidate only. Drop "
                f"{name}, or name one n_components and one covariance_type."
            )
    if mixture.warm_start:
        raise ValueError(
            "warm_start must be False where n_components or covariance_type is to be "
            "selected: a search starts anew. Name one n_components and one "
            "covariance_type, those of n_components_ and covariance_type_ for example."
        )
    bounded = mixture.max_eigenvalue_ratio is not None
    models = BOUNDED_MODELS if bounded else AUTO_MODELS
    names = names_of(mixture.covariance_type, models)
    return Wanted(sizes_of(mixture.n_components), names)


def least_components(n_components):
    """The least number of components of a search."""
    return min(sizes_of(n_components))


def n_rows_of(table):
    """Number of rows as criteria count them: a weight of 2 is the row twice."""
    if table.weights is None:
        return float(len(table.X))
    total = float(table.weights.sum() / table.unit)
    if total < 2.0:
        raise ValueError(
            "sample_weight must sum to at least 2 where n_components or "
            "covariance_type is to be selected, since weights count rows there: a "
            f"weight of 2 is the row twice. They sum to {total:.4g}: multiply them, by "
            "the number of rows for example."
        )
    return total


def sizes_of(n_components):
    """Numbers of components to try, ascending, each once."""
    if isinstance(n_components, Integral):
        return (int(n_components),)
    if isinstance(n_components, str):  # "auto"
        return tuple(AUTO_SIZES)
    sizes = list(n_components)
    if not sizes or not all(_is_size(size) for size in sizes):
        raise ValueError(
            "n_components must be an int of at least 1, 'auto', or a list, range or "
            "array of such ints that is not empty; floats are no ints, even whole "
            f"ones. Got {n_components!r}."
        )
    return tuple(sorted({int(size) for size in sizes}))


def _is_size(size):
    return isinstance(size, Integral) and not isinstance(size, bool) and size >= 1


def names_of(covariance_type, models=AUTO_MODELS):
    """Names of the structures to try, each structure once, under its first name.

    "auto" stands for `models`.
    """
    if isinstance(covariance_type, str):
        one = covariance_type
        return models if one == "auto" else (one,)
    distinct = {}
    for name in covariance_type:
        if not isinstance(name, str) or name not in NAMES:
            raise ValueError(
                f"covariance_type must be 'auto' or hold names among "
                f"{list(NAMES)}, got {name!r} in {covariance_type!r}."
            )
        distinct.setdefault(STRUCTURES.get(name, name), name)
    if not distinct:
        raise ValueError(
            "covariance_type must be a name, 'auto', or a list of at least one name, "
            f"got {covariance_type!r}."
        )
    return tuple(distinct.values())


@dataclass
class Candidate:
    """One model of one size: what came of it.

    ``fitted`` is let go once it cannot win; ``prior`` is that of its first start, which
    later climbs keep; ``reason`` says why there is no fit.
    """

    n_components: int
    covariance_type: str
    fitted: Fitted | None = None
    prior: Prior | None = None
    criterion: float = np.nan
    log_likelihood: float = np.nan
    n_parameters: int = 0
    spurious: bool = False
    converged: bool = False
    reason: str = ""

    def comes_before(self, other, resolution):
        """Whether this is the better fit of one and the same model."""
        if np.isnan(self.criterion) or np.isnan(other.criterion):
            return not np.isnan(self.criterion)
        if self.spurious != other.spurious:
            return self.spurious < other.spurious
        gain = other.criterion - self.criterion
        if abs(gain) > resolution:
            return gain > 0.0
        return self.log_likelihood > other.log_likelihood + resolution


class Search:
    """A search over models and sizes, in which starts are shared.

    Parameters
    ----------
    mixture : EMGaussianMixture
        The estimator, for its parameters.

    wanted : Wanted
        What to search.

    table : Table
        The rows.

    plan : Plan
        How EM is run.

    data : dict
        ``X``, ``y`` and ``metadata`` for the callbacks.

    generators : list of RandomState
        Sources of randomness, one for each of `n_init`.
    """

    def __init__(self, mixture, wanted, table, plan, data, generators):
        self.mixture = mixture
        self.wanted = wanted
        self.table = table
        self.plan = plan
        self.data = data
        self.n_rows = n_rows_of(table)
        generator, *self.further_generators = generators
        self.generator = generator
        self._as_plain = deepcopy(generator)  # what a plain fit would draw from
        self._tries_plain = mixture.init_params == "auto"
        self._few_models = self._tries_plain and len(wanted.names) < FEW_MODELS
        tol = max(plan.tol, SEARCH_TOLERANCE)
        self.first, self.brief, self.coarse = (
            replace(plan, tol=tol, max_iter=min(plan.max_iter, most))
            for most in (FIRST_STEPS, BRIEF_STEPS, plan.max_iter)
        )
        self.starts = Starts(mixture, wanted, table, plan, self.n_rows, generator)
        self.ground = self.starts.ground
        self.criterion = criterion_of(mixture.criterion, self)
        self.candidates = []
        self.stopped = False

    @property
    def n_tasks(self):
        """Candidates, the best of them started again, and the winner once more."""
        n_candidates = len(self.wanted.sizes) * len(self.wanted.names)
        n_starts = len(self.further_generators) + self._tries_plain
        n_again = min(n_candidates, N_STARTED_AGAIN) * n_starts
        return n_candidates * (1 + self._few_models) + n_again + 1

    def table_of_candidates(self):
        """What becomes ``selection_``."""
        return selection_of(self.candidates, self.resolution)

    def run(self, context):
        """Fit all candidates; a `Fitted` of the best, climbed to the end."""
        for size in self.wanted.sizes:
            candidates = [Candidate(size, name) for name in self.wanted.names]
            self.candidates += candidates
            self._climb_all(size, candidates, context)
            self._let_go()
        self._start_again(context)
        return self._best(context)

    def _climb_all(self, size, candidates, context):
        starts = {} if self.stopped else self.starts.of_size(size)
        for candidate in candidates:
            name = candidate.covariance_type
            start = starts.get(name)
            self._try(candidate, self.starts.fittings[name], start, context)
            if self._few_models and not self.stopped and candidate.n_components > 1:
                self._try_again(candidate, deepcopy(self._as_plain), context)

    def _try(self, candidate, fitting, start, context):
        """Climb from a start, as one task, and note what comes of it."""
        if self.stopped:
            candidate.reason = STOPPED
            return
        if isinstance(start, str):
            candidate.reason = start
            return
        watch = CandidateWatch(self, candidate, context, fitting)
        watch.open()
        try:
            self._climb(candidate, fitting, start, watch)
            run = candidate.fitted.run
            self.stopped = bool(watch.close(run)) or run.stopped
        except IllDefinedCovarianceError as error:
            candidate.reason = reason_of(error)
            self.stopped = bool(watch.close(None))

    def _start_again(self, context):
        """Give the best candidates the starts of a plain fit of as many starts."""
        ranks = ranks_of(self.candidates, self.resolution)
        for number in np.argsort(ranks)[:N_STARTED_AGAIN]:
            candidate = self.candidates[number]
            if np.isnan(candidate.criterion) or self._is_far_behind(candidate):
                continue
            if self._tries_plain and not self._few_models:
                self._try_again(candidate, deepcopy(self._as_plain), context)
            for generator in self.further_generators:
                self._try_again(candidate, generator, context)

    def _try_again(self, candidate, generator, context):
        """Climb from a start of its own, and keep what is better."""
        if self.stopped or candidate.n_components > self.ground.n_distinct:
            return
        name, size = candidate.covariance_type, candidate.n_components
        structure = self.starts.fittings[name].structure
        fitting = Fitting(self.table, structure, name, generator)
        again = Candidate(size, name)
        start = self.starts.of_init_params(fitting, size)
        self._try(again, fitting, start, context)
        if again.comes_before(candidate, self.resolution):
            vars(candidate).update(vars(again))

    def _climb(self, candidate, fitting, start, watch):
        """Climb, briefly; and on where that may lead to the best of all."""
        start = self.as_start(fitting, start)
        candidate.prior = settled_prior(self.plan.prior, start, fitting.frame)
        first = replace(self.first, prior=candidate.prior)
        self._judge(candidate, fitting.climb(start, first, watch))
        later = (FAR_BEHIND_AT_FIRST, self.brief), (FAR_BEHIND, self.coarse)
        for margin, plan in later:
            run = candidate.fitted.run
            if run.converged or run.stopped or self._is_far_behind(candidate, margin):
                return
            self._judge(candidate, self._climb_on(candidate, plan, watch))

    def _climb_on(self, candidate, plan, watch):
        """Go on from where a climb ended; a `Fitted` of both, of one `max_iter`."""
        fitting, before = candidate.fitted
        n_left = plan.max_iter - before.n_iter
        left = replace(plan, max_iter=n_left, prior=candidate.prior)
        further = fitting.climb(before.best.parameters, left, watch)
        return Fitted(fitting, joined(before, further.run))

    def as_start(self, fitting, start):
        """A start as EM takes it: regularised, and with room for noise."""
        regularisation = regularisation_of(self.plan.reg_covar, fitting.frame)
        return MixtureParameters.of_covariances(
            start.structure,
            start.weights * self._share_of_components(start.weights),
            start.means,
            regularisation(start.structure, start.covariances),
        )

    def _is_far_behind(self, candidate, margin=FAR_BEHIND):
        margin = 2.0 * margin * self.n_rows
        best = min(
            (c.criterion for c in self.candidates if c.fitted and not c.spurious),
            default=np.inf,
        )
        return candidate.spurious or candidate.criterion > best + margin

    def _share_of_components(self, weights):
        full = self.table.noisy and weights.sum() > 1.0 - 1e-12
        return 1.0 - NOISE_AT_START if full else 1.0

    def _judge(self, candidate, fitted):
        parameters = fitted.run.best.parameters
        candidate.fitted = fitted
        candidate.converged = fitted.run.converged
        candidate.log_likelihood = mean_log_likelihood(fitted) * self.n_rows
        size, n_features = parameters.means.shape
        of_covariances = parameters.structure.n_parameters(size, n_features)
        of_noise = 2 if self.table.noisy else 0  # as `bic` has it
        candidate.n_parameters = (
            of_covariances + size * n_features + size - 1 + of_noise
        )
        candidate.spurious = self.ground.is_spurious(parameters, fitted.fitting)
        try:
            candidate.criterion = float(self.criterion(candidate))
        except (ArithmeticError, ValueError) as error:
            candidate.reason = f"the criterion could not be computed: {error}"

    def _let_go(self):
        """Forget the fits that cannot be the best any more."""
        ranks = ranks_of(self.candidates, self.resolution)
        best = self.candidates[int(np.argmin(ranks))]
        limit = best.criterion + 100.0 * self.resolution
        for candidate in self.candidates:
            like_best = candidate.spurious == best.spurious
            if not (like_best and candidate.criterion <= limit):
                candidate.fitted = None

    @property
    def resolution(self):
        """Criteria that differ by less are equal: EM stops somewhere."""
        return 10.0 * SEARCH_TOLERANCE * self.n_rows

    def _best(self, context):
        ranks = ranks_of(self.candidates, self.resolution)
        best = self.candidates[int(np.argmin(ranks))]
        if np.isnan(best.criterion):
            raise ValueError(
                "None of the candidates could be fitted: "
                f"{self.candidates[0].covariance_type} with "
                f"{self.candidates[0].n_components} components failed because "
                f"{self.candidates[0].reason}."
            )
        if self.stopped or (self.plan.tol >= SEARCH_TOLERANCE and best.converged):
            return best.fitted
        watch = CandidateWatch(self, best, context, best.fitted.fitting)
        watch.open()
        fitted = self._climb_on(best, self.plan, watch)
        self._judge(best, fitted)
        watch.close(fitted.run)
        return fitted


def settled_prior(prior, start, frame):
    """A prior that later starts do not move: of 'pooled', the matrix at this start."""
    if not isinstance(prior.covariance, str):
        return prior
    inside = CovariancePrior.pooled(prior.count, start).covariance[0]
    if inside.ndim < 2:
        inside = inside * np.eye(len(frame.scale))
    return Prior(inside * frame.scale[:, None] * frame.scale, prior.count)


def joined(before, further):
    """Two runs of EM, one going on where the other ended, as one."""
    highest = max(before.bounds, default=-np.inf)
    bounds = before.bounds + [max(highest, bound) for bound in further.bounds]
    n_iter = before.n_iter + further.n_iter
    return EMRun(further.best, bounds, n_iter, further.converged, further.stopped)


class CandidateWatch(Watch):
    """Tells callbacks and the terminal of one candidate."""

    def __init__(self, search, candidate, context, fitting):
        made = fitting.attributes_of
        super().__init__(search.mixture, context, 0, search.data, made, "candidate")
        self._candidate = candidate

    def open(self):
        """Announce the candidate to callbacks alone."""
        self._task.call_on_fit_task_begin(estimator=self._estimator, **self._data)

    def close(self, run):
        """Report a candidate; returns whether a callback wants no other."""
        self._print_close(run)
        if run is None:
            return self._task.call_on_fit_task_end(
                estimator=self._estimator, **self._data
            )
        return self._ended(self._task, run)

    def _print_iteration(self, run):
        pass

    def _print_close(self, run):
        candidate = self._candidate
        if not self._estimator.verbose:
            return
        line = f"{candidate.covariance_type}, {candidate.n_components} components: "
        if run is None or candidate.reason:
            print(line + candidate.reason)
            return
        line += f"{self._estimator.criterion} {candidate.criterion:.4f}"
        print(line + " (spurious)" * candidate.spurious)


def ranks_of(candidates, resolution):
    """Ranks from 1: those that are not spurious first, those without a value last.

    Of criteria equal to the resolution, the model of fewest parameters is first, and
    of these the one that was named first.
    """
    values = np.array([candidate.criterion for candidate in candidates])
    spurious = np.array([candidate.spurious for candidate in candidates])
    n_parameters = np.array([candidate.n_parameters for candidate in candidates])
    classes = np.where(np.isnan(values), 2, spurious)
    left = list(np.lexsort((values, classes)))
    ranks = np.empty(len(candidates), dtype=int)
    for rank in range(1, len(candidates) + 1):
        first = left[0]
        tied = [first]
        for other in left[1:]:
            if not (
                classes[other] == classes[first]
                and values[other] <= values[first] + resolution
            ):
                break
            tied.append(other)
        best = min(tied, key=lambda one: (n_parameters[one], one))
        ranks[best] = rank
        left.remove(best)
    return ranks


def selection_of(candidates, resolution):
    """The table of a search, as ``selection_``."""

    def column(name, dtype):
        return np.array([getattr(one, name) for one in candidates], dtype=dtype)

    return {
        "n_components": column("n_components", int),
        "covariance_type": column("covariance_type", object),
        "criterion": column("criterion", float),
        "log_likelihood": column("log_likelihood", float),
        "n_parameters": column("n_parameters", int),
        "spurious": column("spurious", bool),
        "converged": column("converged", bool),
        "rank": ranks_of(candidates, resolution),
        "reason": column("reason", object),
    }


def all_spurious(selection):
    """Whether no candidate that could be fitted is to be trusted."""
    return bool(selection["spurious"][~np.isnan(selection["criterion"])].all())
