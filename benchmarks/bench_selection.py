"""How long the search over models and sizes takes, and how good its best BIC is.

On each set of rows three searches, each run once, in turns:

skgen
    ``EMGaussianMixture("auto", covariance_type="auto")``: 14 models, 1 to 9 components.
scikit-learn
    ``GaussianMixture`` over its four models, 1 to 9 components, 10 starts each.
mclust
    ``mclustBIC(X, G = 1:9)`` in R, timed there, where ``Rscript`` and mclust are found.

BIC is scikit-learn's: lower is better. Ratios are of seconds, and of CPU seconds where
both are Python. A spurious winner is marked.

Run ``python benchmarks/bench_selection.py``; ``--full`` for more sets, ``--sets DIR``
for more still, one ``NAME.csv`` of numbers under a header each.
"""

import shutil
import subprocess
import tempfile
import warnings
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from _report import arguments, machine_facts, save, show
from sklearn import datasets
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from skgen.mixture import EMGaussianMixture

SIZES = range(1, 10)
THEIR_MODELS = "full", "tied", "diag", "spherical"

MCLUST = """
suppressPackageStartupMessages(library(mclust))
X <- as.matrix(read.csv("%s", header = FALSE))
seconds <- system.time(bic <- mclustBIC(X, G = 1:9, verbose = FALSE))["elapsed"]
best <- strsplit(names(summary(bic))[1], ",")[[1]]
cat(best[1], best[2], format(-max(bic, na.rm = TRUE), digits = 12), seconds)
"""


def data_sets(full, folder):
    """Names and rows."""
    yield "iris", datasets.load_iris().data
    yield "wine", datasets.load_wine().data
    if full:
        cancer = datasets.load_breast_cancer().data[:, :10]
        yield "breast cancer, 10 columns", cancer
        diabetes = datasets.load_diabetes(scaled=False).data
        yield "diabetes, 5 columns", diabetes[:, [2, 3, 4, 6, 9]]
    for path in sorted(folder.glob("*.csv")) if folder else ():
        yield path.stem, np.genfromtxt(path, delimiter=",", skip_header=1)


def ours(rows):
    """The winner of our search: model, size, BIC, whether it is spurious."""
    mixture = EMGaussianMixture("auto", covariance_type="auto", random_state=0)
    mixture.fit(rows)
    table = mixture.selection_
    spurious = table["spurious"][table["rank"] == 1].item()
    winner = f"{mixture.covariance_type_}, {mixture.n_components_}"
    return winner + " (spurious)" * spurious, mixture.bic(rows)


def theirs(rows):
    """The winner of scikit-learn's search."""
    fits = (
        GaussianMixture(size, covariance_type=name, n_init=10, random_state=0).fit(rows)
        for name in THEIR_MODELS
        for size in SIZES
    )
    bics = [(fit.bic(rows), fit.covariance_type, fit.n_components) for fit in fits]
    bic, name, size = min(bics)
    return f"{name}, {size}", bic


def timed(search, rows):
    """What a search finds, its seconds, and its CPU seconds."""
    clocks = perf_counter(), process_time()
    winner, bic = search(rows)
    return winner, bic, perf_counter() - clocks[0], process_time() - clocks[1]


def mclust(rows):
    """Winner, BIC and seconds of mclust, or None where it is not to be had."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        np.savetxt(path, rows, delimiter=",", fmt="%.17g")
        command = ["Rscript", "-e", MCLUST % path]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    name, size, bic, seconds = done.stdout.split()
    return f"{name}, {size}", float(bic), float(seconds)


def compare(sets):
    """For each set: winners, criteria, times and their ratios."""
    for name, rows in sets:
        winner, bic, seconds, cpu = timed(ours, rows)
        their_winner, their_bic, their_seconds, their_cpu = timed(theirs, rows)
        found = mclust(rows) or ("not found", np.nan, np.nan)
        yield {
            "rows": f"{name} {rows.shape[0]} x {rows.shape[1]}",
            "skgen": winner,
            "BIC": f"{bic:.4f}",
            "s": seconds,
            "scikit-learn": their_winner,
            "its BIC": f"{their_bic:.4f}",
            "its s": their_seconds,
            "CPU ratio": cpu / their_cpu,
            "mclust": found[0],
            "mclust's BIC": f"{found[1]:.4f}",
            "mclust's s": found[2],
            "ratio": seconds / found[2],
        }


def run(options):
    """Print the table of searches, and save it."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    rows = list(compare(data_sets(options.full, options.sets)))
    show("Searches", rows)
    save("selection", rows)
    if any(row["mclust"] == "not found" for row in rows):
        print("\nmclust was not run: Rscript with mclust must be on the PATH.")


def add_arguments(parser):
    """Add the arguments of this benchmark."""
    parser.add_argument("--sets", type=Path, help="folder of more sets, NAME.csv")


def main():
    """Run the benchmark."""
    parser = arguments(__doc__.split("\n")[0])
    add_arguments(parser)
    options = parser.parse_args()
    print(machine_facts())
    run(options)


if __name__ == "__main__":
    main()
