"""The variational autoencoders of PyOD and pythae, trained by their own loops.

Each peer here is a function ``train(X, n_epochs, after_epoch=None)``, where
``after_epoch(encode, decode)`` is called after every epoch, and may raise `Enough`.
Peers that are not installed are left out.
"""

import contextlib
import importlib.util
import io
import logging
import tempfile
from functools import partial
from itertools import pairwise
from time import process_time

import numpy as np
import torch
from torch import nn

HIDDEN = (128, 64, 32)
N_COMPONENTS = 8
N_DRAWS = 20  # from q for each row, where bounds are estimated


class Enough(Exception):
    """No more epochs are wanted."""


def same_network(batch_size=32):
    """The peers with one and the same network and objective.

    The network is `HIDDEN` with ReLU to `N_COMPONENTS` and back, no dropout; the
    objective is the bound with a decoder of unit variance. PyOD must be told two
    things for that: a capacity without limit, for its KL term has no gradient at its
    default of 0, and a weight of that term which makes up for its mean of squares over
    columns.

    Parameters
    ----------
    batch_size : int, default=32
        Rows per step.

    Returns
    -------
    peers : dict of str to callable
        `train` of each.
    """
    return _installed(
        {
            "PyOD": partial(
                _train_pyod,
                batch_size=batch_size,
                dropout_rate=0.0,
                latent_dim=N_COMPONENTS,
                capacity=float("inf"),
            ),
            "pythae": partial(_train_pythae, batch_size=batch_size),
        }
    )


def as_they_come():
    """The peers at their defaults, which are 2 latents in PyOD and 8 here for pythae.

    Returns
    -------
    peers : dict of str to callable
        `train` of each.
    """
    return _installed(
        {
            "PyOD": partial(_train_pyod, beta=1.0),
            "pythae": partial(
                _train_pythae, batch_size=64, learning_rate=1e-4, own_network=True
            ),
        }
    )


def _installed(peers):
    there = {}
    for name, train in peers.items():
        if importlib.util.find_spec(name.lower()) is None:
            print(f"{name} is not installed: left out (pip install {name.lower()})")
        else:
            there[name] = train
    return there


def _train_pyod(X, n_epochs, after_epoch=None, beta=None, **settings):
    from pyod.models.vae import VAE

    if beta is None:  # its squares are a mean over columns, not half of a sum
        beta = 2.0 / X.shape[1]
    detector = VAE(
        epoch_num=n_epochs, verbose=0, preprocessing=False, beta=beta, **settings
    )

    def epoch_update():
        network = detector.model.eval()
        after_epoch(network.encode, network.decode)
        network.train()

    if after_epoch is not None:
        detector.epoch_update = epoch_update
    with contextlib.suppress(Enough):
        detector.fit(X)


def _train_pythae(
    X,
    n_epochs,
    after_epoch=None,
    *,
    batch_size,
    learning_rate=1e-3,
    own_network=False,
):
    from pythae.data.datasets import BaseDataset
    from pythae.models import VAE, VAEConfig
    from pythae.trainers import BaseTrainer, BaseTrainerConfig
    from pythae.trainers.training_callbacks import TrainingCallback

    class AfterEpoch(TrainingCallback):
        def on_epoch_end(self, training_config, **kwargs):
            model = trainer.model.eval()
            after_epoch(
                lambda x: _encoded(model.encoder(x)),
                lambda z: model.decoder(z).reconstruction,
            )
            model.train()

    torch.manual_seed(42)
    n_features = X.shape[1]
    config = VAEConfig(input_dim=(n_features,), latent_dim=N_COMPONENTS)
    networks = {} if own_network else _pythae_networks(n_features)
    rows = torch.as_tensor(X, dtype=torch.float32)
    logging.disable(logging.INFO)
    with tempfile.TemporaryDirectory() as folder, _silence():
        trainer = BaseTrainer(
            VAE(config, **networks),
            BaseDataset(rows, torch.zeros(len(rows))),
            training_config=BaseTrainerConfig(
                output_dir=folder,
                num_epochs=n_epochs,
                per_device_train_batch_size=batch_size,
                learning_rate=learning_rate,
            ),
            callbacks=None if after_epoch is None else [AfterEpoch()],
        )
        with contextlib.suppress(Enough):
            trainer.train()
    logging.disable(logging.NOTSET)


def _encoded(output):
    return output.embedding, output.log_covariance


@contextlib.contextmanager
def _silence():
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        yield


def _pythae_networks(n_features):
    """`HIDDEN` there and back, in the classes that pythae wants."""
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder

    class Encoder(BaseEncoder):
        def __init__(self):
            super().__init__()
            self.hidden = _layers(n_features, *HIDDEN)
            self.mean = nn.Linear(HIDDEN[-1], N_COMPONENTS)
            self.log_variance = nn.Linear(HIDDEN[-1], N_COMPONENTS)

        def forward(self, x):
            h = self.hidden(x)
            return ModelOutput(
                embedding=self.mean(h), log_covariance=self.log_variance(h)
            )

    class Decoder(BaseDecoder):
        def __init__(self):
            super().__init__()
            self.hidden = _layers(N_COMPONENTS, *HIDDEN[::-1])
            self.mean = nn.Linear(HIDDEN[0], n_features)

        def forward(self, z):
            return ModelOutput(reconstruction=self.mean(self.hidden(z)))

    return {"encoder": Encoder(), "decoder": Decoder()}


def _layers(*sizes):
    pairs = pairwise(sizes)
    return nn.Sequential(
        *(layer for pair in pairs for layer in (nn.Linear(*pair), nn.ReLU()))
    )


def unit_variance_bound(encode, decode, X):
    """E_q[log N(x; f(z), 1)] − KL(q(z|x) ‖ N(0, 1)), nats per row.

    Parameters
    ----------
    encode : callable
        Rows to means and logarithms of variances.

    decode : callable
        Latents to means.

    X : ndarray of shape (n_samples, n_features)
        Rows.

    Returns
    -------
    bound : float
        The mean over the rows.
    """
    generator = torch.Generator().manual_seed(0)
    x = torch.as_tensor(X, dtype=torch.float32)
    with torch.no_grad():
        mean, log_variance = encode(x)
        divergence = 0.5 * (mean**2 + log_variance.exp() - 1.0 - log_variance).sum(1)
        noise = torch.randn(N_DRAWS, *mean.shape, generator=generator)
        z = mean + noise * (0.5 * log_variance).exp()
        squares = ((x - decode(z.flatten(0, 1)).view(N_DRAWS, *x.shape)) ** 2).sum(-1)
    reconstruction = -0.5 * (squares.mean(0) + x.shape[1] * np.log(2.0 * np.pi))
    return float((reconstruction - divergence).mean())


def best_bound(train, X, held_out, *, patience, most_epochs):
    """The best bound on held-out rows that a peer reaches, and the way there.

    Parameters
    ----------
    train : callable
        A peer.

    X, held_out : ndarray of shape (n_samples, n_features)
        Rows to train on, and to watch.

    patience : int
        Epochs without a better bound after which training ends.

    most_epochs : int
        Epochs after which it ends anyway.

    Returns
    -------
    bound : float
        The best, nats per row.

    epoch : int
        When it was reached.

    seconds : float
        CPU seconds of training until then; what the watching took is not counted.
    """
    train(X[:100], 1)  # what is imported at the first call does not count
    best = -np.inf, 0, 0.0
    epoch = 0
    watching = 0.0

    def after_epoch(encode, decode):
        nonlocal best, epoch, watching
        now = process_time()
        epoch += 1
        bound = unit_variance_bound(encode, decode, held_out)
        best = max(best, (bound, epoch, now - began - watching))
        watching += process_time() - now
        if epoch - best[1] >= patience:
            raise Enough

    began = process_time()
    train(X, most_epochs, after_epoch)
    return best
