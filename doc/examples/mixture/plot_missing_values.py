"""
Fit a table with holes
======================

A mixture takes rows as they are: of a row with holes the likelihood counts what is
there. Here the long eruptions of a geyser often lack the wait that followed. To drop
rows with holes, or to write a mean into them, tells another story than the geyser's;
the mixture that is fitted to what was seen does not.
"""

# %%
# The data
# --------
# 272 eruptions of Old Faithful: seconds that each lasted, and minutes until the next
# (Azzalini and Bowman, 1990, :doi:`10.2307/2347385`). Short eruptions are followed by
# short waits.

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Ellipse

from skgen import EMGaussianMixture

SECONDS = """
216 108 200 137 272 173 282 216 117 261 110 235 252 105 282 130 105 288 96 255 108
105 207 184 272 216 118 245 231 266 258 268 202 242 230 121 112 290 110 287 261 113
274 105 272 199 230 126 278 120 288 283 110 290 104 293 223 100 274 259 134 270 105
288 109 264 250 282 124 282 242 118 270 240 119 304 121 274 233 216 248 260 246 158
244 296 237 271 130 240 132 260 112 289 110 258 280 225 112 294 149 262 126 270 243
112 282 107 291 221 284 138 294 265 102 278 139 276 109 265 157 244 255 118 276 226
115 270 136 279 112 250 168 260 110 263 113 296 122 224 254 134 272 289 260 119 278
121 306 108 302 240 144 276 214 240 270 245 108 238 132 249 120 230 210 275 142 300
116 277 115 125 275 200 250 260 270 145 240 250 113 275 255 226 122 266 245 110 265
131 288 110 288 246 238 254 210 262 135 280 126 261 248 112 276 107 262 231 116 270
143 282 112 230 205 254 144 288 120 249 112 256 105 269 240 247 245 256 235 273 245
145 251 133 267 113 111 257 237 140 249 141 296 174 275 230 125 262 128 261 132 267
214 270 249 229 235 267 120 257 286 272 111 255 119 135 285 247 129 265 109 268
"""
MINUTES = """
79 54 74 62 85 55 88 85 51 85 54 84 78 47 83 52 62 84 52 79 51 47 78 69 74 83 55 76
78 79 73 77 66 80 74 52 48 80 59 90 80 58 84 58 73 83 64 53 82 59 75 90 54 80 54 83
71 64 77 81 59 84 48 82 60 92 78 78 65 73 82 56 79 71 62 76 60 78 76 83 75 82 70 65
73 88 76 80 48 86 60 90 50 78 63 72 84 75 51 82 62 88 49 83 81 47 84 52 86 81 75 59
89 79 59 81 50 85 59 87 53 69 77 56 88 81 45 82 55 90 45 83 56 89 46 82 51 86 53 79
81 60 82 77 76 59 80 49 96 53 77 77 65 81 71 70 81 93 53 89 45 86 58 78 66 76 63 88
52 93 49 57 77 68 81 81 73 50 85 74 55 77 83 83 51 78 84 46 83 55 81 57 76 84 77 81
87 77 51 78 60 82 91 53 78 46 77 84 49 83 71 80 49 75 64 76 53 94 55 76 50 82 54 75
78 79 78 78 70 79 70 54 86 50 90 54 54 77 79 64 75 47 86 63 85 82 57 82 67 74 54 83
73 73 88 80 71 83 56 79 78 84 58 83 43 60 75 81 46 90 46 74
"""
X = np.array([SECONDS.split(), MINUTES.split()], dtype=float).T

# %%
# Holes
# -----
# Let an eruption in seven go untimed, whichever it is. Of those that were timed and
# lasted more than three minutes, let the observer leave four times of five before the
# next one. Whether a cell is hidden depends on cells that were seen, never on what the
# hidden cell holds: the cells are *missing at random*, which is what the likelihood of
# the observed cells asks for. They are not missing completely at random.

rng = np.random.default_rng(0)
untimed = rng.random(len(X)) < 1 / 7
left = ~untimed & (X[:, 0] > 180) & (rng.random(len(X)) < 4 / 5)
holes = X.copy()
holes[untimed, 0] = np.nan
holes[left, 1] = np.nan
print(f"{untimed.sum()} eruptions untimed, {left.sum()} waits unknown")

# %%
# Three ways to fit two components
# --------------------------------
# Dropped rows are mostly long eruptions: of the rows left few are long. Means written
# into holes pile rows up on two lines, and a component stretches to hold them. The
# mixture of the table with its holes stays close to that of the whole table, dashed.
# Marks at the margins are rows of which one cell was seen.

complete = holes[~np.isnan(holes).any(axis=1)]
means = np.where(np.isnan(holes), np.nanmean(holes, axis=0), holes)
tables = {"rows with holes": holes, "rows dropped": complete, "means written in": means}
mixtures = {
    name: EMGaussianMixture(2, random_state=0).fit(table)
    for name, table in tables.items()
}
truth = EMGaussianMixture(2, random_state=0).fit(X)


def share_of_long(mixture):
    """The weight of the component of long eruptions."""
    return mixture.weights_[mixture.means_[:, 0].argmax()]


def draw_ellipses(ax, mixture, **style):
    """Two standard deviations about the mean of each component."""
    for mean, covariance in zip(mixture.means_, mixture.covariances_):
        variances, axes = np.linalg.eigh(covariance)
        angle = np.degrees(np.arctan2(axes[1, 1], axes[0, 1]))
        width, height = 4 * np.sqrt(variances[::-1])
        ax.add_patch(Ellipse(mean, width, height, angle=angle, fill=False, **style))


blue, orange, ink, quiet = "#0072B2", "#D55E00", "#222222", "#8c8c8c"
figure, axs = plt.subplots(
    1, 3, figsize=(11, 4.2), sharex=True, sharey=True, layout="constrained"
)
for ax, (name, table), colour in zip(axs, tables.items(), (blue, orange, orange)):
    ax.plot(*table.T, "o", ms=3, color=ink, alpha=0.5, mew=0)
    draw_ellipses(ax, truth, ls="--", lw=1.5, ec=quiet)
    draw_ellipses(ax, mixtures[name], lw=2, ec=colour)
    share = share_of_long(mixtures[name])
    ax.set_title(f"{name}: {share:.0%} long eruptions", fontsize=10)
    ax.set(xlabel="eruption, seconds", xlim=(60, 340), ylim=(35, 105))
axs[0].set_ylabel("wait, minutes")
axs[0].plot(holes[left, 0], np.full(left.sum(), 36.5), "|", color=blue, ms=6, alpha=0.6)
axs[0].plot(np.full(untimed.sum(), 63), holes[untimed, 1], "_", color=blue, ms=6)
plt.show()

print(f"whole table: {share_of_long(truth):.0%} long eruptions")

# %%
# Means, or draws
# ---------------
# ``impute`` fills a hole with the mean of what may stand there, given the cells that
# are seen: the best single guess by squared error. Means lie on a curve, and a table
# filled with them is too sure of itself. With ``n_draws`` holes are filled by draws,
# as scattered as the rows themselves: whatever is to be computed from filled tables is
# computed from each of them, and its spread over the tables says what the holes cost.

mixture = mixtures["rows with holes"]
filled = mixture.impute(holes)
drawn = mixture.impute(holes, n_draws=20, random_state=0)

hidden = untimed | left
figure, axs = plt.subplots(
    1, 2, figsize=(9, 4.2), sharex=True, sharey=True, layout="constrained"
)
for ax, table, title in zip(axs, (filled, drawn[0]), ("means", "one of 20 draws")):
    ax.plot(*table[~hidden].T, "o", ms=3, color=quiet, alpha=0.6, mew=0, label="seen")
    style = {"ms": 4.5, "alpha": 0.75, "mew": 0}
    ax.plot(*table[left].T, "o", color=blue, label="wait filled in", **style)
    ax.plot(*table[untimed].T, "s", color=orange, label="eruption filled in", **style)
    ax.set_title(title, fontsize=10)
    ax.set(xlabel="eruption, seconds", xlim=(60, 340), ylim=(35, 105))
axs[0].set_ylabel("wait, minutes")
axs[0].legend(frameon=False, loc="upper left")
plt.show()

# %%
# The mean wait and its standard deviation. What is left after dropping rows, or written
# in as a mean, is too short a wait. Filled in by conditional means, the mean is right
# and the spread a little too small; draws have both.


def of_waits(table):
    return f"{table[:, 1].mean():.1f} ± {table[:, 1].std():.1f} minutes"


print("whole table:     ", of_waits(X))
print("rows dropped:    ", of_waits(complete))
print("means written in:", of_waits(means))
print("impute(X):       ", of_waits(filled))
print("impute, draws:   ", of_waits(drawn.reshape(-1, 2)))
spread = drawn[:, :, 1].mean(axis=1).std()
print(f"for the holes the mean wait is unsure by {spread:.2f} minutes")
error = np.abs(filled - X)[left, 1].mean()
print(f"waits filled in with means are off by {error:.1f} minutes on average")
