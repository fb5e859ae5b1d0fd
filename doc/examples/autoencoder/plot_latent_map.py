"""
Latent map of digits
====================

1,797 handwritten digits, described by two numbers each. The model never sees which
digit an image shows; the colours of the map do.
"""

# %%
# The data
# --------
# Images of 8 × 8 pixels, drawn twice as fine by interpolation and then made dark or
# light: 256 columns of 0 and 1. The likelihood is named, since some pixels are never
# dark, and a column of nothing but zeros does not tell what it is.

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import zoom
from scipy.stats import norm
from sklearn.datasets import load_digits
from sklearn.manifold import trustworthiness

from skgen import VariationalAutoencoder
from skgen.display import LatentDisplay, TrainingDisplay

digits = load_digits()
fine = zoom(digits.images, (1, 2, 2), order=1, grid_mode=True, mode="nearest")
X = (fine > 8).reshape(len(fine), -1).astype(float)

# %%
# Fit and look at training
# ------------------------
# A tenth of the rows is held out by itself; the weights kept are those that are best
# there.

model = VariationalAutoencoder(
    2, likelihood="bernoulli", prior="normal", max_iter=50, random_state=0
)
TrainingDisplay.from_estimator(model.fit(X))
plt.show()

# %%
# The map
# -------
# Each image lies at the mean of its posterior q(z|x). Digits of one kind lie together,
# and kinds that look alike are neighbours. How far are neighbours on the map neighbours
# in the 256 pixels as well, on a scale that ends at 1?

display = LatentDisplay.from_estimator(
    model, X, labels=digits.target, label_name="digit"
)
plt.show()
print(f"trustworthiness {trustworthiness(X, model.transform(X)):.3f}")

# %%
# What lies between
# -----------------
# The decoder turns any point of the map into an image. Here the points of a grid, in
# steps of equal probability under the prior.

n = 16
steps = norm.ppf((np.arange(n) + 0.5) / n)
across, down = np.meshgrid(steps, steps[::-1])
images = model.inverse_transform(np.column_stack([across.ravel(), down.ravel()]))
tiles = np.pad(images.reshape(n, n, 16, 16), [(0, 0), (0, 0), (1, 1), (1, 1)])
mosaic = tiles.swapaxes(1, 2).reshape(18 * n, 18 * n)
figure, ax = plt.subplots(figsize=(6, 6), layout="constrained")
ax.imshow(mosaic, cmap="gray_r")
ax.set(xticks=[], yticks=[], xlabel="latent dimension 0", ylabel="latent dimension 1")
plt.show()
