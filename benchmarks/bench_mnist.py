"""Log-likelihood of binary images: static binarised MNIST, on a CPU or a GPU.

A fit to the 50,000 training and 10,000 validation images, of which a sixth stops the
training, with a network of the size of published ones; ``--device cuda`` takes a
larger one. Test log-likelihoods are importance-weighted bounds in nats, one column for
each number of samples; with one sample that is the evidence lower bound.

The table, printed and written to ``benchmarks/results/mnist.csv``, has published
figures beside it, for networks of 784-400-40: 89.8 nats for the autoencoder, and 86.8
where it is trained on the bound of 50 samples.

Run ``python benchmarks/bench_mnist.py --data DIR``, where DIR holds
``mnist/binarised.npz``; ``--full`` scores with 5,000 samples too. Without data,
scikit-learn's digits of 8 × 8, cut at half of their range, stand in: a check of the
script, with a mixture of independent pixels beside it.
"""

from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import torch
from _protocols import binary_images
from _report import arguments, machine_facts, save, show

from skgen.autoencoder import VariationalAutoencoder

SETTINGS = {
    "cpu": {
        "n_components": 40,
        "hidden_layer_sizes": (400, 400),
        "n_importance_samples": 5,
        "prior": "vamp",
        "learning_rate_init": 2e-3,
        "batch_size": 128,
        "max_iter": 24,
        "masking_fraction": 0.0,
    },
    "cuda": {
        "n_components": 64,
        "hidden_layer_sizes": (1024, 1024),
        "n_importance_samples": 20,
        "prior": "vamp",
        "learning_rate_init": 2e-3,
        "batch_size": 512,
        "max_iter": 200,
        "masking_fraction": 0.0,
    },
}
PUBLISHED = {"784-400-40, published": 89.8, "784-400-40, K=50, published": 86.8}
TARGETS = {"cpu": 87.5, "cuda": 84.5}


def fitted(images, validation_fraction, device, max_iter):
    """A model of the images, with CPU seconds and seconds that the fit took."""
    settings = SETTINGS[device] | ({} if max_iter is None else {"max_iter": max_iter})
    model = VariationalAutoencoder(
        **settings,
        likelihood="bernoulli",
        validation_fraction=validation_fraction,
        device=device,
        random_state=0,
    )
    worked, began = process_time(), perf_counter()
    model.fit(images)
    return model, process_time() - worked, perf_counter() - began


def negative_log_likelihoods(model, images, numbers_of_samples):
    """Nats an image, with the standard error over images and seconds of scoring."""
    for n_samples in numbers_of_samples:
        began = perf_counter()
        scores = -model.score_samples(images, n_importance_samples=n_samples)
        error = float(scores.std() / np.sqrt(len(scores)))
        yield n_samples, float(scores.mean()), error, perf_counter() - began


def mixture_of_pixels(train, validation, test):
    """Nats an image of the best of some mixtures of independent pixels."""
    best = max(
        (_em_of_pixels(train, n_components, seed=0) for n_components in (10, 20, 40)),
        key=lambda log_density: log_density(validation).mean(),
    )
    return float(-best(test).mean())


def _em_of_pixels(X, n_components, seed, n_steps=100):
    rng = np.random.RandomState(seed)
    responsibilities = rng.dirichlet(np.ones(n_components), size=len(X))

    def log_joint(rows):
        return (
            np.log(weights) + rows @ np.log(means).T + (1 - rows) @ np.log1p(-means).T
        )

    for _ in range(n_steps):
        counts = responsibilities.sum(axis=0) + 1.0
        weights = counts / counts.sum()
        means = (responsibilities.T @ X + 0.5) / counts[:, None]
        logs = log_joint(X)
        responsibilities = np.exp(logs - np.logaddexp.reduce(logs, axis=1)[:, None])
    return lambda rows: np.logaddexp.reduce(log_joint(rows), axis=1)


def results(parts, options):
    """Rows of the table: ours, then figures to compare with."""
    train, validation, test = parts
    images = np.vstack([train, validation])
    fraction = len(validation) / len(images)
    model, cpu_seconds, seconds = fitted(
        images, fraction, options.device, options.max_iter
    )
    numbers = (1, 500, 5000) if options.full else (1, 500)
    for n_samples, nats, error, scoring in negative_log_likelihoods(
        model, test[: options.rows], numbers
    ):
        yield {
            "model": f"skgen, {options.device}",
            "samples": n_samples,
            "nats": nats,
            "±": error,
            "fit CPU s": cpu_seconds,
            "fit s": seconds,
            "epochs": model.n_iter_,
            "scoring s": scoring,
        }
    if options.data is None:
        figures = {"mixture of independent pixels": mixture_of_pixels(*parts)}
    else:
        figures = PUBLISHED | {"target": TARGETS[options.device]}
    for name, nats in figures.items():
        blank = dict.fromkeys(["±", "fit CPU s", "fit s", "epochs", "scoring s"], "")
        yield {"model": name, "samples": "", "nats": nats} | blank


def main():
    """Run the benchmark."""
    parser = arguments(__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, help="folder that holds mnist/")
    parser.add_argument("--device", choices=list(SETTINGS), default="cpu")
    parser.add_argument("--max-iter", type=int, help="epochs")
    parser.add_argument("--rows", type=int, help="score so many test images only")
    parser.add_argument("--threads", type=int, default=1, help="of the CPU")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(machine_facts() + f", torch {torch.__version__}")
    print(f"settings: {SETTINGS[options.device]}")
    rows = list(results(binary_images(options.data), options))
    show("Negative log-likelihood of test images", rows)
    save("mnist", rows)


if __name__ == "__main__":
    main()
