"""
Drift that no column shows
==========================

A pump is watched by four sensors. Halfway two of them cease to move together, while
each, taken alone, goes on as before. When is it seen, and what is it that changed?
"""

# %%
# A stream
# --------
# The reference is a month of sound operation. Of the stream that follows, the first
# half is sound as well; then the correlation of flow and power falls, step by step.
# Means and variances stay.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import ks_2samp

from skgen import KLAnomalyDetector
from skgen.display import DriftDisplay, SurpriseDisplay

rng = np.random.default_rng(0)
names = ["flow", "power", "pressure", "temperature"]


def readings(correlation):
    """One row for each entry: speed of the pump, then what the sensors read."""
    n = len(correlation)
    speed = np.where(rng.random(n) < 0.7, 1.0, -1.2)
    flow, own, pressure, temperature = rng.normal(size=(4, n))
    power = correlation * flow + np.sqrt(1 - correlation**2) * own
    shared = 0.6 * speed
    columns = [
        30 + 2 * (flow + speed),
        400 + 25 * (power + speed),
        6 + 0.3 * (0.5 * flow + pressure + shared),
        60 + 3 * (0.4 * power + temperature),
    ]
    return pd.DataFrame(dict(zip(names, columns)))


reference = readings(np.full(4000, 0.9))
falling = np.repeat(np.linspace(0.9, 0.5, 9), 200)[200:]
stream = readings(np.concatenate([np.full(1600, 0.9), falling]))

# %%
# Windows
# -------
# Hundred rows at a time are compared with the reference: how often its components
# occur in them, where their rows lie and how they spread, each as a part of the
# Kullback-Leibler divergence from window to reference. Small windows differ by chance,
# so a p-value says how often a sound window of that size would look as strange.

detector = KLAnomalyDetector(random_state=0).fit(reference)
DriftDisplay.from_estimator(detector, stream, window=100, level=0.01)
plt.show()

# %%
# Every part may be read as numbers.

windows = detector.score_windows(stream, window=100)
print(windows.to_frame().iloc[[0, 10, 20, 30]].round(3).to_string())

# %%
# What columns tell
# -----------------
# The usual monitor compares each column with the reference by Kolmogorov and Smirnov's
# test, here with p-values multiplied by the number of columns. It has nothing to see.

by_column = [
    min(len(names) * ks_2samp(part[name], reference[name]).pvalue for name in names)
    for _, part in stream.groupby(np.arange(len(stream)) // 100)
]
sound = windows.names < 1600
for name, p_values in [("by columns", by_column), ("windows", windows.p_value)]:
    alarms = np.asarray(p_values) <= 0.01
    print(
        f"{name:10} {alarms[sound].sum()} alarms in {sound.sum()} sound windows, "
        f"{alarms[~sound].sum()} in {(~sound).sum()} with drift"
    )

# %%
# Which columns
# -------------
# The strangest rows of the last thousand accuse flow and power: the values are common,
# but not beside each other.

last = stream.iloc[-1000:]
SurpriseDisplay.from_estimator(detector, last, n_rows=8, row_names=list(last.index))
plt.show()
surprises = pd.DataFrame(detector.transform(last), columns=names)
print(surprises.mean().round(2).to_string())
