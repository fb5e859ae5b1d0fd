"""What users see of a fit while it runs: callbacks, and printed lines."""

from time import perf_counter


class Watch:
    """Tells callbacks and the terminal how one start goes.

    Parameters
    ----------
    estimator : estimator
        The estimator being fitted.

    context : CallbackContext
        The context of the whole fit, of which this start is one task.

    number : int
        The start's number.

    data : dict
        ``X``, ``y`` and ``metadata`` for the callbacks.

    attributes_of : callable
        From an `EMRun` to the attributes of an estimator fitted by it.

    task : str, default="start"
        What callbacks know the task as.
    """

    def __init__(self, estimator, context, number, data, attributes_of, task="start"):
        self._estimator = estimator
        self._data = data
        self._attributes_of = attributes_of
        self._task = context.subcontext(task, max_subtasks=estimator.max_iter)
        self._number = number
        self._bound = None

    def open(self):
        """Announce the start."""
        self._task.call_on_fit_task_begin(estimator=self._estimator, **self._data)
        if self._estimator.verbose:
            print(f"Initialization {self._number}")
        self._opened = self._printed = perf_counter()

    def begin(self):
        """Announce an iteration."""
        self._step = self._task.subcontext("em-step")
        self._step.call_on_fit_task_begin(estimator=self._estimator, **self._data)

    def end(self, run):
        """Report an iteration; returns whether a callback wants to stop."""
        self._print_iteration(run)
        return self._ended(self._step, run)

    def close(self, run):
        """Report the start's end; returns whether a callback wants no other."""
        self._print_close(run)
        return self._ended(self._task, run)

    def _ended(self, task, run):
        return task.call_on_fit_task_end(
            estimator=self._estimator,
            **self._data,
            reconstruction_attributes=lambda: self._attributes_of(run),
        )

    def _print_iteration(self, run):
        bound, previous = run.best.bound, self._bound
        self._bound = bound
        estimator = self._estimator
        if not estimator.verbose or run.n_iter % estimator.verbose_interval:
            return
        line = f"  Iteration {run.n_iter}"
        if estimator.verbose >= 2:
            now = perf_counter()
            change = float("inf") if previous is None else bound - previous
            line += f"\t time lapse {now - self._printed:.5f}s\t ll change {change:.5f}"
            self._printed = now
        print(line)

    def _print_close(self, run):
        if not self._estimator.verbose:
            return
        line = f"Initialization {'converged' if run.converged else 'did not converge'}."
        if self._estimator.verbose >= 2:
            lapse = perf_counter() - self._opened
            line += f" time lapse {lapse:.5f}s\t lower bound {run.best.bound:.5f}."
        print(line)
