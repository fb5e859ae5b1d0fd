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
from sklearn.datasets import load_wine
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import GridSearchCV, KFold

from skgen import EMGaussianMixture
from skgen.display import MixtureDisplay, MixtureSelectionDisplay, ScoreDisplay

wine = load_wine(as_frame=True)
X = wine.data[["flavanoids", "color_intensity"]]

# %%
# Held-out likelihood, and BIC
# ----------------------------
# ``score`` is the mean log-likelihood of rows, so ``GridSearchCV`` chooses the mixture
# that makes unseen rows most probable. The rows come sorted by cultivar: without
# ``shuffle`` a fold would hold a cultivar that the fit has hardly seen.
#
# BIC needs one fit for each mixture, on all rows, and charges half of :math:`\log N`
# nats for each parameter. Counted as minus twice the likelihood: lower is better.
#
# The two need not agree: one asks which mixture predicts best, the other which most
# probably made the rows.

n_components = [1, 2, 3, 4, 5, 6]
covariance_types = ["full", "tied", "diag", "spherical"]
search = GridSearchCV(
    EMGaussianMixture(random_state=0),
    {"n_components": n_components, "covariance_type": covariance_types},
    cv=KFold(5, shuffle=True, random_state=0),
).fit(X)

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
MixtureSelectionDisplay.from_search(search, ax=left)
MixtureSelectionDisplay.from_estimator(
    EMGaussianMixture(random_state=0),
    X,
    n_components=n_components,
    covariance_types=covariance_types,
    ax=right,
)
plt.show()

# %%
# The chosen mixture
# ------------------
# Ellipses lie at one and two standard deviations from each component's mean. The table
# holds the cultivars, which the fit never saw, against the components.

mixture = search.best_estimator_
MixtureDisplay.from_estimator(mixture, X, columns=list(X.columns))
plt.show()
print(confusion_matrix(wine.target, mixture.predict(X))[:, : mixture.n_components])

# %%
# A fitted mixture is a distribution: it says how probable a row is, and makes new ones.

ScoreDisplay.from_estimator(mixture, X)
plt.show()
new_rows, new_components = mixture.sample(3)
print("three new rows:", new_rows.round(2).tolist(), "from components", new_components)
