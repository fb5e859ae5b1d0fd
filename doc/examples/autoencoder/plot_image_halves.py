"""
Imputed image halves
====================

The lower half of an image is missing. A variational autoencoder knows what whole images
look like, and thus what may stand there: not one answer, but several, each with its
probability.
"""

# %%
# Fit on whole images
# -------------------
# Handwritten digits of 8 × 8 pixels, drawn twice as fine and made dark or light. In
# training the model hides cells of some rows by itself (``masking_fraction``), so that
# its encoder can do with parts; here of more rows than by default.

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import zoom
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skgen import VariationalAutoencoder

digits = load_digits()
fine = zoom(digits.images, (1, 2, 2), order=1, grid_mode=True, mode="nearest")
X = (fine > 8).reshape(len(fine), -1).astype(float)
X_train, X_test = train_test_split(X, test_size=200, random_state=0)
model = VariationalAutoencoder(
    8, likelihood="bernoulli", masking_fraction=0.5, max_iter=50, random_state=0
).fit(X_train)

# %%
# Hide the lower halves
# ---------------------
# NaN means "not observed".

halves = X_test.copy()
halves[:, 128:] = np.nan

# %%
# Several answers
# ---------------
# ``n_draws`` draws the missing pixels from what the model believes of them given the
# others. Where the draws agree, the upper half leaves no doubt. Their mean, in grey, is
# the probability of each pixel to be dark.

n_shown, n_draws = 14, 5
draws = model.impute(halves[:n_shown], n_draws=n_draws, random_state=0)
means = model.impute(halves[:n_shown], n_draws=100, random_state=1).mean(axis=0)
rows = {
    "given": halves[:n_shown],
    "mean of 100 draws": means,
    **{f"draw {i + 1}": draw for i, draw in enumerate(draws)},
    "truth": X_test[:n_shown],
}
figure, axes = plt.subplots(len(rows), figsize=(8, 5), layout="constrained")
grey = plt.get_cmap("gray_r").with_extremes(bad="#f4d9c6")
for ax, (title, images) in zip(axes, rows.items()):
    tiles = np.pad(images.reshape(n_shown, 16, 16), [(0, 0), (1, 1), (1, 1)])
    ax.imshow(tiles.swapaxes(0, 1).reshape(18, -1), cmap=grey, vmin=0, vmax=1)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    ax.set_ylabel(title, rotation=0, ha="right", va="center", fontsize="small")
plt.show()

# %%
# One answer
# ----------
# Without ``n_draws`` each pixel gets its likelier value. How often is it right, against
# the commonest value of the pixel in training?

commonest = np.where(np.isnan(halves), X_train.mean(axis=0) > 0.5, halves)
filled = model.impute(halves)
for name, answer in [("commonest value", commonest), ("autoencoder", filled)]:
    wrong = ((answer > 0.5) != X_test)[:, 128:].mean()
    print(f"{name:16} {100 * wrong:4.1f} % of the hidden pixels are wrong")
