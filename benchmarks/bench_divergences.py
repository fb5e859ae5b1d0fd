"""What divergences cost, and how far off they are, side by side with other ways.

Tables, printed and written to ``benchmarks/results/``:

vectors
    Batches of probability vectors: milliseconds, against ``rel_entr(p, q).sum(-1)``
    of scipy, which checks nothing.
close vectors
    The relative error of both where q is within 1e-6 of p, against sums in Decimal.
closed forms
    Microseconds for one pair and for a batch of 1,000, against torch.
mixtures
    Mixtures of 20 components in 10 dimensions, far apart and close: seconds to a
    relative standard error of 1 %, and the true error against a long run, against
    plain Monte Carlo with scikit-learn's `sample` and `score_samples`.
quadrature
    Mixtures of 1 to 3 dimensions: relative error against a fine grid over a box, and
    time.
rules
    Trapezoidal and Gauss-Hermite rule, component by component, with the same number
    of points: the error in nats, as the geometric mean over pairs of mixtures.
neighbours
    `kl_from_samples` against the two searches of neighbours that it cannot do
    without, by the same search.
reduction
    A mixture of 60 components in two dimensions made one of fewer: the divergence
    from the original to it, by five ways.

Run ``python benchmarks/bench_divergences.py``; ``--full`` for larger sizes and more
seeds.
"""

import warnings
from decimal import Decimal, localcontext
from functools import partial
from time import perf_counter

import numpy as np
import torch
from _report import (
    arguments,
    geometric_mean,
    in_turns,
    machine_facts,
    save,
    show,
)
from scipy import stats
from scipy.special import rel_entr
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors
from torch import distributions as td

from skgen import EMGaussianMixture, reduce_mixture
from skgen.divergences import kl_divergence, kl_from_samples

# Rows of plain Monte Carlo that are timed; what more rows take is in proportion.
MOST_ROWS = 200_000


def mixture(seed, n_components, n_features, spread=2.0):
    """A seeded mixture of Gaussians with sloping covariances."""
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(n_components, n_features, n_features))
    wishart = roots @ np.swapaxes(roots, 1, 2) / n_features
    return EMGaussianMixture.from_parameters(
        rng.dirichlet(np.full(n_components, 3.0)),
        rng.normal(scale=spread, size=(n_components, n_features)),
        0.3 * np.eye(n_features) + 0.7 * wishart,
    )


def moved(model, distance, seed):
    """A mixture with its means a little elsewhere."""
    rng = np.random.default_rng(seed)
    means = model.means_ + rng.normal(scale=distance, size=model.means_.shape)
    return EMGaussianMixture.from_parameters(model.weights_, means, model.covariances_)


def of_scikit_learn(model):
    """The same mixture as scikit-learn has it."""
    peer = GaussianMixture(len(model.weights_), random_state=0)
    peer.weights_, peer.means_ = model.weights_, model.means_
    peer.covariances_ = model.covariances_
    precisions = np.linalg.inv(model.covariances_)
    reverse = np.linalg.cholesky(precisions[:, ::-1, ::-1])
    # upper triangular U with U Uᵀ the precision, as score_samples wants it
    peer.precisions_cholesky_ = reverse[:, ::-1, ::-1]
    return peer


def vectors(n_numbers, repeats):
    """Milliseconds for batches of vectors."""
    rng = np.random.default_rng(0)
    for n_outcomes in (10, 100, 5000):
        shape = max(1, n_numbers // n_outcomes), n_outcomes
        p, q = (rng.dirichlet(np.ones(n_outcomes), size=shape[0]) for _ in range(2))
        for dtype in (np.float64, np.float32):
            a, b = p.astype(dtype), q.astype(dtype)
            peer, ours = in_turns(
                [partial(of_scipy, a, b), partial(kl_divergence, a, b)],
                repeats=repeats,
            )
            yield {
                "K": n_outcomes,
                "vectors": shape[0],
                "dtype": np.dtype(dtype).name,
                "rel_entr ms": peer * 1e3,
                "skgen ms": ours * 1e3,
                "ratio": ours / peer,
            }


def of_scipy(p, q):
    """The divergence as one writes it with scipy."""
    return rel_entr(p, q).sum(-1)


def close_vectors():
    """Relative errors where p and q are nearly the same."""
    rng = np.random.default_rng(0)
    for n_outcomes in (10, 100, 1000):
        p = rng.dirichlet(np.ones(n_outcomes))
        q = p * (1.0 + 1e-6 * rng.normal(size=n_outcomes))
        q /= q.sum()
        true = exact_kl(p, q)
        yield {
            "K": n_outcomes,
            "divergence": true,
            "rel_entr error": abs(of_scipy(p, q) - true) / true,
            "skgen error": abs(kl_divergence(p, q) - true) / true,
        }


def exact_kl(p, q):
    """The divergence of two vectors divided by their sums, to 40 digits."""
    with localcontext() as context:
        context.prec = 40
        p, q = ([Decimal(float(value)) for value in vector] for vector in (p, q))
        p, q = ([value / sum(vector) for value in vector] for vector in (p, q))
        return float(sum(a * (a / b).ln() for a, b in zip(p, q)))


def closed_forms(repeats):
    """Microseconds for one pair, and for a batch."""
    ones, identity = torch.ones(1000), torch.eye(10)
    shift = np.full(10, 0.3)
    pairs = {
        "normal": (
            (td.Normal(0.0, 1.0), td.Normal(1.0, 2.0)),
            (stats.norm(0.0, 1.0), stats.norm(1.0, 2.0)),
        ),
        "gamma": (
            (td.Gamma(2.0, 1.0), td.Gamma(3.0, 2.0)),
            (stats.gamma(2.0), stats.gamma(3.0, scale=0.5)),
        ),
        "normal, 10 dimensions": (
            tuple(
                td.MultivariateNormal(torch.as_tensor(mean).float(), identity)
                for mean in (0.0 * shift, shift)
            ),
            (stats.multivariate_normal(0.0 * shift), stats.multivariate_normal(shift)),
        ),
        "normal, batch of 1000": (
            (td.Normal(0.0 * ones, ones), td.Normal(ones, 2.0 * ones)),
            (
                stats.norm(np.zeros(1000), np.ones(1000)),
                stats.norm(np.ones(1000), 2.0 * np.ones(1000)),
            ),
        ),
    }
    for name, (of_torch, frozen) in pairs.items():
        seconds = in_turns(
            [
                partial(td.kl_divergence, *of_torch),
                partial(kl_divergence, *of_torch),
                partial(kl_divergence, *frozen),
            ],
            repeats=repeats,
        )
        names = "torch's own us", "skgen, torch in us", "skgen, scipy in us"
        yield {"pair": name} | {n: s * 1e6 for n, s in zip(names, seconds)}


def mixtures(n_seeds):
    """Seconds to 1 %, and true errors, for mixtures of many dimensions."""
    for name, distance in (("far apart", None), ("close", 0.1), ("closer", 0.01)):
        ours, peers = [], []
        for seed in range(n_seeds):
            p = mixture(seed, 20, 10)
            q = mixture(1000 + seed, 20, 10) if distance is None else None
            q = q or moved(p, distance, seed)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # it spends its budget
                true = kl_divergence(p, q, tol=5e-4, random_state=12345)
            began = perf_counter()
            value = kl_divergence(p, q, tol=0.01, random_state=seed)
            ours.append((perf_counter() - began, value / true - 1.0, true))
            peers.append(plain_monte_carlo(p, q, 0.01 * true))
        seconds, errors, values = np.transpose(ours)
        rows, peer_seconds = np.transpose(peers)
        yield {
            "pair": name,
            "divergence": np.median(values),
            "skgen s": np.median(seconds),
            "slowest s": seconds.max(),
            "skgen error, rms": np.sqrt(np.mean(errors**2)),
            "Monte Carlo s": np.median(peer_seconds),
            "its rows": f"{np.median(rows):.2g}",
            "ratio": np.median(peer_seconds / seconds),
        }


def plain_monte_carlo(p, q, standard_error):
    """Rows that log p − log q needs for a standard error, and their seconds."""
    p, q = of_scikit_learn(p), of_scikit_learn(q)

    def differences(n_rows):
        X, _ = p.sample(n_rows)
        return p.score_samples(X) - q.score_samples(X)

    n_rows = (differences(50_000).std() / standard_error) ** 2
    timed = int(np.clip(n_rows, 1000, MOST_ROWS))
    began = perf_counter()
    differences(timed)
    return n_rows, (perf_counter() - began) * max(1.0, n_rows / timed)


def quadratures(n_seeds):
    """Error and time of quadrature in few dimensions."""
    for n_features, step in ((1, 0.01), (2, 0.06), (3, 0.12)):
        errors, seconds, told = [], [], []
        for seed in range(n_seeds):
            p, q = (mixture(s + seed, 3, n_features, 1.5) for s in (0, 1000))
            began = perf_counter()
            result = kl_divergence(p, q, confidence_level=0.95)
            seconds.append(perf_counter() - began)
            assert result.method == "quadrature"
            true = on_a_grid(p, q, step)
            errors.append(max(abs(result.value / true - 1.0), 1e-16))
            told.append(result.standard_error / result.value)
        yield {
            "features": n_features,
            "ms": np.median(seconds) * 1e3,
            "slowest ms": max(seconds) * 1e3,
            "relative error": geometric_mean(errors),
            "largest": max(errors),
            "largest told": max(told),
        }


def on_a_grid(p, q, step):
    """D(p || q) by the trapezoidal rule over a box around p, all dimensions alike."""
    reach = 7.5 * np.sqrt(np.diagonal(p.covariances_, axis1=1, axis2=2))
    low = (p.means_ - reach).min(axis=0)
    high = (p.means_ + reach).max(axis=0)
    step = step * np.sqrt(min(np.linalg.eigvalsh(c)[0] for c in p.covariances_)) * 3.0
    axes = [np.arange(a, b, step) for a, b in zip(low, high)]
    total = mass = 0.0
    for first in np.array_split(axes[0], max(1, len(axes[0]) // 4)):
        grid = np.meshgrid(first, *axes[1:], indexing="ij")
        X = np.stack([axis.ravel() for axis in grid], axis=1)
        log_p = p.score_samples(X)
        total += np.exp(log_p) @ (log_p - q.score_samples(X))
        mass += np.exp(log_p).sum()
    return total / mass


def rules(n_pairs):
    """Errors of two rules with the same numbers of points, in one dimension."""
    pairs = [
        (mixture(seed, 2, 1, 1.5), mixture(1000 + seed, 2, 1, 1.5))
        for seed in range(n_pairs)
    ]
    true = [by_rule(p, q, *trapezoidal(4001)) for p, q in pairs]
    for n_points in (16, 32, 64, 128, 256):
        errors = [
            geometric_mean(
                [
                    max(abs(by_rule(p, q, *rule(n_points)) - value), 1e-16)
                    for (p, q), value in zip(pairs, true)
                ]
            )
            for rule in (trapezoidal, gauss_hermite)
        ]
        yield {
            "points": n_points,
            "trapezoidal": errors[0],
            "Gauss-Hermite": errors[1],
            "digits ahead": np.log10(errors[1] / errors[0]),
        }


def trapezoidal(n_points):
    """Points and weights under a standard Gaussian, 8.8 deviations to both sides."""
    points = np.linspace(-8.8, 8.8, n_points)
    weights = np.exp(-0.5 * points**2)
    return points, weights / weights.sum()


def gauss_hermite(n_points):
    """Points and weights under a standard Gaussian."""
    points, weights = np.polynomial.hermite_e.hermegauss(n_points)
    return points, weights / weights.sum()


def by_rule(p, q, points, weights):
    """D(p || q) by one rule under each component of p."""
    value = 0.0
    for weight, mean, covariance in zip(p.weights_, p.means_, p.covariances_):
        X = (mean + np.sqrt(covariance[0]) * points)[:, None]
        value += weight * weights @ (p.score_samples(X) - q.score_samples(X))
    return value


def neighbours(n_rows, repeats):
    """Seconds of the estimate and of its two searches."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 10))
    Y = 0.3 + 1.2 * rng.normal(size=(n_rows, 10))

    def search():
        for points, n_neighbors in ((X, 6), (Y, 5)):
            finder = NearestNeighbors(n_neighbors=n_neighbors, algorithm="brute")
            finder.fit(points).kneighbors(X)

    bare, ours = in_turns([search, lambda: kl_from_samples(X, Y)], repeats=repeats)
    yield {
        "rows": n_rows,
        "columns": 10,
        "two searches s": bare,
        "kl_from_samples s": ours,
        "ratio": ours / bare,
    }


def reductions(sizes, n_rows):
    """Divergences from a mixture to smaller ones, made in five ways."""
    rng = np.random.default_rng(60)
    centers = rng.normal(scale=4.0, size=(8, 2))
    means = centers[rng.integers(8, size=60)] + rng.normal(size=(60, 2))
    roots = 0.6 * rng.normal(size=(60, 2, 2))
    covariances = roots @ np.swapaxes(roots, 1, 2) + 0.05 * np.eye(2)
    weights = rng.dirichlet(np.ones(60))
    original = EMGaussianMixture.from_parameters(weights, means, covariances)
    rows, _ = original.sample(n_rows, random_state=0)

    def pruned(k):
        kept = np.argsort(-weights)[:k]
        return EMGaussianMixture.from_parameters(
            weights[kept] / weights[kept].sum(), means[kept], covariances[kept]
        )

    ways = {
        "the heaviest": pruned,
        "Salmond": lambda k: reduce_mixture(
            original, k, method="salmond", refine=False, random_state=0
        ),
        "Runnalls": lambda k: reduce_mixture(original, k, refine=False, random_state=0),
        "refined (default)": lambda k: reduce_mixture(original, k, random_state=0),
        f"EM on {n_rows} rows": lambda k: EMGaussianMixture(k, random_state=0).fit(
            rows
        ),
    }
    for name, reduce in ways.items():
        row = {"way": name}
        for k in sizes:
            began = perf_counter()
            reduced = reduce(k)
            row[f"s, {k}"] = perf_counter() - began
            row[f"nats, {k}"] = kl_divergence(original, reduced)
        yield row


def main():
    """Run the benchmark."""
    options = arguments(__doc__.split("\n")[0]).parse_args()
    full = options.full
    print(machine_facts() + f", torch {torch.__version__}")
    tables = {
        "Vectors": vectors(5_000_000 if full else 500_000, 15 if full else 5),
        "Close vectors": close_vectors(),
        "Closed forms": closed_forms(300 if full else 100),
        "Mixtures": mixtures(6 if full else 1),
        "Quadrature": quadratures(8 if full else 2),
        "Rules": rules(40 if full else 10),
        "Neighbours": neighbours(20_000 if full else 5000, 5 if full else 2),
        "Reduction": reductions(
            (6, 12, 24) if full else (6, 12), 20_000 if full else 5000
        ),
    }
    for title, rows in tables.items():
        began = perf_counter()
        rows = list(rows)
        show(title, rows)
        print(f"\n{perf_counter() - began:.0f} s", flush=True)
        save("divergences_" + title.lower().replace(" ", "_"), rows)


if __name__ == "__main__":
    main()
