"""What every benchmark shares: machine facts, timing in turns, tables, CSV files."""

import argparse
import csv
import os
import pathlib
import platform
import time

import numpy as np
import scipy
import sklearn
import threadpoolctl

import skgen

RESULTS = pathlib.Path(__file__).parent / "results"


def machine_facts():
    """One line on the machine and the versions that were measured."""
    blas = {
        f"{pool['internal_api']} {pool['version']} ({pool.get('architecture', '?')})"
        for pool in threadpoolctl.threadpool_info()
        if pool["user_api"] == "blas"
    }
    return (
        f"{len(os.sched_getaffinity(0))} cores {_processor()}; "
        f"load {os.getloadavg()[0]:.1f}; Python {platform.python_version()}; "
        f"numpy {np.__version__}, scipy {scipy.__version__}, "
        f"scikit-learn {sklearn.__version__}, skgen {skgen.__version__}; "
        f"BLAS {', '.join(sorted(blas))}; {time.strftime('%Y-%m-%d')}"
    )


def _processor():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        names = [line.split(":")[1].strip() for line in lines if "model name" in line]
        return names[0]
    except (OSError, IndexError):
        return platform.machine()


def in_turns(functions, *, repeats, clock=time.perf_counter):
    """The shortest time of each function, in seconds, called in turns.

    In turns, because machines are shared: what slows one slows the other.

    Parameters
    ----------
    functions : sequence of callable
        What to time.

    repeats : int
        Calls of each.

    clock : callable, default=time.perf_counter
        What tells the time; `time.process_time` counts CPU seconds.

    Returns
    -------
    seconds : list of float
        The shortest time of each.
    """
    shortest = [np.inf] * len(functions)
    for _ in range(repeats):
        for i, function in enumerate(functions):
            start = clock()
            function()
            shortest[i] = min(shortest[i], clock() - start)
    return shortest


def geometric_mean(values):
    """The geometric mean."""
    return float(np.exp(np.mean(np.log(values))))


def show(title, rows):
    """Print rows, dictionaries with the same keys, as a Markdown table."""
    print(f"\n### {title}\n")
    names = list(rows[0])
    cells = [[_text(row[name]) for name in names] for row in rows]
    widths = [max(map(len, column)) for column in zip(names, *cells)]

    def line(texts):
        return "| " + " | ".join(t.rjust(w) for t, w in zip(texts, widths)) + " |"

    print(line(names))
    print("|" + "|".join("-" * (w + 1) + ":" for w in widths) + "|")
    for texts in cells:
        print(line(texts))


def save(name, rows):
    """Write rows to ``benchmarks/results/NAME.csv``."""
    RESULTS.mkdir(exist_ok=True)
    with open(RESULTS / f"{name}.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _text(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def arguments(description):
    """The command line that benchmarks share."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--full", action="store_true", help="the real sizes")
    return parser
