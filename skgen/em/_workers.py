"""Threads that sum over blocks of rows, always in the same order."""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, reduce
from itertools import pairwise
from math import prod
from operator import add

import numpy as np
import threadpoolctl

from .._sklearn import effective_n_threads, threadpool_controller

# The rows are cut into this many lanes, whatever the number of threads: each lane
# sums its own blocks and the lanes are added in order, so that the result does not
# depend on the threads, to the last bit.
N_LANES = 16


class Scratch(threading.local):
    """Arrays that a thread writes to again and again instead of allocating them.

    Fresh memory costs the operating system more than the arithmetic on it.
    """

    def __init__(self):
        self._buffers = {}

    def __call__(self, name, *shape):
        """An array of a shape, its content left from the last use of its name."""
        size = prod(shape)
        buffer = self._buffers.get(name)
        if buffer is None or buffer.size < size:
            buffer = self._buffers[name] = np.empty(size)
        return buffer[:size].reshape(shape)


class _SingleThreadedBLAS:
    """Holds BLAS to one thread while anyone is inside.

    The limit is the process's own. Where fits run in several threads at once, the
    first one in sets it and the last one out lifts it, so that none leaves behind
    for good the limit that it met.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._n_inside = 0

    def __enter__(self):
        with self._lock:
            if self._n_inside == 0:
                controller = threadpool_controller()
                self._limit = controller.limit(limits=1, user_api="blas")
                self._let_any_thread_lift_it()
            self._n_inside += 1

    def __exit__(self, *exception):
        with self._lock:
            self._n_inside -= 1
            if self._n_inside == 0:
                self._limit.restore_original_limits()
                self._let_any_thread_lift_it()

    @staticmethod
    def _let_any_thread_lift_it():
        # Since 3.8, threadpoolctl lets only the thread that set a limit change it.
        if hasattr(threadpoolctl.OpenBLASController, "clear_controlling_thread"):
            threadpoolctl.OpenBLASController.clear_controlling_thread()


SINGLE_THREADED_BLAS = _SingleThreadedBLAS()


class Workers:
    """A pool of threads, each of which runs BLAS single-threaded.

    Threads over blocks of rows, not inside each operation: nothing is forked and
    joined inside a pass, and cores that are shared with other processes do not
    stall it.

    Parameters
    ----------
    n_threads : int or None, default=None
        Number of threads. None takes what OpenMP would (``OMP_NUM_THREADS``,
        ``threadpoolctl``, and joblib's limits in its workers), as scikit-learn's
        own multi-threaded estimators do.

    Attributes
    ----------
    scratch : Scratch
        Each thread's own arrays to work in.
    """

    def __init__(self, n_threads=None):
        self.n_threads = effective_n_threads() if n_threads is None else n_threads
        self.scratch = Scratch()
        self._pool = None

    def __enter__(self):
        SINGLE_THREADED_BLAS.__enter__()
        return self

    def __exit__(self, *exception):
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None
        SINGLE_THREADED_BLAS.__exit__(*exception)

    def map(self, function, items):
        """Results of ``function`` over ``items``, in order, from the threads."""
        if self.n_threads == 1 or len(items) == 1:
            return map(function, items)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.n_threads)
        return self._pool.map(function, items)

    def sum(self, lane_total, n_rows, block_size):
        """Sum over all rows of what ``lane_total`` returns for a list of blocks.

        Parameters
        ----------
        lane_total : callable
            Takes a list of ``slice`` of rows and returns their total, an object
            with ``+``.

        n_rows : int
            Number of rows.

        block_size : int
            Rows per block.

        Returns
        -------
        total : object
            The sum over lanes, in order.
        """
        return reduce(add, self.map(lane_total, lanes(n_rows, block_size)))

    def each(self, function, n_rows, block_size):
        """Call ``function`` on every block of rows, for its side effects."""
        for _ in self.map(function, blocks(n_rows, block_size)):
            pass


def blocks(n_rows, block_size):
    """Consecutive slices of about equal size, of at most ``block_size`` rows.

    Their number is a multiple of four where there are more than two, so that few
    threads end together.
    """
    n_blocks = -(-n_rows // block_size)
    if n_blocks > 2:
        n_blocks = min(-(-n_blocks // 4) * 4, n_rows)
    bounds = [n_rows * i // n_blocks for i in range(n_blocks + 1)]
    return [slice(start, stop) for start, stop in pairwise(bounds)]


@lru_cache(maxsize=32)
def lanes(n_rows, block_size):
    """The blocks, dealt to at most ``N_LANES`` consecutive lists."""
    every = blocks(n_rows, block_size)
    n_lanes = min(N_LANES, len(every))
    bounds = [len(every) * i // n_lanes for i in range(n_lanes + 1)]
    return [every[a:b] for a, b in pairwise(bounds)]
