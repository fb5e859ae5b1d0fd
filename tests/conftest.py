"""Settings and fixtures of the whole suite; data and strategies live elsewhere."""

import contextlib
import os

import hypothesis
import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")

# Each worker of pytest-xdist is a process of its own: with more than one thread in each
# they would only wait for one another.
with contextlib.suppress(ImportError):
    import torch

    torch.set_num_threads(1)

# The same cases on every run, so that a failure is about the change at hand; "thorough"
# looks for new ones.
hypothesis.settings.register_profile(
    "default", deadline=None, derandomize=True, max_examples=30
)
hypothesis.settings.register_profile(
    "thorough", deadline=None, max_examples=300, print_blob=True
)
hypothesis.settings.load_profile(os.environ.get("SKGEN_HYPOTHESIS", "default"))


# scikit-learn's tests ask for these two by name, and ours run some of scikit-learn's.
@pytest.fixture(params=[np.float32, np.float64], ids=["float32", "float64"])
def global_dtype(request):
    return request.param


@pytest.fixture
def global_random_seed():
    return 42
