r"""
Estimate a divergence from two samples
======================================

How far is one distribution from another, if all there is of each is a table of rows?
Estimates need more rows the further apart the distributions are and the more columns
there are; here one sees how many, where the truth is known.
"""

# %%
# Two Gaussians, two nats apart
# -----------------------------
# Both have unit covariance, and their means lie at distance 2, so that
# :math:`D(p \| q) = 2` whatever the number of columns.

import matplotlib.pyplot as plt
import numpy as np

from skgen.divergences import js_from_samples, kl_from_samples


def two_samples(n, d, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(2.0 / np.sqrt(d), size=(n, d))


# %%
# Four estimators
# ---------------
# Neighbours assume nothing about p and q. They fall short, since the k-th neighbour in
# Y of a row of X is too far away to see how q falls off, and more rows mend it slowly
# in ten dimensions. Fewer neighbours are nearer, and vary more.
#
# The classifier is a logistic regression on squares and products of columns. It
# assumes what is true here, that the log-ratio is a polynomial of degree 2. What its
# coefficients pick up of noise, the bound of Donsker and Varadhan pays for on rows
# held out. It may still lie above the truth: the mean of :math:`e^T` is that of
# few, large values, and a sample of Y may hold none.

estimators = {
    "neighbours, k = 1": {"method": "knn", "n_neighbors": 1},
    "neighbours, k = 5": {"method": "knn", "n_neighbors": 5},
    "neighbours, k = 20": {"method": "knn", "n_neighbors": 20},
    "classifier": {"method": "classifier"},
    "Donsker-Varadhan": {"method": "donsker-varadhan"},
}
dimensions = [1, 2, 10]
sizes = [100, 300, 1000, 3000]
n_seeds = 3

estimates = np.array(
    [
        [
            [
                [
                    kl_from_samples(*two_samples(n, d, seed), random_state=seed, **how)
                    for seed in range(n_seeds)
                ]
                for n in sizes
            ]
            for how in estimators.values()
        ]
        for d in dimensions
    ]
)
means = estimates.mean(axis=-1)
errors = estimates.std(axis=-1, ddof=1) / np.sqrt(n_seeds)

# %%
# Means over a few pairs of samples, with their standard errors:

colours = ["#9ecae1", "#4292c6", "#08519c", "#d95f02", "#7a0177"]
markers = ["o", "o", "o", "s", "^"]
figure, panels = plt.subplots(
    1, 3, figsize=(11, 4.2), sharey=True, layout="constrained"
)
for panel, d, lines, bars in zip(panels, dimensions, means, errors):
    panel.axhline(2.0, color="black", linewidth=1, zorder=0)
    for i, name in enumerate(estimators):
        panel.errorbar(
            np.array(sizes) * 1.03 ** (i - 2),
            lines[i],
            bars[i],
            color=colours[i],
            marker=markers[i],
            markersize=4,
            label=name,
        )
    panel.set(xscale="log", title=f"d = {d}", xlabel="rows of each sample")
    panel.set_xticks([100, 1000], labels=["100", "1000"])
panels[0].set(ylabel="estimate of D(p ‖ q) in nats", ylim=(0.0, 2.9))
panels[0].text(110, 2.04, "truth", va="bottom")
figure.legend(
    *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=5
)
figure.set_layout_engine("constrained")
plt.show()

# %%
# What the interval says
# ----------------------
# A standard error tells how the estimate would vary over samples. It does not know of
# the bias: in ten dimensions the interval of neighbours is narrow and wrong.

X, Y = two_samples(1000, 10, seed=0)
for method in ("knn", "classifier"):
    result = kl_from_samples(
        X, Y, method=method, confidence_level=0.95, n_bootstraps=40, random_state=0
    )
    low, high = result.confidence_interval
    print(f"{method:10} {result.value:.2f}, 95 % from {low:.2f} to {high:.2f}")

# %%
# An easier question
# ------------------
# The Jensen-Shannon divergence is at most log 2, one bit, and no single row can weigh
# much in it: neighbours come close where they miss the Kullback-Leibler divergence.
# Its true value here is 0.337 nats, and the standard error some 0.014.

for d in dimensions:
    print(f"d = {d:2}: {js_from_samples(*two_samples(1000, d, seed=0)):.3f}")
