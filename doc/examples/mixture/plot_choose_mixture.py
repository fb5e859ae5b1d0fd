"""
Choose a Gaussian mixture
=========================

How many components, and of which shape? Two ways to answer, on two columns of the wine
data: the likelihood of rows held out, and BIC.
"""

# %%
# The data
# --------
# 178 wines by their flavanoids and their colour intensity. They come from three
# cultivars; the mixture is not told so.

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Ellipse
from sklearn.datasets import load_wine
from sklearn.model_selection import GridSearchCV, KFold

from skgen import EMGaussianMixture

wine = load_wine()
names = ["flavanoids", "color_intensity"]
X = wine.data[:, [wine.feature_names.index(name) for name in names]]

# %%
# Held-out likelihood
# -------------------
# ``score`` is the mean log-likelihood of rows, so ``GridSearchCV`` chooses the mixture
# that makes unseen rows most probable. The rows come sorted by cultivar: without
# ``shuffle`` a fold would hold a cultivar that the fit has hardly seen.

n_components = [1, 2, 3, 4, 5, 6]
covariance_types = ["full", "tied", "diag", "spherical"]
search = GridSearchCV(
    EMGaussianMixture(random_state=0),
    {"n_components": n_components, "covariance_type": covariance_types},
    cv=KFold(5, shuffle=True, random_state=0),
).fit(X)
print(search.best_params_)

# %%
# BIC
# ---
# BIC needs one fit for each mixture, on all rows, and charges half of :math:`\log N`
# nats for each parameter. Counted as minus twice the likelihood: lower is better.


def bic(covariance_type, k):
    mixture = EMGaussianMixture(k, covariance_type=covariance_type, random_state=0)
    return mixture.fit(X).bic(X)


criterion = np.array([[bic(c, k) for k in n_components] for c in covariance_types])
row, column = np.unravel_index(criterion.argmin(), criterion.shape)
print({"covariance_type": covariance_types[row], "n_components": n_components[column]})

# %%
# Both as curves; the rings mark the winners. The two need not agree: one asks which
# mixture predicts best, the other which most probably made the rows.

# GridSearchCV takes parameters in the order of their names, the last one fastest.
held_out = search.cv_results_["mean_test_score"].reshape(criterion.shape)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
for label, score, value in zip(covariance_types, held_out, criterion):
    left.plot(n_components, score, marker=".", label=label)
    right.plot(n_components, value, marker=".")
best = np.unravel_index(held_out.argmax(), held_out.shape)
left.plot(n_components[best[1]], held_out[best], "ko", ms=11, mfc="none")
right.plot(n_components[column], criterion[row, column], "ko", ms=11, mfc="none")
left.set(xlabel="n_components", ylabel="nats per row", title="held out: high is good")
right.set(xlabel="n_components", ylabel="BIC", title="BIC: low is good")
left.legend(title="covariance_type")
plt.show()

# %%
# The chosen mixture
# ------------------
# An ellipse holds 90 % of its component's probability. Its axes are the eigenvectors of
# the covariance; with two columns, 90 % lies within :math:`\sqrt{-2 \log 0.1}` standard
# deviations. Colours are ``predict``, marks the cultivars that the fit never saw.


def covariance_matrices(mixture):
    """The covariance of each component as a matrix, whatever the structure."""
    precisions = mixture.precisions_
    identity = np.eye(mixture.n_features_in_)
    matrices = {
        "full": lambda: precisions,
        "tied": lambda: [precisions] * mixture.n_components,
        "diag": lambda: [np.diag(p) for p in precisions],
        "spherical": lambda: [p * identity for p in precisions],
    }
    return np.linalg.inv(matrices[mixture.covariance_type]())


def ellipse(mean, covariance, mass=0.9, **style):
    """The ellipse that holds ``mass`` of a Gaussian in the plane."""
    variances, axes = np.linalg.eigh(covariance)
    height, width = 2 * np.sqrt(-2 * np.log(1 - mass) * variances)
    angle = np.degrees(np.arctan2(axes[1, 1], axes[0, 1]))
    return Ellipse(mean, width, height, angle=angle, **style)


mixture = search.best_estimator_
colours = plt.get_cmap("tab10").colors
component = mixture.predict(X)

figure, ax = plt.subplots(figsize=(6, 4.5), layout="constrained")
for cultivar, mark in enumerate("os^"):
    rows = wine.target == cultivar
    ax.scatter(
        *X[rows].T,
        c=[colours[k] for k in component[rows]],
        marker=mark,
        s=22,
        alpha=0.7,
        label=f"cultivar {cultivar}",
    )
for k, parameters in enumerate(zip(mixture.means_, covariance_matrices(mixture))):
    ax.add_patch(ellipse(*parameters, fill=False, lw=2, edgecolor=colours[k]))
ax.set(xlabel=names[0], ylabel=names[1].replace("_", " "))
for handle in ax.legend().legend_handles:
    handle.set_color("0.4")
plt.show()

# %%
# A fitted mixture is a distribution: it says how probable a row is, and makes new ones.

print("log p(x) of the first three rows:", mixture.score_samples(X[:3]).round(2))
new_rows, new_components = mixture.sample(3)
print("three new rows:", new_rows.round(2).tolist(), "from components", new_components)
