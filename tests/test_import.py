"""What ``import skgen`` costs: nothing that a Gaussian mixture does not use."""

import subprocess
import sys

# scikit-learn imports pandas by itself where it is installed, hence "newly".
FIT_AND_LIST_HEAVY_IMPORTS = """
import sys
import numpy as np
import sklearn.mixture
before = set(sys.modules)

import skgen
from skgen import EMGaussianMixture

X = np.random.default_rng(0).normal(size=(60, 2))
EMGaussianMixture(n_components=2, random_state=0).fit(X).predict(X)
newly = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*sorted(newly & {"torch", "matplotlib", "pandas", "polars"}))
"""


def run_python(code):
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_fitting_a_mixture_imports_neither_torch_nor_matplotlib_nor_pandas():
    assert run_python(FIT_AND_LIST_HEAVY_IMPORTS) == ""


def test_every_public_name_can_be_imported():
    code = "import skgen\nfor name in skgen.__all__: getattr(skgen, name)"
    assert run_python(code) == ""
