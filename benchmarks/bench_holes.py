"""Tables with holes: a step of EM, one Gaussian, and imputed cells.

Tables, printed and written to ``benchmarks/results/``:

hole steps
    Seconds per component and plain EM step of full covariances, and the number of
    distinct patterns of missing cells.
hole fits
    One Gaussian fitted to convergence, and with its holes filled, beside the default
    fit and transformation of scikit-learn's IterativeImputer, in one run.
hole imputation
    Mean squared error over hidden cells, in variances of the columns, and seconds of
    fitting and filling: half of the cells hidden, columns standardised.

Run ``python benchmarks/bench_holes.py``; ``--full`` for the real sizes, ``--data DIR``
for the tables of UCI in ``DIR/uci``.
"""

import warnings
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
from _protocols import half_hidden, tables
from _report import arguments, in_turns, machine_facts, save, show
from bench_mixture import mixture_data
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer

from skgen import EMGaussianMixture, GenerativeImputer

# rows, columns, share of cells hidden, components
SMALL_STEPS = [(1_000, 6, 0.5, 3), (5_000, 10, 0.1, 2)]
FULL_STEPS = [(5_000, 12, 0.5, 5), (5_000, 12, 0.5, 20), (100_000, 10, 0.1, 5)]
SMALL_FITS = [(5_000, 10, 0.1)]
FULL_FITS = [(5_000, 12, 0.5), (100_000, 10, 0.1)]
IMPUTED = ["breast_cancer", "wine_white", "wine_red", "concrete"]

# What the mean squared errors of the default imputer are held to.
LARGEST_ERRORS = {
    "wine_white": 0.70,
    "wine_red": 0.60,
    "breast_cancer": 0.215,
    "concrete": 0.65,
}


def with_holes(n_samples, n_features, share, n_components=5):
    """Rows of a mixture, so large a share of their cells hidden at random."""
    X, means = mixture_data(n_samples, n_features, n_components)
    hidden = np.random.RandomState(1).rand(n_samples, n_features) < share
    hidden[hidden.all(axis=1), 0] = False
    return np.where(hidden, np.nan, X), means


def hole_steps(sizes, repeats):
    """Seconds per component and step: long fits less fits of one step."""
    rows = []
    for n_samples, n_features, share, n_components in sizes:
        X, means = with_holes(n_samples, n_features, share, n_components)
        make = partial(
            EMGaussianMixture,
            n_components,
            weights_init=np.full(n_components, 1.0 / n_components),
            means_init=means,
            precisions_init=np.stack([np.eye(n_features)] * n_components),
            tol=0.0,
            acceleration=None,
        )
        fits = [partial(make(max_iter=n_steps).fit, X) for n_steps in (1, 6)]
        short, long = in_turns(fits, repeats=repeats)
        rows.append(
            {
                "N": n_samples,
                "D": n_features,
                "K": n_components,
                "hidden": f"{np.isnan(X).mean():.0%}",
                "patterns": len(np.unique(np.isnan(X), axis=0)),
                "s per component and step": (long - short) / 5 / n_components,
            }
        )
        print(".", end="", flush=True)
    return rows


def hole_fits(sizes, repeats):
    """Seconds of one Gaussian, with its cells filled, and of IterativeImputer."""
    rows = []
    for n_samples, n_features, share in sizes:
        X, _ = with_holes(n_samples, n_features, share)
        fit, fill, theirs = in_turns(
            [
                partial(EMGaussianMixture().fit, X),
                partial(GenerativeImputer(EMGaussianMixture()).fit_transform, X),
                partial(IterativeImputer(random_state=0).fit_transform, X),
            ],
            repeats=repeats,
        )
        rows.append(
            {
                "N": n_samples,
                "D": n_features,
                "hidden": f"{np.isnan(X).mean():.0%}",
                "IterativeImputer s": theirs,
                "fit s": fit,
                "ratio": theirs / fit,
                "fit and impute s": fill,
                "ratio of both": theirs / fill,
            }
        )
        print(".", end="", flush=True)
    return rows


def hole_imputation(folder, n_seeds):
    """Errors and seconds of three imputers; means over the choices of hidden cells."""
    imputers = {
        "IterativeImputer()": lambda: IterativeImputer(random_state=0),
        "GenerativeImputer(EMGaussianMixture())": lambda: GenerativeImputer(
            EMGaussianMixture()
        ),
        "GenerativeImputer()": lambda: GenerativeImputer(random_state=0),
    }
    rows = []
    for name, table in tables(folder, IMPUTED).items():
        for imputer, make in imputers.items():
            runs = [_imputed(table, make, seed) for seed in range(n_seeds)]
            error, seconds = np.mean(runs, axis=0)
            is_default = imputer == "GenerativeImputer()"
            rows.append(
                {
                    "table": name,
                    "N": len(table),
                    "D": table.shape[1],
                    "imputer": imputer,
                    "mean squared error": float(error),
                    "at most": LARGEST_ERRORS[name] if is_default else "",
                    "seconds": float(seconds),
                }
            )
            print(".", end="", flush=True)
    return rows


def _imputed(table, make, seed):
    """Mean squared error over the hidden cells, and seconds."""
    true, seen = half_hidden(table, seed)
    start = perf_counter()
    filled = make().fit_transform(seen)
    seconds = perf_counter() - start
    return np.square(filled - true)[np.isnan(seen)].mean(), seconds


def run(options):
    """Print the tables, and save them."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    full = options.full
    found = {
        "Hole steps": hole_steps(FULL_STEPS if full else SMALL_STEPS, 3),
        "Hole fits": hole_fits(FULL_FITS if full else SMALL_FITS, 2),
        "Hole imputation": hole_imputation(options.data, 3 if full else 1),
    }
    for title, rows in found.items():
        show(title, rows)
        save(title.lower().replace(" ", "_"), rows)


def add_arguments(parser):
    """What may be asked of this benchmark besides ``--full``."""
    parser.add_argument("--data", type=Path, help="folder that holds uci/")


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
