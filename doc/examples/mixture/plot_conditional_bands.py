"""
Bands of a regression that is not one curve
===========================================

Least squares says where y lies on average, with one width everywhere. A Gaussian
mixture over x and y says how y is distributed at each x. Among the wines below there
are two groups at the same colour, and the mean lies where hardly a wine is.
"""

# %%
# The data
# --------
# 178 wines from three cultivars: how much of the flavanoids goes with which colour? The
# regression is not told the cultivar.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_wine
from sklearn.model_selection import KFold, cross_validate

from skgen import EMGaussianMixture, GaussianMixtureRegressor

wine = load_wine(as_frame=True).data
X, y = wine[["color_intensity"]], wine["flavanoids"]

# %%
# How many components
# -------------------
# ``score`` is R², of the mean alone; ``log_density`` is :math:`\log p(y \mid x)`, of
# the whole distribution. Both are taken on wines held out. One component is ordinary
# least squares. By R² there is next to nothing to be known: no single number predicts
# a wine well. By the log-density two components know a good deal more than a straight
# line.


def mean_log_density(regressor, X, y):
    return regressor.log_density(X, y).mean()


folds = KFold(10, shuffle=True, random_state=0)
scoring = {"r2": "r2", "log_density": mean_log_density}
for n_components in range(1, 6):
    regressor = GaussianMixtureRegressor(n_components, random_state=0)
    found = cross_validate(regressor, X, y, cv=folds, scoring=scoring)
    r2, nats = (found[f"test_{name}"].mean() for name in scoring)
    print(f"{n_components} components: R² {r2:5.2f}, {nats:5.2f} nats per wine")

# %%
# Bands
# -----
# Half of the wines lie in the dark band, nine of ten in the light one. Between 6 and 8
# the bands reach from one group to the other, and the mean, dashed, runs down the gap
# between them.

regressor = GaussianMixtureRegressor(2, random_state=0).fit(X, y)
grid = pd.DataFrame({"color_intensity": np.linspace(1, 13, 300)})
at = grid["color_intensity"]
low, lower, median, upper, high = regressor.predict_quantile(
    grid, [0.05, 0.25, 0.5, 0.75, 0.95]
).T

blue, orange, green = "#0072B2", "#D55E00", "#009E73"
figure, ax = plt.subplots(figsize=(7.5, 5), layout="constrained")
ax.fill_between(at, low, high, color=blue, alpha=0.15, lw=0, label="90 %")
ax.fill_between(at, lower, upper, color=blue, alpha=0.3, lw=0, label="50 %")
ax.plot(at, median, color=blue, lw=2, label="median")
ax.plot(at, regressor.predict(grid), color="#222222", lw=1.5, ls="--", label="mean")
ax.plot(X, y, "o", ms=3.5, color="#222222", alpha=0.6, mew=0)
ax.set(xlabel="colour intensity", ylabel="flavanoids", xlim=(1, 13), ylim=(0, 5.3))
ax.legend(frameon=False)
plt.show()

# %%
# The whole distribution at one x
# -------------------------------
# ``conditional`` of the mixture is again a mixture: its density can be drawn, sampled
# and asked for its components. At a colour of 3 nearly all wines are of one kind. At
# 6.5 there are two kinds, and neither the mean nor a band around it would say so.

values = np.linspace(0, 5, 400)
table = pd.DataFrame({"flavanoids": values})
figure, ax = plt.subplots(figsize=(7.5, 4), layout="constrained")
for colour, style, line in ((3.0, "-", green), (6.5, "--", orange)):
    law = regressor.mixture_.conditional({"color_intensity": colour})
    density = np.exp(law.score_samples(table))
    label = f"colour {colour}: components {law.weights_.round(2).tolist()}"
    ax.plot(values, density, color=line, lw=2, ls=style, label=label)
    ax.fill_between(values, density, color=line, alpha=0.12, lw=0)
    mean = regressor.predict(pd.DataFrame({"color_intensity": [colour]}))
    height = np.interp(mean, values, density)
    ax.plot(mean, height, "o", color=line, ms=8, mec="white")
ax.plot([], [], "o", color="#8c8c8c", ms=8, mec="white", label="mean")
ax.set(xlabel="flavanoids", ylabel="density", xlim=(0, 5), ylim=(0, None))
ax.legend(frameon=False)
plt.show()

# %%
# Any columns given any others
# ----------------------------
# A mixture over more columns answers every such question, with any of them given and
# any others asked for. What is the alcohol of a wine of colour 6.5, and what if it has
# few flavanoids too?

columns = ["color_intensity", "flavanoids", "alcohol", "proline"]
mixture = EMGaussianMixture(3, random_state=0).fit(wine[columns])
for given in (
    {"color_intensity": 6.5},
    {"color_intensity": 6.5, "flavanoids": 0.8},
    {"color_intensity": 6.5, "flavanoids": 3.0},
):
    alcohol = mixture.conditional(given).marginal("alcohol")
    rows, _ = alcohol.sample(20_000, random_state=0)
    print(f"{given}: alcohol {rows.mean():.1f} ± {rows.std():.1f} %")

# %%
# How sure is the fit itself? ``bootstrap`` fits it again to rows weighted at random.

result = mixture.bootstrap(wine[columns], 200, random_state=0)
errors = result.standard_errors()
means, errors = (
    pd.DataFrame(array, columns=columns).round(2).astype(str)
    for array in (mixture.means_, errors["means"])
)
print(means + " ± " + errors)
