"""KLAnomalyDetector at its default against detectors of scikit-learn and PyOD.

Tables, printed and written to ``benchmarks/results/``:

detection
    Area under the ROC curve and average precision of every detector on sets with
    labelled anomalies: fitted to all rows and asked about the same ("transductive"),
    and fitted to half of the normal rows and asked about all others ("oneclass"). One
    setting for all sets: each detector's default. Means are over the sets of
    ``peers.csv``, and beside them are the means that this file has.
validation
    Whether the default is a product of these sets: of a small family of settings, the
    one is taken that has the highest mean of the four figures on all sets but one, and
    is asked about the one left out. The best peer is chosen in the same way.
time
    Seconds to fit 10,000 rows of 30 columns and to score them.
attribution
    One cell of a normal row is exchanged with that of another row: how often is its
    column the one that `transform` finds most surprising? Only exchanges that can be
    noticed: of columns that a forest predicts from the others, by one standard
    deviation or more.

windows
    Windows of 100 rows, as they are and shifted in six ways: the share with a p-value
    of at most .05, which is that of false alarms and the power. The detector has seen
    half of the normal rows and is calibrated on a quarter; windows are from the rest.

Run ``python benchmarks/bench_anomaly.py``; ``--data DIR`` for the sets in
``DIR/adbench``, ``--full`` for all of them and for three seeds, ``--only time`` for
some of the tables. One thread is used.
"""

import time as clock
from functools import cache, partial
from itertools import product
from pathlib import Path

import numpy as np
from _anomaly_protocols import (
    FEW_ROWS,
    PROTOCOLS,
    UNPUBLISHED,
    half_of_inliers,
    labelled_sets,
    peers,
    published,
    splits,
)
from _anomaly_windows import alarms_by_set
from _protocols import clustered
from _report import arguments, in_turns, machine_facts, save, show
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from skgen import KLAnomalyDetector

OURS = "skgen"
MEASURES = {"AUROC": roc_auc_score, "AP": average_precision_score}
FIGURES = [f"{protocol} {name}" for protocol in PROTOCOLS for name in MEASURES]

# The declared family of settings: weights of the parts; what is fitted is the same.
BETAS = (1.0, 1.5, 2.0, 3.0)
DEPENDENCE_WEIGHTS = (1.0, 0.8, 2.0 / 3.0, 0.5)
SETTINGS = list(product(BETAS, DEPENDENCE_WEIGHTS))
DEFAULT = (2.0, 2.0 / 3.0)

TIMED_PEERS = ("IsolationForest", "LOF", "PyOD.KNN")

N_SWAPS = 200
PREDICTABLE = 0.5  # out-of-bag share of variance
MOST_CANDIDATES = 20  # columns, drawn at random where there are more


@cache
def measured(data, full):
    """Figures and seconds of all detectors, and figures of the family of settings.

    Parameters
    ----------
    data : path-like or None
        The folder of data.

    full : bool
        Whether all sets and seeds are wanted.

    Returns
    -------
    rows : list of dict
        One for each set, protocol and detector.

    family : dict of str to dict
        Four figures by set and setting.
    """
    others, missing = peers()
    if missing:
        print(f"Not installed: {', '.join(missing)}")
    rows, family = [], {}
    for name, X, y in labelled_sets(data, full=full):
        family[name] = {setting: {} for setting in SETTINGS}
        for protocol in PROTOCOLS:
            parts = list(splits(X, y, protocol, most_seeds=3 if full else 1))
            ours = Ours()
            for detector, detect in ({OURS: ours} | others).items():
                runs = [_run(detect, *part) for part in parts]
                mean = {
                    key: float(np.mean([run[key] for run in runs])) for key in runs[0]
                }
                rows.append(
                    {"set": name, "protocol": protocol, "detector": detector}
                    | mean
                    | {"n": len(X), "d": X.shape[1], "seeds": len(runs)}
                )
            for setting, figures in ours.by_setting(parts).items():
                family[name][setting] |= dict(zip(_of(protocol), figures))
    return rows, family


class Ours:
    """Our detector, of which those that were fitted are remembered."""

    def __init__(self):
        self.fitted = []

    def __call__(self, train, test, seed):
        """Scores of rows, high for anomalies."""
        self.fitted.append(KLAnomalyDetector(random_state=seed).fit(train))
        return -self.fitted[-1].score_samples(test)

    def by_setting(self, parts):
        """Mean figures of other weights; nothing needs to be fitted again."""
        told = [
            (detector.score_components(test), labels)
            for detector, (_, _, test, labels) in zip(self.fitted, parts)
        ]
        return {
            setting: [
                float(np.mean([f(labels, t.surprise(*setting)) for t, labels in told]))
                for f in MEASURES.values()
            ]
            for setting in SETTINGS
        }


def _run(detect, seed, train, test, labels):
    """Figures of one fit, and its seconds."""
    worked, began = clock.process_time(), clock.perf_counter()
    scores = detect(train, test, seed)
    worked, began = clock.process_time() - worked, clock.perf_counter() - began
    figures = {name: float(f(labels, scores)) for name, f in MEASURES.items()}
    return figures | {"CPU s": worked, "wall s": began}


def detection(options):
    """Means over sets, beside those published; figures by set."""
    rows, _ = measured(options.data, options.full)
    save("anomaly_detection_sets", rows)
    figures = _by_set(rows)
    for key in FIGURES:
        show(key, [_line(name, told, key) for name, told in figures.items()])
    known = {
        of: values
        for of, values in published(options.data).items()
        if of[0] in _counted(figures)
    }
    for detector in next(iter(figures.values())):
        of_this = [row for row in rows if row["detector"] == detector]
        yield (
            {"detector": detector}
            | _mean(figures, dict.fromkeys(figures, detector))
            | _seconds([row for row in of_this if row["set"] in _counted(figures)])
            | (_published_means(known, detector) if known else {})
            | (_largest_difference(known, of_this) if known else {})
        )


def _line(name, told, key):
    return {"set": name} | {detector: four[key] for detector, four in told.items()}


def _seconds(rows):
    return {
        kind: sum(row[kind] * row["seeds"] for row in rows)
        for kind in ("CPU s", "wall s")
    }


def _by_set(rows):
    """Four figures, by set and detector."""
    figures = {}
    for row in rows:
        by_detector = figures.setdefault(row["set"], {})
        four = by_detector.setdefault(row["detector"], {})
        four |= {f"{row['protocol']} {name}": row[name] for name in MEASURES}
    return figures


def _counted(names):
    """The sets that count in means."""
    return [name for name in names if name not in UNPUBLISHED]


def _mean(figures, chosen):
    """Mean of each figure over sets, each by what is chosen for it."""
    return {
        key: float(
            np.mean([figures[name][chosen[name]][key] for name in _counted(chosen)])
        )
        for key in FIGURES
    }


def _published_means(known, detector):
    """The means that the file has; empty for detectors that are not in it."""
    means = dict.fromkeys((f"{key}, peers.csv" for key in FIGURES), "")
    for protocol in PROTOCOLS:
        values = [v for (_, p, d), v in known.items() if (p, d) == (protocol, detector)]
        if values:
            told = np.mean(values, axis=0).tolist()
            means |= {f"{key}, peers.csv": v for key, v in zip(_of(protocol), told)}
    return means


def _of(protocol):
    return [key for key in FIGURES if key.startswith(protocol)]


def _largest_difference(known, rows):
    """The largest difference to what is published, over sets and figures."""
    differences = [
        abs(row[name] - told)
        for row in rows
        if (of := (row["set"], row["protocol"], row["detector"])) in known
        for name, told in zip(MEASURES, known[of])
    ]
    return {"largest difference": max(differences, default="")}


def validation(options):
    """Settings, and peers, chosen without the set that they are asked about."""
    rows, family = measured(options.data, options.full)
    family = {name: family[name] for name in _counted(family)}
    others = {name: told for name, told in _by_set(rows).items() if name in family}
    for told in others.values():
        del told[OURS]
    ours, theirs = _chosen_without(family), _chosen_without(others)
    show("Choices by the other sets", list(_choices(family, ours, others, theirs)))
    show("Validation: the family on all sets", list(_all_settings(family)))
    yield {"": "ours, chosen without the set"} | _mean(family, ours)
    yield {"": "ours, default"} | _mean(family, dict.fromkeys(family, DEFAULT))
    yield {"": "peer, chosen without the set"} | _mean(others, theirs)
    for key in FIGURES:
        best = dict.fromkeys(others, _best(others, others, [key]))
        name = next(iter(best.values()))
        yield {"": f"{name}, first in {key}"} | _mean(others, best)


def _best(figures, names, keys=FIGURES):
    """What has the highest mean of some figures over some sets."""
    candidates = next(iter(figures.values()))
    return max(
        candidates,
        key=lambda c: np.mean([[figures[name][c][k] for k in keys] for name in names]),
    )


def _chosen_without(figures):
    """For each set what is best on the others."""
    return {name: _best(figures, [o for o in figures if o != name]) for name in figures}


def _choices(family, ours, others, theirs):
    for name in family:
        beta, weight = ours[name]
        yield {
            "set left out": name,
            "beta": beta,
            "dependence_weight": weight,
            "ours, mean of four": _four(family, name, ours),
            "peer": theirs[name],
            "peer, mean of four": _four(others, name, theirs),
        }


def _four(figures, name, chosen):
    return float(np.mean(list(figures[name][chosen[name]].values())))


def _all_settings(family):
    for setting in SETTINGS:
        means = _mean(family, dict.fromkeys(family, setting))
        yield (
            dict(zip(("beta", "dependence_weight"), setting))
            | means
            | {"mean": float(np.mean(list(means.values())))}
        )


def time(options):
    """Seconds to fit and score a table; the shortest of some turns."""
    n_rows = 10_000 if options.full else 2000
    X = clustered(n_rows, 30)
    fresh = X[::-1].copy()
    others, _ = peers()
    models = {
        OURS: Ours(),
        f"{OURS}, calibration=None": _detect_uncalibrated,
        **{name: others[name] for name in TIMED_PEERS if name in others},
    }
    calls = [partial(model, X, fresh, 0) for model in models.values()]
    repeats = 3 if options.full else 1
    spent = in_turns(calls, repeats=repeats)
    worked = in_turns(calls, repeats=repeats, clock=clock.process_time)
    for name, wall, cpu in zip(models, spent, worked):
        yield {"detector": name, "rows": n_rows, "wall s": wall, "CPU s": cpu}


def _detect_uncalibrated(train, test, seed):
    detector = KLAnomalyDetector(calibration=None, random_state=seed)
    return -detector.fit(train).score_samples(test)


def attribution(options):
    """How often the column of an exchanged cell is found."""
    hits = []
    for name, X, y in labelled_sets(options.data, full=options.full):
        if name in UNPUBLISHED:
            continue
        seeds = range(3 if options.full and len(X) < FEW_ROWS else 1)
        runs = [found for s in seeds if (found := _attributed(X, y, s))]
        if runs:
            hits.append({"set": name, "d": X.shape[1]} | _mean_of_rows(runs))
            yield hits[-1]
    yield {"set": "mean"} | _mean_of_rows(hits)


def windows(options):
    """Shares of alarms by set, and their means."""
    rows = list(alarms_by_set(options.data, full=options.full))
    usual = [row for row in rows if row["set"] not in UNPUBLISHED]
    yield from rows
    mean = {
        key: float(np.mean([row[key] for row in usual if key in row]))
        for key in rows[0]
        if key != "set"
    }
    yield {"set": f"mean of {len(usual)}"} | mean
    kinds = [key for key in mean if key not in ("none", "s per window")]
    errors = np.std([row["none"] for row in usual], ddof=1) / np.sqrt(len(usual))
    power = float(np.mean([mean[kind] for kind in kinds]))
    print(f"Power {power:.3f}, false alarms {mean['none']:.3f} ± {errors:.3f}")


def _mean_of_rows(rows):
    """Means of what are numbers in rows with the same keys."""
    keys = [key for key in rows[0] if key != "set"]
    return {key: float(np.nanmean([row[key] for row in rows])) for key in keys}


def _attributed(X, y, seed):
    """Shares of exchanges found; None where no column can be told from the others."""
    train, test, labels = half_of_inliers(X, y, seed)
    scaler = StandardScaler().fit(train)
    train, test = scaler.transform(train), scaler.transform(test[labels == 0])
    columns = _predictable(train, seed)
    if not columns:
        return None
    rows, swapped = _exchanged(test, columns, np.random.RandomState(seed))
    detector = KLAnomalyDetector(random_state=seed).fit(train)
    shares = {OURS: detector.transform(rows)} | _one_gaussian(train, rows)
    found = {
        key: float(np.mean(share.argmax(axis=1) == swapped))
        for key, share in shares.items()
    }
    flagged = detector.predict(rows) == -1
    return (
        {"predictable": len(columns), "by chance": 1.0 / train.shape[1]}
        | found
        | {"share flagged": float(flagged.mean())}
    )


def _predictable(train, seed):
    """Columns of which a forest explains enough by the others, out of bag."""
    rng = np.random.RandomState(seed)
    candidates = rng.permutation(train.shape[1])[:MOST_CANDIDATES]
    some = train[:1000]
    return [
        j
        for j in candidates
        if np.ptp(some[:, j]) > 0.0 and _explained(some, j, seed) >= PREDICTABLE
    ]


def _explained(some, j, seed):
    forest = ExtraTreesRegressor(
        50, min_samples_leaf=2, bootstrap=True, oob_score=True, random_state=seed
    )
    return forest.fit(np.delete(some, j, axis=1), some[:, j]).oob_score_


def _exchanged(test, columns, rng):
    """Rows with a cell of another row, far enough from their own; and its column."""
    rows, swapped = [], []
    for _ in range(20 * N_SWAPS):
        (a, b), j = rng.choice(len(test), 2, replace=False), rng.choice(columns)
        if abs(test[a, j] - test[b, j]) < 1.0:
            continue
        pair = test[[a, b]].copy()
        pair[:, j] = pair[::-1, j]
        rows.append(pair)
        swapped += [j, j]
        if len(rows) == N_SWAPS:
            break
    return np.concatenate(rows), np.array(swapped)


def _one_gaussian(train, rows):
    """Shares of columns by the mean and covariance of the training rows."""
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    covariance = np.cov(train.T) + 1e-6 * np.eye(train.shape[1])
    precision = np.linalg.inv(covariance)
    away = rows - mean
    pulls = away @ precision
    return {
        "Gaussian residual": pulls**2 / np.diag(precision),
        "Mahalanobis share": away * pulls,
        "z squared": (away / np.maximum(deviation, 1e-6)) ** 2,
    }


SECTIONS = {
    section.__name__: section
    for section in (detection, validation, time, attribution, windows)
}


def main():
    """Run the benchmark."""
    parser = arguments(__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, help="folder that holds adbench/")
    parser.add_argument(
        "--only",
        type=lambda names: names.split(","),
        default=list(SECTIONS),
        help=f"tables, of {','.join(SECTIONS)}",
    )
    options = parser.parse_args()
    if unknown := set(options.only) - set(SECTIONS):
        parser.error(f"no table {sorted(unknown)}: there are {list(SECTIONS)}")
    print(machine_facts())
    with threadpool_limits(1):
        for name in options.only:
            began = clock.perf_counter()
            rows = list(SECTIONS[name](options))
            show(name.capitalize(), rows)
            print(f"\n{clock.perf_counter() - began:.0f} s", flush=True)
            save(f"anomaly_{name}", rows)


if __name__ == "__main__":
    main()
