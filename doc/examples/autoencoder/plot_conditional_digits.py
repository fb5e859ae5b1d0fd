"""
Digits on demand
================

With ``conditional=True`` the model is given what an image shows: it draws the digit
that it is asked for, in many hands. Asked the other way round, it is a classifier.
"""

# %%
# Fit with labels
# ---------------
# Images of 8 × 8 pixels, drawn twice as fine by interpolation and then made dark or
# light.

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import zoom
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split

from skgen import VariationalAutoencoder

digits = load_digits()
fine = zoom(digits.images, (1, 2, 2), order=1, grid_mode=True, mode="nearest")
X = (fine > 8).reshape(len(fine), -1).astype(float)
X_train, X_test, y_train, y_test = train_test_split(
    X, digits.target, test_size=300, random_state=0
)
model = VariationalAutoencoder(
    8, likelihood="bernoulli", conditional=True, max_iter=50, random_state=0
)
model.fit(X_train, y_train)


def mosaic(images, n_across):
    """Images side by side, a pixel of white between them."""
    tiles = np.pad(
        np.reshape(images, (-1, n_across, 16, 16)), [(0, 0)] * 2 + [(1, 1)] * 2
    )
    return tiles.swapaxes(1, 2).reshape(-1, 18 * n_across)


# %%
# A row of each
# -------------

n_across = 20
drawn = [model.sample(n_across, y=digit, random_state=digit) for digit in range(10)]
figure, ax = plt.subplots(figsize=(8, 4.4), layout="constrained")
ax.imshow(mosaic(np.concatenate(drawn), n_across), cmap="gray_r")
ax.set(xticks=[], yticks=18 * np.arange(10) + 9, yticklabels=range(10))
ax.tick_params(length=0)
ax.spines[:].set_visible(False)
plt.show()

# %%
# One hand, all digits
# --------------------
# The label says which digit it is, so that the latent vector is left with how it is
# written: slant, width, weight of the pen. One latent vector for all ten labels is one
# hand. Each row takes the vector of a held-out image, on the left, and writes the
# digits from 0 to 9.

shown = np.arange(6)
hands = model.transform(X_test[shown], y_test[shown])
written = model.inverse_transform(
    np.repeat(hands, 10, axis=0), np.tile(np.arange(10), len(shown))
)
figure, (left, right) = plt.subplots(
    1, 2, figsize=(7, 3.9), width_ratios=[1, 10], layout="constrained"
)
left.imshow(mosaic(X_test[shown], 1), cmap="gray_r")
right.imshow(mosaic(written, 10), cmap="gray_r")
left.set_title("held out", fontsize="small")
right.set_title("the same hand, from 0 to 9", fontsize="small")
for ax in (left, right):
    ax.axis("off")
plt.show()

# %%
# Which digit makes an image most probable?
# -----------------------------------------
# ``score_samples`` with y is log p(x|y). All digits are about as frequent, so the
# largest of the ten names the digit (Bayes' rule).

log_density = np.column_stack(
    [model.score_samples(X_test, np.full(len(X_test), digit)) for digit in range(10)]
)
predicted = log_density.argmax(axis=1)
print(f"accuracy on images held out: {accuracy_score(y_test, predicted):.3f}")
