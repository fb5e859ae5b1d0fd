"""
Samples and reconstructions of digits
=====================================

What does a variational autoencoder make of handwritten digits: do new ones look right,
and what is lost when an image is told in eight numbers?
"""

# %%
# A model of binary pixels
# ------------------------
# Images of 8 × 8 pixels, drawn twice as fine by interpolation and then made dark or
# light: 256 columns of 0 and 1, each Bernoulli given the latent vector.

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import zoom
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skgen import VariationalAutoencoder
from skgen.display import ScoreDisplay

digits = load_digits()
fine = zoom(digits.images, (1, 2, 2), order=1, grid_mode=True, mode="nearest")
X = (fine > 8).reshape(len(fine), -1).astype(float)
X_train, X_test = train_test_split(X, test_size=200, random_state=0)
model = VariationalAutoencoder(
    8, likelihood="bernoulli", max_iter=50, random_state=0
).fit(X_train)
print(f"{model.active_units_} of {model.n_components} latent dimensions are active")


def mosaic(images, n_across):
    """Images side by side, a pixel of white between them."""
    tiles = np.pad(
        np.reshape(images, (-1, n_across, 16, 16)), [(0, 0)] * 2 + [(1, 1)] * 2
    )
    return tiles.swapaxes(1, 2).reshape(-1, 18 * n_across)


def show(images_by_title, n_across=16):
    """Mosaics of images under one another."""
    n_down = sum(len(images) for images in images_by_title.values()) / n_across
    figsize = (8, 8 * n_down / n_across + 0.3 * len(images_by_title))
    axes = plt.subplots(
        len(images_by_title), figsize=figsize, squeeze=False, layout="constrained"
    )[1]
    for ax, (title, images) in zip(axes[:, 0], images_by_title.items()):
        ax.imshow(mosaic(images, n_across), cmap="gray_r")
        ax.set_title(title, loc="left", fontsize="small")
        ax.axis("off")
    plt.show()


# %%
# New digits
# ----------
# A latent vector is drawn from the prior, then each pixel given it.

show({"drawn from the model": model.sample(80)}, n_across=20)

# %%
# Reconstructions
# ---------------
# Images that the fit has not seen, and what the decoder expects at their latent means.

show(
    {
        "held out": X_test[:16],
        "reconstructed from eight numbers": model.reconstruct(X_test[:16]),
    }
)

# %%
# How probable is an image?
# -------------------------
# ``elbo`` tells the price of an image in its two parts: nats for the code, and nats for
# the pixels once the code is known. ``score_samples`` is the tighter bound.

bound = model.elbo(X_test)
print(f"reconstruction {bound.reconstruction.mean():7.2f} nats")
print(f"KL divergence  {bound.kl.mean():7.2f} nats")
print(f"elbo           {bound.elbo.mean():7.2f} nats")
print(f"score          {model.score(X_test):7.2f} nats")

ScoreDisplay.from_estimator(model, X_test)
plt.show()

# %%
# The least probable of the images held out, and the most probable ones:

order = np.argsort(model.score_samples(X_test))
show({"least probable": X_test[order[:16]], "most probable": X_test[order[-16:]]})
