"""What users see of a fit while it runs: callbacks, and printed lines."""

import math


class Watch:
    """Tells callbacks and the terminal how the epochs go.

    Parameters
    ----------
    estimator : estimator
        The estimator being fitted.

    context : CallbackContext
        The context of the whole fit, of which each epoch is a task.

    data : dict
        ``X``, ``y`` and ``metadata`` for the callbacks.

    attributes_of : callable
        From the history to the attributes of an estimator fitted so far.
    """

    def __init__(self, estimator, context, data, attributes_of):
        self._estimator = estimator
        self._context = context
        self._data = data
        self._attributes_of = attributes_of
        self._task = None

    def begin(self):
        """Announce an epoch."""
        self._task = self._context.subcontext("epoch")
        self._task.call_on_fit_task_begin(estimator=self._estimator, **self._data)

    def begin_again(self, n_epochs):
        """Close the epoch in which training diverged, and expect so many more."""
        if self._task is not None:
            self._task.call_on_fit_task_end(estimator=self._estimator, **self._data)
            self._task = None
        self._context.max_subtasks += n_epochs

    def end(self, history, flat):
        """Report an epoch; returns whether a callback wants to stop."""
        self._print(history)

        def attributes():
            flat.swap_average()
            try:
                return self._attributes_of(history)
            finally:
                flat.swap_average()

        task, self._task = self._task, None
        return task.call_on_fit_task_end(
            estimator=self._estimator,
            **self._data,
            reconstruction_attributes=attributes,
        )

    def _print(self, history):
        if not self._estimator.verbose:
            return
        line = f"Epoch {history.n_epochs}, bound = {history.training_bound[-1]:.5f}"
        held_out = history.validation_bound[-1]
        if not math.isnan(held_out):
            line += f", held out {held_out:.5f}"
        print(f"{line} ({history.seconds[-1]:.1f} s)")
