"""
Strange images, pixel by pixel
==============================

An autoencoder that has seen digits from 0 to 6 is the density of a detector. What does
it make of a 9, what of a damaged image, and can it point at the damage?
"""

# %%
# The data
# --------
# 8 × 8 pixels, dark or light. The reference has the digits from 0 to 6. New are images
# of these that were left out; others with a patch of 3 × 3 pixels turned to its
# negative; and all images of 9.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

from skgen import KLAnomalyDetector, VariationalAutoencoder

digits = load_digits()
X = (digits.data > 7.5).astype(float)
known = X[digits.target <= 6]
X_train, X_rest = train_test_split(known, test_size=400, random_state=0)
intact, damaged = X_rest[:200], X_rest[200:].reshape(-1, 8, 8).copy()
rng = np.random.default_rng(0)
corners = rng.integers(1, 5, (len(damaged), 2))
for image, (row, column) in zip(damaged, corners):
    patch = image[row : row + 3, column : column + 3]
    patch[:] = 1 - patch
damaged = damaged.reshape(-1, 64)
others = X[digits.target == 9]

# %%
# The detector
# ------------
# Any density with ``score_samples`` can be the estimator. This one gives a lower bound
# of :math:`\log p(x)`, which is what is scored. ``fpr`` keeps a quarter of the
# images for calibration: of intact images no more than 5 % are flagged, in expectation.

model = VariationalAutoencoder(
    8, likelihood="bernoulli", masking_fraction=0.5, max_iter=40, random_state=0
)
detector = KLAnomalyDetector(model, fpr=0.05, random_state=0).fit(X_train)
scores = {
    "intact": detector.score_samples(intact),
    "damaged": detector.score_samples(damaged),
    "nines": detector.score_samples(others),
}
for name, values in scores.items():
    both = np.concatenate([scores["intact"], values])
    area = roc_auc_score(np.arange(len(both)) >= len(intact), -both)
    flagged = np.mean(values < detector.offset_)
    print(f"{name:8} {flagged:4.0%} flagged, area under the ROC curve {area:.2f}")

figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
edges = np.linspace(min(v.min() for v in scores.values()), 0, 50)
for name, values in scores.items():
    ax.hist(values, edges, density=True, histtype="step", linewidth=1.5, label=name)
ax.axvline(detector.offset_, color="0.3", linestyle="--", label="threshold")
ax.set(xlabel="score, nats", yticks=[])
ax.legend(frameon=False)
ax.spines[["top", "left", "right"]].set_visible(False)
plt.show()

# %%
# Two kinds of surprise
# ---------------------
# A score has parts. R is what the decoder cannot explain once it knows the code, and K
# is how far the code is from what codes are like. Damage shows in R: no code draws it.
# The parts say what ``beta`` would weigh.

for name, images in [("intact", intact), ("damaged", damaged), ("nines", others)]:
    parts = detector.score_components(images[:50])
    print(
        f"{name:8} R {parts.reconstruction.mean():5.1f}   "
        f"K {parts.posterior_divergence.mean():5.1f} nats"
    )

# %%
# Which pixels
# ------------
# ``transform`` asks for each pixel how unlikely it is given all others: the bound with
# the pixel, less the bound with the pixel missing. Frames show where the damage is.

caught = np.flatnonzero(scores["damaged"] < detector.offset_)[:40]
surprises = {
    "damaged": detector.transform(damaged[caught]),
    "nines": detector.transform(others[:10]),
}
figure, axes = plt.subplots(4, 10, figsize=(9, 4), layout="constrained")
for ax, image in zip(axes[::2].flat, [*damaged[caught[:10]], *others[:10]]):
    ax.imshow(image.reshape(8, 8), cmap="gray_r")
for ax, nats in zip(axes[1::2].flat, [*surprises["damaged"][:10], *surprises["nines"]]):
    heat = ax.imshow(nats.reshape(8, 8), cmap="YlOrBr", vmin=0, vmax=5)
for pair, (row, column) in zip(axes[:2].T, corners[caught]):
    for ax in pair:
        place = (column - 0.5, row - 0.5)
        ax.add_patch(plt.Rectangle(place, 3, 3, fill=False, edgecolor="tab:blue"))
for ax in axes.flat:
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
for ax, label in zip(axes[:, 0], ["damaged", "surprise", "nines", "surprise"]):
    ax.set_ylabel(label, rotation=0, ha="right", va="center", fontsize="small")
figure.colorbar(heat, ax=axes, shrink=0.6, label="nats above what is usual")
plt.show()

# %%
# How often does the most surprising pixel lie in the patch, which is 9 of 64? Pixels
# beside the patch are suspects as well: given a wrong neighbour they look wrong.

places = np.transpose(np.divmod(surprises["damaged"].argmax(axis=1), 8))
inside = np.all((places >= corners[caught]) & (places < corners[caught] + 3), axis=1)
by_chance = len(inside) * 9 / 64
print(f"in {inside.sum()} of {len(inside)} images; by chance in {by_chance:.0f}")
