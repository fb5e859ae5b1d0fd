"""Where tensors live, how many threads work on them, and seeds that are one's own."""

import threading
from contextlib import contextmanager

import torch

# Products of matrices with fewer numbers than this are quicker in one thread.
FEW_NUMBERS = 300_000

# torch's global generators belong to one thread at a time.
_CHANCE = threading.RLock()


def chosen_device(device):
    """The device that 'auto', or a name of torch's, stands for.

    Raises
    ------
    ValueError
        Where torch knows no such device, or does not find it here.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.empty(0, device=chosen).cpu()  # "meta" holds no numbers
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(
            f"device={device!r} is not available to torch here ({_first_line(error)}): "
            "use device='auto', or 'cpu'."
        ) from error
    return chosen


def _first_line(error):
    return str(error).strip().splitlines()[0].rstrip(".") if str(error) else "no reason"


def generator_on(device, random_state):
    """A generator of torch's own, seeded from a RandomState."""
    generator = torch.Generator(device=device)
    return generator.manual_seed(int(random_state.randint(2**31 - 1)))


@contextmanager
def own_chance(device, seed):
    """Seeds torch's global generators, and leaves them as they were.

    Networks of the user's own ask them: for weights at their start, for dropout. Other
    threads that want the same wait meanwhile, so that each has its own seed's numbers;
    a thread that asks torch's generators behind our back may still disturb it.
    """
    devices = [device] if device.type == "cuda" else []
    with _CHANCE, torch.random.fork_rng(devices=devices):
        torch.random.default_generator.manual_seed(seed)
        for each in devices:
            with torch.cuda.device(each):
                torch.cuda.manual_seed(seed)
        yield


class _Threads:
    """How many threads torch had before the first of the fits that run now.

    torch keeps the number for each thread and hands the last one set to threads that
    are new: one that begins within another's fit would take that fit's for its own.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._n_inside = 0
        self._found = 1

    def enter(self, few):
        """Take one thread, or as many as were found."""
        with self._lock:
            if self._n_inside == 0:
                self._found = torch.get_num_threads()
            self._n_inside += 1
            _set_threads(1 if few else self._found)

    def leave(self):
        """Restore what was found, in the calling thread and for new ones."""
        with self._lock:
            self._n_inside -= 1
            # whatever the calling thread has: another may have set that of new ones
            torch.set_num_threads(self._found)


_THREADS = _Threads()


@contextmanager
def few_threads(n_numbers):
    """One thread inside operations, where they are too small to share.

    Forking and joining threads in each small operation costs more than it brings,
    and far more where other processes want the cores. Where several threads are within
    at once, each leaves with the number that the first of them found.
    """
    _THREADS.enter(n_numbers < FEW_NUMBERS)
    try:
        yield
    finally:
        _THREADS.leave()


@contextmanager
def gradients():
    """Gradients are computed, also where the caller has switched them off."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


def _set_threads(n_threads):
    if torch.get_num_threads() != n_threads:
        torch.set_num_threads(n_threads)
