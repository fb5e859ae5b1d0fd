"""
Choose among 126 mixtures
=========================

How many clusters, and of what volume, shape and orientation? ``n_components="auto"``
and ``covariance_type="auto"`` try nine sizes of fourteen models, and keep the best.
"""

# %%
# The data
# --------
# 178 wines by thirteen measurements, in units as unlike as percent and milligrams.
# They come from three cultivars; the mixture is not told so.

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from skgen import EMGaussianMixture
from skgen.display import MixtureSelectionDisplay

wine = load_wine(as_frame=True)
X = wine.data

# %%
# One fit, 126 candidates
# -----------------------
# A covariance has a volume, a shape and an orientation. Each of them may be equal for
# all components (E), variable (V), or the identity (I): ``"VVE"`` are ellipsoids of any
# volume and shape, along the same axes. BIC charges each model for its parameters.
#
# All candidates of one size start from the same clusterings, and take over from each
# other what is best. The estimator then is the winner.

mixture = EMGaussianMixture("auto", covariance_type="auto", random_state=0).fit(X)
print(f"{mixture.covariance_type_}, {mixture.n_components_}: {mixture.bic(X):.1f}")

# %%
# ``selection_`` is the table. Candidates with a component of too few rows, or of next
# to no width in some direction, are spurious: a likelihood without bound, and no
# clusters.

table = pd.DataFrame(mixture.selection_).sort_values("rank")
table[
    ["covariance_type", "n_components", "criterion", "n_parameters", "spurious"]
].head(8)

# %%
# Each line is a model. Those of few parameters that have one orientation for all
# components leave the others behind: thirteen columns make 91 covariances, and VVV pays
# for all of them in each component.

MixtureSelectionDisplay.from_estimator(mixture)
plt.show()

# %%
# What four models find
# ---------------------
# scikit-learn knows four of the fourteen. From ten starts each, the best of them:

warnings.simplefilter("ignore", ConvergenceWarning)
theirs = min(
    (
        GaussianMixture(size, covariance_type=name, n_init=10, random_state=0).fit(X)
        for name in ("full", "tied", "diag", "spherical")
        for size in range(1, 10)
    ),
    key=lambda fitted: fitted.bic(X),
)
print(f"{theirs.covariance_type}, {theirs.n_components}: {theirs.bic(X):.1f}")

# %%
# The cultivars
# -------------
# What the components have to do with the cultivars, which neither has seen:

figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained", sharey=True)
for ax, model, name in zip(axes, (mixture, theirs), ("skgen", "scikit-learn")):
    shown = pd.crosstab(wine.target, model.predict(X)).to_numpy()
    ax.imshow(shown, cmap="Blues", vmin=0, vmax=75, aspect="auto")
    for (row, column), count in np.ndenumerate(shown):
        colour = "white" if count > 40 else "#222222"
        ax.text(column, row, count, ha="center", va="center", color=colour)
    ax.set_xticks(range(shown.shape[1]))
    ax.set_xlabel("component")
    ax.set_title(f"{name}: BIC {model.bic(X):,.0f}")
axes[0].set_yticks(range(3))
axes[0].set_ylabel("cultivar")
plt.show()
