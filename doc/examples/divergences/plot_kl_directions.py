r"""
What each divergence sees
=========================

One Gaussian is to stand for a density of two bumps. Which Gaussian is best depends on
the divergence that is made small: :math:`D(p \| q)` covers both bumps,
:math:`D(q \| p)` takes one of them, and the Jensen-Shannon divergence does the one or
the other, depending on how far apart they are.
"""

# %%
# Two bumps, and three fits
# -------------------------
# The bumps of p have weights 0.6 and 0.4, and q is a Gaussian. Each divergence is
# minimised over the mean of q and the logarithm of its standard deviation, once from
# the heavier bump and once from a wide Gaussian: some have more than one minimum.

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize
from scipy.stats import norm

from skgen import EMGaussianMixture
from skgen.divergences import js_divergence, kl_divergence


def two_bumps(distance):
    return EMGaussianMixture.from_parameters(
        weights=[0.6, 0.4],
        means=[[-distance / 2.0], [distance / 2.0]],
        covariances=[[[0.8]], [[0.5]]],
    )


divergences = {
    "D(p ‖ q)": kl_divergence,
    "D(q ‖ p)": lambda p, q: kl_divergence(q, p),
    "JS(p, q)": js_divergence,
}


def best_gaussian(divergence, p):
    def loss(theta):
        return divergence(p, norm(theta[0], np.exp(theta[1])))

    starts = [(p.means_[0, 0], 0.0), (0.0, 1.0)]
    options = {"gtol": 1e-4}
    ends = [minimize(loss, start, method="BFGS", options=options) for start in starts]
    mean, log_deviation = min(ends, key=lambda end: end.fun).x
    return norm(mean, np.exp(log_deviation))


mixtures = {distance: two_bumps(distance) for distance in (4.5, 7.0)}
fits = {
    distance: {name: best_gaussian(each, p) for name, each in divergences.items()}
    for distance, p in mixtures.items()
}

# %%
# Every fit by every divergence, in nats. The least of each column is on the diagonal.

for distance, p in mixtures.items():
    print(f"bumps at a distance of {distance:g}")
    print(" least      mean  deviation  " + "  ".join(divergences))
    for name, q in fits[distance].items():
        values = "  ".join(f"{each(p, q):8.4f}" for each in divergences.values())
        print(f" {name}  {q.mean():5.2f}  {q.std():9.2f}  {values}")

# %%
x = np.linspace(-9.0, 9.0, 600)
styles = {
    "D(p ‖ q)": {"color": "#d95f02", "linestyle": "--"},
    "D(q ‖ p)": {"color": "#000000", "linestyle": "-", "linewidth": 1.2},
    "JS(p, q)": {"color": "#08519c", "linestyle": ":", "linewidth": 2.8},
}
figure, panels = plt.subplots(
    1, 2, figsize=(10.0, 3.8), sharey=True, layout="constrained"
)
for panel, (distance, p) in zip(panels, mixtures.items()):
    density = np.exp(p.score_samples(x[:, None]))
    panel.fill_between(x, density, color="0.85", linewidth=0.0, label="p")
    for name, q in fits[distance].items():
        style = {"linewidth": 1.8} | styles[name]
        panel.plot(x, q.pdf(x), label=f"q of least {name}", **style)
    panel.set(title=f"bumps at a distance of {distance:g}", xlabel="x")
    panel.set(xlim=(-9.0, 9.0), ylim=(0.0, 0.5))
    panel.spines[["top", "right"]].set_visible(False)
panels[0].set_ylabel("density")
panels[1].legend(frameon=False, loc="upper right")
plt.show()

# %%
# Mass covering, mode seeking
# ---------------------------
# :math:`D(p \| q) = E_p[\log p - \log q]` is large where p has mass and q next to none.
# Its minimum **covers the mass**, with the empty valley between the bumps into the
# bargain. It has the mean and the standard deviation of p: this is what maximum
# likelihood does, with p in the place of the data.

for distance, p in mixtures.items():
    rows, _ = p.sample(100_000, random_state=0)
    print(f"p at {distance:g}: mean {rows.mean():.2f}, deviation {rows.std():.2f}")

# %%
# :math:`D(q \| p)` is large where q has mass and p next to none. So q stays out of the
# valley and **seeks a mode**, the heavier one, as if the other did not exist. Where the
# bumps are far apart that costs :math:`\log (1 / 0.6) = 0.51` nats and no more, for
# where q is, p is 0.6 q.
#
# In the Jensen-Shannon divergence p and q are compared with their midpoint m, and
# :math:`\log p / m` is at most :math:`\log 2`: it bounds what any one place can cost.
# While the bumps are near, it covers them. To take one of them costs 0.16 nats at
# any distance, and to cover them costs the more the further they are apart. Here it
# changes sides at a distance between 5 and 6.
#
# None of the three is right in itself. If every row that occurs must be given some
# probability, take the first; if no row may be made up that does not occur, the
# second; and if the question is how well rows of the two can be told apart, the third.
