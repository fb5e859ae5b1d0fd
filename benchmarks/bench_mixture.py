"""EMGaussianMixture against scikit-learn's GaussianMixture: speed and memory.

Tables: time per plain EM step from the same start, whole fits at defaults, iris,
memory beyond the data, and the time to import. ``--full`` runs the real sizes.
"Share of dgemm" is 2·N·K·D² operations per step over the rate of NumPy's matrix
product at its default threads; it passes 100 % where rows of negligible
responsibility are left out of the M-step.

``--only holes``, ``--only models`` and ``--only selection`` run what `bench_holes`,
`bench_models` and `bench_selection` say of tables with holes, of the fourteen
covariance models and of searches among them.
"""

import subprocess
import sys
import warnings
from functools import partial

import numpy as np
from _report import (
    arguments,
    geometric_mean,
    in_turns,
    machine_facts,
    save,
    show,
)
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from skgen import EMGaussianMixture

FULL_GRID = [
    (150, 4, 3),
    (2_000, 4, 3),
    (200_000, 2, 8),
    (100_000, 2, 50),
    (200_000, 8, 8),
    (200_000, 8, 32),
    (100_000, 32, 16),
    (50_000, 64, 32),
    (20_000, 128, 16),
]
SMALL_GRID = [(150, 4, 3), (2_000, 4, 3), (20_000, 2, 8), (20_000, 8, 8)]
FULL_FITS = [size for size in FULL_GRID if size[2] <= 16 and size[1] <= 32]
COVARIANCE_TYPES = ["full", "tied", "diag", "spherical"]

MEMORY_SCRIPT = """
import sys, warnings
import numpy as np
from sklearn.mixture import GaussianMixture
from skgen import EMGaussianMixture
warnings.simplefilter("ignore")
name, n, d, k, dtype = sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5]
rng = np.random.RandomState(0)
X = rng.standard_normal((n, d)).astype(dtype)
X += 4 * rng.standard_normal((k, d))[rng.randint(k, size=n)].astype(dtype)
model = {"skgen": EMGaussianMixture, "scikit-learn": GaussianMixture}[name]
model(k, random_state=0, max_iter=2).fit(X[: 20 * k])
def status(key):
    for line in open("/proc/self/status"):
        if line.startswith(key):
            return int(line.split()[1]) / 1024
open("/proc/self/clear_refs", "w").write("5")
before = status("VmRSS")
model(k, random_state=0, max_iter=10).fit(X)
print(status("VmHWM") - before)
"""


def mixture_data(n_samples, n_features, n_components, dtype=np.float64, seed=0):
    """Rows of a mixture of rotated Gaussians that overlap a little, and its means."""
    rng = np.random.RandomState(seed)
    means = 2.0 * rng.standard_normal((n_components, n_features))
    shapes = rng.standard_normal((n_components, n_features, n_features))
    shapes = shapes / np.sqrt(n_features) + 0.5 * np.eye(n_features)
    labels = rng.randint(n_components, size=n_samples)
    X = np.empty((n_samples, n_features), dtype=dtype)
    for k in range(n_components):
        mine = labels == k
        noise = rng.standard_normal((np.count_nonzero(mine), n_features))
        X[mine] = means[k] + noise @ shapes[k]
    return X, means


def per_step(grid, dtypes, repeats):
    """Milliseconds per plain EM step from the same start, and their ratio."""
    rows = []
    peak = gemm_rate()
    for dtype in dtypes:
        for covariance_type in COVARIANCE_TYPES:
            for n_samples, n_features, n_components in grid:
                size = n_samples, n_features, n_components
                X, means = mixture_data(*size, dtype)
                theirs, ours = _step_times(X, means, covariance_type, repeats)
                row = {
                    "type": covariance_type,
                    "dtype": np.dtype(dtype).name,
                    "N": n_samples,
                    "D": n_features,
                    "K": n_components,
                    "scikit-learn ms": 1e3 * theirs,
                    "skgen ms": 1e3 * ours,
                    "ratio": theirs / ours,
                    "share of dgemm": "",
                }
                if covariance_type == "full" and n_features >= 32:
                    useful = 2.0 * n_samples * n_components * n_features**2
                    row["share of dgemm"] = f"{useful / ours / peak:.0%}"
                rows.append(row)
                print(".", end="", flush=True)
    return rows


def _step_times(X, means, covariance_type, repeats):
    """Seconds per step: long fits less fits of one step, so that ends cancel."""
    n_components, n_features = means.shape
    precisions = {
        "full": np.stack([np.eye(n_features)] * n_components),
        "tied": np.eye(n_features),
        "diag": np.ones((n_components, n_features)),
        "spherical": np.ones(n_components),
    }[covariance_type]
    settings = {
        "n_components": n_components,
        "covariance_type": covariance_type,
        "weights_init": np.full(n_components, 1.0 / n_components),
        "means_init": means,
        "precisions_init": precisions,
        "tol": 0.0,
        "reg_covar": 1e-6,
    }
    long = 101 if len(X) < 1_000 else 21 if len(X) < 10_000 else 5
    models = [
        model.set_params(max_iter=n_steps)
        for n_steps in (1, long)
        for model in (
            GaussianMixture(**settings),
            EMGaussianMixture(**settings, acceleration=None),
        )
    ]
    fits = [partial(model.fit, X) for model in models]
    short_theirs, short_ours, long_theirs, long_ours = in_turns(fits, repeats=repeats)
    steps = long - 1
    return (
        max(long_theirs - short_theirs, 1e-9) / steps,
        max(long_ours - short_ours, 1e-9) / steps,
    )


def gemm_rate(size=2_000):
    """Multiplications and additions per second of NumPy's matrix product."""
    a = np.random.RandomState(0).standard_normal((size, size))
    (seconds,) = in_turns([lambda: a @ a], repeats=5)
    return 2.0 * size**3 / seconds


def whole_fits(grid, repeats):
    """Seconds and held-out nats per row of fits at defaults, and converged ones."""
    rows = []
    for n_samples, n_features, n_components in grid:
        X, _ = mixture_data(2 * n_samples, n_features, n_components)
        train, test = X[::2], X[1::2]
        models = {
            "skgen": EMGaussianMixture(n_components, random_state=0),
            "scikit-learn": GaussianMixture(n_components, random_state=0),
            "scikit-learn, tol=1e-7": GaussianMixture(
                n_components, random_state=0, tol=1e-7, max_iter=300
            ),
        }
        fits = [partial(model.fit, train) for model in models.values()]
        seconds = in_turns(fits, repeats=repeats)
        ours = seconds[0]
        for (name, model), spent in zip(models.items(), seconds):
            rows.append(
                {
                    "N": n_samples,
                    "D": n_features,
                    "K": n_components,
                    "model": name,
                    "seconds": spent,
                    "ratio to skgen": spent / ours,
                    "iterations": model.n_iter_,
                    "held-out nats/row": float(model.score(test)),
                }
            )
        print(".", end="", flush=True)
    return rows


def iris(repeats):
    """Milliseconds on iris: scikit-learn's settings, and our defaults."""
    X = load_iris().data
    same = {"tol": 1e-3, "reg_covar": 1e-6, "init_params": "kmeans", "max_iter": 100}
    models = {
        "scikit-learn, defaults": GaussianMixture(3, random_state=0),
        "skgen, scikit-learn's start and tol": EMGaussianMixture(
            3, random_state=0, **same
        ),
        "skgen, defaults": EMGaussianMixture(3, random_state=0),
    }
    fits = [partial(model.fit, X) for model in models.values()]
    seconds = in_turns(fits, repeats=10 * repeats)
    return [
        {
            "model": name,
            "ms": 1e3 * spent,
            "log-likelihood": float(150 * model.score(X)),
        }
        for (name, model), spent in zip(models.items(), seconds)
    ]


def memory(sizes):
    """Megabytes above the data at the peak of a fit, each in a fresh process."""
    rows = []
    for n_samples, n_features, n_components, dtype in sizes:
        row = {"N": n_samples, "D": n_features, "K": n_components, "dtype": dtype}
        for name in ("scikit-learn", "skgen"):
            size = map(str, (n_samples, n_features, n_components))
            command = [sys.executable, "-c", MEMORY_SCRIPT, name, *size, dtype]
            row[f"{name} MB"] = float(subprocess.check_output(command))
        rows.append(row)
    return rows


def imports(repeats):
    """Milliseconds to import, each in a fresh process, less Python's own start."""
    modules = {"nothing": "pass", "sklearn.mixture": "import sklearn.mixture"}
    modules["skgen"] = "import skgen"
    runs = [
        partial(subprocess.run, [sys.executable, "-c", code], check=True)
        for code in modules.values()
    ]
    start, theirs, ours = in_turns(runs, repeats=repeats)
    return [
        {
            "sklearn.mixture ms": 1e3 * (theirs - start),
            "skgen ms": 1e3 * (ours - start),
            "ratio": (ours - start) / (theirs - start),
        }
    ]


def summary(rows):
    """Geometric means and smallest ratios for each covariance type."""
    result = []
    for dtype in dict.fromkeys(row["dtype"] for row in rows):
        for covariance_type in COVARIANCE_TYPES:
            mine = [
                row
                for row in rows
                if (row["type"], row["dtype"]) == (covariance_type, dtype)
            ]
            large = [row["ratio"] for row in mine if row["N"] >= 20_000]
            result.append(
                {
                    "type": covariance_type,
                    "dtype": dtype,
                    "geometric mean": geometric_mean([row["ratio"] for row in mine]),
                    "smallest": min(row["ratio"] for row in mine),
                    "smallest, N >= 20k": min(large),
                }
            )
    return result


def report(title, rows):
    """Print a table and save it."""
    show(title, rows)
    save("mixture_" + title.lower().replace(" ", "_"), rows)


def run(options):
    """Print the tables of complete rows, and save them."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    grid = FULL_GRID if options.full else SMALL_GRID
    repeats = 4
    steps = per_step(grid, [np.float64, np.float32], repeats)
    report("Per EM step", steps)
    sizes = [(200_000, 20, 20, "float64"), (200_000, 20, 20, "float32")]
    if options.full:
        sizes.append((1_000_000, 20, 20, "float64"))
    tables = {
        "Ratios per EM step": summary(steps),
        "Whole fits": whole_fits(FULL_FITS if options.full else SMALL_GRID, 2),
        "Iris": iris(repeats),
        "Memory beyond the data": memory(sizes),
        "Import": imports(2 * repeats),
    }
    for title, rows in tables.items():
        report(title, rows)


def main():
    """Run the benchmark, or the part of it that is asked for."""
    import bench_holes  # these two import this module
    import bench_models
    import bench_selection

    parser = arguments(__doc__)
    bench_holes.add_arguments(parser)
    bench_models.add_arguments(parser)
    bench_selection.add_arguments(parser)
    parts = {
        "complete": run,
        "holes": bench_holes.run,
        "models": bench_models.run,
        "selection": bench_selection.run,
    }
    parser.add_argument("--only", choices=list(parts), help="one of its parts")
    options = parser.parse_args()
    print(machine_facts())
    for name, part in parts.items():
        if options.only in (None, name):
            part(options)
    print(f"\n{machine_facts()}")


if __name__ == "__main__":
    main()
