"""Fourteen covariance models: a step of EM, and whole fits against three packages.

Tables, printed and written to ``benchmarks/results/``:

model steps
    Milliseconds per plain EM step of each model and of factor analysers, from the same
    start; beside them scikit-learn's for its four.
model fits
    From class labels, M-step first. Each package is given the loosest tolerance with
    which it comes within 0.01 nats, summed over all rows, of what skgen reaches at its
    default ``tol``; where none does, its tightest. The ratio is its time over skgen's.
    mclust runs in R where ``Rscript`` is on the path, pomegranate in the Python of
    ``--pomegranate``.

Run ``python benchmarks/bench_models.py``; ``--full`` for three tables and larger sizes.
"""

import shutil
import subprocess
import sys
import tempfile
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from _report import arguments, in_turns, machine_facts, save, show
from bench_mixture import mixture_data
from sklearn import datasets
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from skgen import EMGaussianMixture
from skgen.gaussian import STRUCTURES

MODELS = (
    *("EII", "VII", "EEI", "VEI", "EVI", "VVI", "EEE"),
    *("VEE", "EVE", "VVE", "EEV", "VEV", "EVV", "VVV"),
)
# mclust's names of scikit-learn's structures
FOUR = {"VVV": "full", "EEE": "tied", "VVI": "diag", "VII": "spherical"}

SMALL_SIZES = [(2_000, 4, 3)]
FULL_SIZES = [(2_000, 4, 3), (20_000, 8, 8), (100_000, 10, 10), (20_000, 32, 8)]

# Nats, summed over all rows, that are the same likelihood.
EQUAL = 0.01
TOLERANCES = [1e-3, 1e-5, 1e-7, 1e-9, 1e-11, 1e-13]

R_SCRIPT = """
suppressMessages(library(mclust))
found <- commandArgs(trailingOnly = TRUE)
X <- as.matrix(read.csv(found[1], header = FALSE))
z <- unmap(scan(found[2], quiet = TRUE))
wanted <- read.csv(found[3])
repeats <- as.integer(found[4])
for (i in seq_len(nrow(wanted))) {
  best <- -Inf
  for (tol in c(1e-3, 1e-5, 1e-7, 1e-9, 1e-11, 1e-13)) {
    control <- emControl(tol = c(tol, sqrt(.Machine$double.eps)))
    fit <- try(me(X, wanted$model[i], z, control = control), silent = TRUE)
    if (inherits(fit, "try-error") || !is.finite(fit$loglik)) break
    best <- fit$loglik
    if (best >= wanted$log_likelihood[i] - 0.01) break
  }
  if (!is.finite(best)) next
  seconds <- Inf
  for (repetition in seq_len(repeats)) {
    start <- Sys.time()
    me(X, wanted$model[i], z, control = control)
    spent <- as.numeric(difftime(Sys.time(), start, units = "secs"))
    seconds <- min(seconds, spent)
  }
  cat(wanted$model[i], sprintf("%.10f %.9f\\n", best, seconds))
}
"""

POMEGRANATE_SCRIPT = """
import sys, time
import numpy as np, torch
from pomegranate.distributions import Normal
from pomegranate.gmm import GeneralMixtureModel
torch.set_default_dtype(torch.float64)
table, labels, wanted, repeats = sys.argv[1:]
X = torch.tensor(np.loadtxt(table, delimiter=","))
labels = torch.tensor(np.loadtxt(labels, dtype=int))
groups = [X[labels == k] for k in labels.unique()]
def start(kind, tol):
    covariances = [torch.cov(g.T, correction=0) for g in groups]
    if kind == "diag":
        covariances = [c.diagonal() for c in covariances]
    normals = [
        Normal(g.mean(0), c, covariance_type=kind) for g, c in zip(groups, covariances)
    ]
    priors = torch.tensor([len(g) / len(X) for g in groups])
    return GeneralMixtureModel(normals, priors=priors, tol=tol, max_iter=5000)
for line in open(wanted).read().split()[1:]:
    model, target = line.split(",")
    kind = {"VVV": "full", "VVI": "diag"}.get(model)
    if kind is None:
        continue
    for tol in (1.0, 0.1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6):
        fitted = start(kind, tol).fit(X)
        found = fitted.log_probability(X).sum().item()
        if found >= float(target) - 0.01:
            break
    seconds = float("inf")
    for _ in range(int(repeats)):
        unfitted = start(kind, tol)
        begin = time.perf_counter()
        unfitted.fit(X)
        seconds = min(seconds, time.perf_counter() - begin)
    print(model, found, seconds)
"""


def labelled_tables(full):
    """Tables with classes: iris, and in full wine and ten columns of breast_cancer."""
    found = {"iris": datasets.load_iris(return_X_y=True)}
    if full:
        found["wine"] = datasets.load_wine(return_X_y=True)
        X, labels = datasets.load_breast_cancer(return_X_y=True)
        X = X[:, :10]
        found["breast_cancer10"] = (X - X.mean(axis=0)) / X.std(axis=0), labels
    return found


def start_of(model, X, labels):
    """What an M-step of the model makes of labels, as initial parameters."""
    structure = STRUCTURES[model]
    groups = [X[labels == label] for label in np.unique(labels)]
    counts = np.array([len(group) for group in groups], dtype=float)
    means = np.array([group.mean(axis=0) for group in groups])
    scatters = np.array(
        [
            structure.scatter((group - mean).T, np.ones(len(group)))
            for group, mean in zip(groups, means)
        ]
    )
    if structure.shared:
        scatters = scatters.sum(axis=0, keepdims=True)
    covariances = structure.stored(structure.estimate(counts, scatters))
    precisions = structure.precisions(structure.factor(covariances))
    return {
        "n_components": len(groups),
        "weights_init": counts / counts.sum(),
        "means_init": means,
        "precisions_init": structure.outside(precisions),
    }


def model_steps(sizes, repeats):
    """Milliseconds per plain EM step of each model, from the same start."""
    rows = []
    for n_samples, n_features, n_components in sizes:
        X, means = mixture_data(n_samples, n_features, n_components)
        distances = ((X[:, None] - means) ** 2).sum(axis=2)
        labels = distances.argmin(axis=1)
        for model in (*MODELS, "factor"):
            start = start_of("VVV" if model == "factor" else model, X, labels)
            ours = partial(EMGaussianMixture, covariance_type=model, acceleration=None)
            makers = [partial(ours, **start)]
            if model in FOUR:
                theirs = partial(GaussianMixture, covariance_type=FOUR[model])
                makers.append(partial(theirs, **start))
            seconds = _step_seconds(makers, X, repeats)
            row = {"model": model, "N": n_samples, "D": n_features, "K": n_components}
            row["skgen ms"] = 1e3 * seconds[0]
            row["scikit-learn ms"] = 1e3 * seconds[1] if model in FOUR else ""
            row["ratio"] = seconds[1] / seconds[0] if model in FOUR else ""
            rows.append(row)
            print(".", end="", flush=True)
    return rows


def _step_seconds(makers, X, repeats):
    """Seconds per step: long fits less fits of one step, so that ends cancel."""
    long = 51 if len(X) < 10_000 else 9
    fits = [
        partial(make(max_iter=n_steps, tol=0.0).fit, X)
        for n_steps in (1, long)
        for make in makers
    ]
    seconds = in_turns(fits, repeats=repeats)
    shorts, longs = seconds[: len(makers)], seconds[len(makers) :]
    return [max(b - a, 1e-9) / (long - 1) for a, b in zip(shorts, longs)]


def model_fits(tables, pomegranate, repeats):
    """Log-likelihoods and seconds of whole fits from class labels, package by package.

    Parameters
    ----------
    tables : dict of str to tuple of ndarray
        Rows and their labels.

    pomegranate : str
        The interpreter that may import pomegranate.

    repeats : int
        Fits of each.
    """
    rows = []
    for name, (X, labels) in tables.items():
        found = _fits_of_packages(X, labels, pomegranate, repeats)
        for model in MODELS:
            seconds = found["skgen"][model][1]
            rows += [
                {
                    "table": name,
                    "model": model,
                    "package": package,
                    "log-likelihood": f"{of_package[model][0]:.4f}",
                    "ms": 1e3 * of_package[model][1],
                    "ratio to skgen": of_package[model][1] / seconds,
                }
                for package, of_package in found.items()
                if model in of_package
            ]
        print(".", end="", flush=True)
    return rows


def _fits_of_packages(X, labels, pomegranate, repeats):
    """From packages, and models, to log-likelihood and seconds."""
    fit = partial(_fit_here, X, labels, repeats)
    ours = {m: fit(EMGaussianMixture, m, m) for m in MODELS}
    targets = {model: reached for model, (reached, _) in ours.items()}
    to = {"max_iter": 10_000, "reg_covar": 0.0}
    python = partial(_python_command, pomegranate)
    of_r = (_r_command, ".R", R_SCRIPT)
    of_pomegranate = (python, ".py", POMEGRANATE_SCRIPT)
    return {
        "skgen": {
            m: fit(EMGaussianMixture, m, m, targets[m], max_iter=10_000) for m in MODELS
        },
        "skgen, default tol": ours,
        "scikit-learn": {
            m: fit(GaussianMixture, m, FOUR[m], targets[m], **to) for m in FOUR
        },
        "mclust": _elsewhere(*of_r, X, labels, targets, repeats),
        "pomegranate": _elsewhere(*of_pomegranate, X, labels, targets, repeats),
    }


def _fit_here(X, labels, repeats, make, model, name, target=None, **settings):
    """Log-likelihood and seconds: at the default tolerance, or as far as a target."""
    settings |= {**start_of(model, X, labels), "covariance_type": name}
    for tol in TOLERANCES:
        mixture = make(**settings)
        if target is not None:
            mixture.set_params(tol=tol)
        reached = len(X) * mixture.fit(X).score(X)
        if target is None or reached >= target - EQUAL:
            break
    (seconds,) = in_turns([lambda: mixture.fit(X)], repeats=repeats)
    return reached, seconds


def _r_command(script):
    return [shutil.which("Rscript"), script] if shutil.which("Rscript") else None


def _python_command(interpreter, script):
    command = [interpreter, "-c", "import pomegranate"]
    there = subprocess.run(command, stderr=subprocess.DEVNULL, check=False)
    return [interpreter, script] if there.returncode == 0 else None


def _elsewhere(command_of, suffix, code, X, labels, targets, repeats):
    """From models to log-likelihood and seconds, told by another process."""
    with tempfile.TemporaryDirectory() as folder:
        names = ("script" + suffix, "table.csv", "labels.txt", "wanted.csv")
        script, table, classes, wanted = (str(Path(folder, name)) for name in names)
        command = command_of(script)
        if command is None:
            return {}
        Path(script).write_text(code, encoding="utf-8")
        np.savetxt(table, X, delimiter=",", fmt="%.17g")
        np.savetxt(classes, labels, fmt="%d")
        frame = pd.DataFrame(targets.items(), columns=["model", "log_likelihood"])
        frame.to_csv(wanted, index=False)
        told = subprocess.run(
            [*command, table, classes, wanted, str(repeats)],
            capture_output=True,
            text=True,
            check=False,
        )
    if told.returncode:
        print(f"\nleft out, since it failed: {told.stderr[-300:]}")
        return {}
    lines = (line.split() for line in told.stdout.splitlines())
    return {model: (float(reached), float(spent)) for model, reached, spent in lines}


def run(options):
    """Print the tables, and save them."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    repeats = 5 if options.full else 3
    steps = model_steps(FULL_SIZES if options.full else SMALL_SIZES, repeats)
    fits = model_fits(labelled_tables(options.full), options.pomegranate, repeats)
    for title, rows in {"Model steps": steps, "Model fits": fits}.items():
        show(title, rows)
        save(title.lower().replace(" ", "_"), rows)


def add_arguments(parser):
    """What may be asked of this benchmark besides ``--full``."""
    parser.add_argument(
        "--pomegranate", default=sys.executable, help="a Python that has pomegranate"
    )


def main():
    """Run the benchmark."""
    parser = arguments(__doc__)
    add_arguments(parser)
    options = parser.parse_args()
    print(machine_facts())
    run(options)
    print(f"\n{machine_facts()}")


if __name__ == "__main__":
    main()
