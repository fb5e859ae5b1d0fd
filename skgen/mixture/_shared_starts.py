"""Starts that many models of many sizes share, and the ground they are made on."""

import numpy as np

from ..gaussian import (
    STRUCTURES,
    Evaluation,
    IllDefinedCovarianceError,
    MixtureParameters,
)
from ._candidates import Sketch, principal_axes
from ._fitting import Fitting
from ._hierarchy import shared_clusterings
from ._race import SPURIOUS_VARIANCE, Course
from ._structure import structure_of

# Steps before the first half of the candidates of a model falls away.
FIRST_STEPS = 6

# Clusterings by k-means++ of each size.
N_SEEDED = 4

# Standard deviations of columns that differ by less, relatively, are common units.
ALIKE = 0.1

# Rows on which starts are made.
SKETCH_ROWS = 2000

# So many models at a size hand their responsibilities to all others at that size; and
# so many to those that have not raced before.
N_HANDED_ON = 4
N_HANDED_ON_LATE = 6

# Models whose M-steps iterate: they race from what others have found alone.
SLOW_MODELS = "EVE", "VVE"

NOTHING_HANDED_ON = "no other model that could be fitted gave it a start"


class Starts:
    """Where EM starts under each model, for each number of components.

    For each size clusterings race under each model. Then the models that fared best
    hand their responsibilities to all others of that size, which race once more.

    Parameters
    ----------
    mixture : EMGaussianMixture
        The estimator, for its parameters.

    wanted : Wanted
        What is searched.

    table : Table
        The rows.

    plan : Plan
        How EM is run.

    n_rows : float
        Number of rows, as criteria count them.

    generator : RandomState
        Source of randomness.
    """

    def __init__(self, mixture, wanted, table, plan, n_rows, generator):
        self.names = wanted.names
        of_factors = mixture.n_factors, table.X.shape[1]
        self.fittings = {
            name: Fitting(table, structure_of(name, *of_factors), name, generator)
            for name in wanted.names
        }
        self.ground = Ground(table, generator)
        self._init_params, self._plan = mixture.init_params, plan
        self._n_rows = n_rows
        self._clusterings = None
        if mixture.init_params == "auto":
            allowed = [s for s in wanted.sizes if s <= self.ground.n_distinct]
            self._clusterings = shared_clusterings(
                self.ground.sketch,
                allowed,
                N_SEEDED,
                generator,
                self.ground.unscaled(self.fittings.values()),
            )

    def of_size(self, size):
        """From names to where EM starts, or to what went wrong."""
        if size > self.ground.n_distinct:
            return dict.fromkeys(self.names, self._too_few(size))
        if self._clusterings is None:
            return {
                name: self.of_init_params(fitting, size)
                for name, fitting in self.fittings.items()
            }
        labels = self._clusterings[size]
        courses = {
            name: self.ground.course(f, size) for name, f in self.fittings.items()
        }
        racing = 1 < size < len(self.ground.sketch.rows)
        late = self._late() if racing else []
        early = [name for name in self.names if name not in late]
        found = {name: attempt(_raced, courses[name], labels) for name in early}
        if racing:
            self._race_on(found, late, courses, N_HANDED_ON_LATE)
            self._race_on(found, early, courses, N_HANDED_ON)
        return found

    def _late(self):
        """Models that have too slow M-steps to race before others have."""
        slow = [name for name in self.names if name in SLOW_MODELS]
        others_do = len(self.names) - len(slow) >= N_HANDED_ON
        return slow if others_do else []

    def _race_on(self, found, names, courses, n_handed):
        """Let models race from what the best ones have found, and they themselves."""
        if not names:
            return
        handed = self._handed_on(found, courses, n_handed)
        if not handed:  # none of those that raced could be fitted
            for name in names:
                found.setdefault(name, NOTHING_HANDED_ON)
            return
        for name in names:
            own = found.get(name)
            if not isinstance(own, str):
                course = courses[name]
                found[name] = attempt(_raced_once_more, course, own, handed)

    def of_init_params(self, fitting, size):
        """Where EM starts that shares nothing."""
        no_part = (None, None, None)
        return attempt(fitting.start, self._init_params, size, no_part, self._plan)

    def _handed_on(self, first, courses, n_handed):
        """Responsibilities of the models that fared best, by name."""
        found = {n: p for n, p in first.items() if isinstance(p, MixtureParameters)}
        losses = {}
        for name, parameters in found.items():
            course = courses[name]
            log_likelihood = course.expectation(parameters).log_likelihood[0]
            # in units of the data, and as of all the rows
            mean = log_likelihood / course.expectation.rows.total
            mean -= self.fittings[name].frame.log_volume
            size, n_features = parameters.means.shape
            structure = self.fittings[name].structure
            n_parameters = structure.n_parameters(size, n_features)
            spurious = bool(course.spurious(parameters)[0])
            loss = -2.0 * mean * self._n_rows + n_parameters * np.log(self._n_rows)
            losses[name] = spurious, loss
        best = sorted(losses, key=losses.get)[:n_handed]
        return {name: courses[name].responsibilities(found[name]) for name in best}

    def _too_few(self, size):
        n_distinct = self.ground.n_distinct
        return f"{size} components need as many distinct rows, there are {n_distinct}"


def attempt(make, *arguments):
    """What ``make`` returns, or a sentence on why it could not."""
    try:
        return make(*arguments)
    except (IllDefinedCovarianceError, np.linalg.LinAlgError) as error:
        return reason_of(error)


def reason_of(error):
    return f"a covariance is not positive definite ({error})"


def _raced(course, labels):
    return course.halved(course.start(course.of_labels(labels)), FIRST_STEPS)


def _raced_once_more(course, own, handed):
    candidates = [given for name, given in handed.items() if name != course.name]
    if own is not None:
        candidates.insert(0, course.responsibilities(own))
    everyone = np.concatenate(candidates)
    given = len(candidates), lambda block: everyone[:, block]
    return course.halved(course.start(given), FIRST_STEPS)


class Ground:
    """A sketch of the rows in the frames of the structures, where starts are made.

    Parameters
    ----------
    table : Table
        The rows.

    generator : RandomState
        Source of randomness.
    """

    def __init__(self, table, generator):
        self.table = table
        rows = table.of_starts(STRUCTURES["diag"], generator).rows
        self._frame = rows.frame
        self.sketch = Sketch.of(rows, SKETCH_ROWS, generator)
        self.n_distinct = len(self.sketch.rows)
        self._effective_size = self.sketch.effective_size
        drawn = np.isclose(self.sketch.weights.sum(), SKETCH_ROWS)
        if rows.n_rows > SKETCH_ROWS and drawn:  # all that is known of the table
            self.n_distinct = rows.n_rows
            self._effective_size = _effective_size(rows)

    def in_frame(self, frame):
        """The sketch in units of a frame."""
        scaled = self.sketch.rows * (self._frame.scale / frame.scale)
        return Sketch(scaled, self.sketch.weights)

    def unscaled(self, fittings):
        """Rows in units common to all columns, where some structure has but those."""
        frames = [f.frame for f in fittings if f.structure.isotropic]
        if not frames or np.allclose(frames[0].scale, self._frame.scale, rtol=ALIKE):
            return None
        return self.in_frame(frames[0]).rows

    def course(self, fitting, n_components):
        """A course for candidates of so many components."""
        sketch = self.in_frame(fitting.frame)
        workers = self.table.workers
        course = _TellingCourse(sketch, fitting.structure, n_components, workers)
        course.name = fitting.covariance_type
        return course

    def is_spurious(self, parameters, fitting):
        """Whether components describe accidents: too few rows, or too little width.

        Width is a variance in units of that of all rows in the same direction;
        directions in which all rows are constant do not count. A covariance matrix
        also needs more rows in all than there are columns.
        """
        structure = parameters.structure
        n_components, n_features = parameters.means.shape
        n_rows = parameters.weights * self._effective_size
        if (n_rows < structure.fewest_rows(n_features) - 1e-6).any():
            return True
        if structure.matrices and self._effective_size < n_features + n_components:
            return True
        sketch = self.in_frame(fitting.frame)
        factors = parameters.factors
        if structure.matrices:
            spread, axes = principal_axes(sketch)
            stretched = (spread[:, None] * axes.T) @ factors
            largest = np.linalg.norm(stretched, ord=2, axis=(1, 2)) ** 2
        else:
            share = sketch.weights / sketch.weights.sum()
            variances = share @ np.square(sketch.rows - share @ sketch.rows)
            if structure.isotropic:
                variances = variances.mean(keepdims=True)
            precisions = np.square(factors).reshape(len(factors), -1)
            largest = (precisions * variances).max(axis=1)
        return bool((largest > 1.0 / SPURIOUS_VARIANCE).any())


class _TellingCourse(Course):
    """A course that has a name and can tell responsibilities."""

    name = ""

    def responsibilities(self, parameters):
        """Of one candidate, for the sketch: (n_components, n_rows)."""
        rows = self.expectation.rows
        evaluation = Evaluation(parameters, rows.frame, self.expectation.workers)
        return evaluation.responsibilities(rows.X).T

    def spurious(self, parameters):
        """Which candidates are, roughly."""
        return self._spurious(parameters)


def _effective_size(rows):
    """Kish's effective number of rows."""
    if rows.weights is None:
        return float(rows.n_rows)
    return rows.weights.sum() ** 2 / np.square(rows.weights).sum()
