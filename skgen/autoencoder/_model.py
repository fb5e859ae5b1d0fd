"""The model itself, in tensors: encoder, prior, decoder, and the weights of draws.

Shapes: rows first, draws of the latent vector in front of them. Nothing of
scikit-learn, of data frames or of units is known here.
"""

import math

import torch
from torch import nn
from torch.nn import functional

from ..divergences import standard_normal_kl
from ..neural import Columns, Given, network
from ._priors import HALF_LOG_TAU, MixturePrior, NormalPrior, VampPrior

LEAST_POSTERIOR_SCALE = 1e-3


class AutoencoderModel(nn.Module):
    """Encoder q(z|x), prior p(z) and decoder p(x|z) of standardised rows.

    Parameters
    ----------
    columns : ColumnPlan
        What the columns are.

    n_latents : int
        Dimensions of the latent vector.

    n_conditions : int
        Number of inputs that encoder and decoder are given besides.

    prior : {'mixture', 'normal', 'vamp'}
        The prior.

    layers : dict
        ``hidden_layer_sizes``, ``activation`` and ``residual`` of the networks.

    encoder, decoder : torch.nn.Module, callable or None
        Networks, or makers of them from the numbers of inputs and outputs.
    """

    def __init__(
        self, columns, n_latents, n_conditions, prior, layers, encoder, decoder
    ):
        super().__init__()
        self.columns = Columns(columns)
        self.n_latents = n_latents
        n_inputs = self.columns.n_inputs + n_conditions
        sizes = tuple(layers["hidden_layer_sizes"])
        shape = n_inputs, 2 * n_latents
        self.encoder = _network(encoder, "encoder", shape, sizes, layers)
        shape = n_latents + n_conditions, self.columns.n_outputs
        self.decoder = _network(decoder, "decoder", shape, sizes[::-1], layers)
        self.prior = _PRIORS[prior](n_latents, n_inputs)

    def encode_inputs(self, inputs):
        """Mean and scale of q(z|x) from all that the encoder is given."""
        mean, raw_scale = self.encoder(inputs).chunk(2, -1)
        return mean, functional.softplus(raw_scale + 0.5) + LEAST_POSTERIOR_SCALE

    def inputs(self, cells, mask, conditions):
        """All that the encoder is given of rows."""
        inputs = self.columns.inputs(cells, mask)
        return inputs if conditions is None else torch.cat([inputs, conditions], -1)

    def encode(self, cells, mask, conditions):
        """Mean and scale of q(z|x), each of shape (n_rows, n_latents)."""
        return self.encode_inputs(self.inputs(cells, mask, conditions))

    def decode(self, latents, conditions):
        """What the decoder says of columns, for latents of shape (..., n_latents)."""
        if conditions is not None:
            shape = (*latents.shape[:-1], conditions.shape[-1])
            latents = torch.cat([latents, conditions.expand(shape)], -1)
        return self.decoder(latents)

    def terms(self, cells, mask, conditions, noise):
        """The parts of the log-weight of each draw.

        Parameters
        ----------
        cells, mask : Tensor of shape (n_rows, n_columns)
            Standardised cells, 0 where hidden, and 1 where seen (or None).

        conditions : Tensor of shape (n_rows, n_conditions) or None
            What is given besides.

        noise : Tensor of shape (n_draws, n_rows or 1, n_latents)
            Standard normal.

        Returns
        -------
        reconstruction : Tensor of shape (n_draws, n_rows)
            log p(x|z).

        excess : Tensor of shape (n_draws, n_rows)
            log q(z|x) − log p(z), whose mean over q is the KL divergence.

        outputs : Tensor of shape (n_draws, n_rows, n_outputs)
            What the decoder says.
        """
        mean, scale = self.encode(cells, mask, conditions)
        latents = mean + scale * noise
        outputs = self.decode(latents, conditions)
        reconstruction = self.columns.log_density(cells, mask, outputs)
        return reconstruction, self.excess(latents, scale, noise), outputs

    def excess(self, latents, scale, noise):
        """log q(z|x) − log p(z) of z = mean + scale · noise, (n_draws, n_rows)."""
        constant = HALF_LOG_TAU * self.n_latents
        log_noise = -0.5 * noise.square().sum(-1) - constant
        log_prior = self.prior.log_density(latents, self.encode_inputs)
        return log_noise - scale.log().sum(-1) - log_prior

    def evidence_terms(self, cells, mask, conditions, noise):
        """The mean of log p(x|z) over draws, and KL(q(z|x) ‖ p(z)), of each row.

        Parameters
        ----------
        cells, mask, conditions, noise : Tensor
            As `terms` has them.

        Returns
        -------
        reconstruction : Tensor of shape (n_rows,)
            The mean over draws.

        divergence : Tensor of shape (n_rows, n_latents) or (n_rows, 1)
            Exact and by latent dimension where it has a closed form, else the whole of
            it, estimated by the draws.
        """
        mean, scale = self.encode(cells, mask, conditions)
        latents = mean + scale * noise
        outputs = self.decode(latents, conditions)
        reconstruction = self.columns.log_density(cells, mask, outputs)
        if self.prior.closed_form:
            return reconstruction.mean(0), standard_normal_kl(mean, scale)
        excess = self.excess(latents, scale, noise).mean(0)
        return reconstruction.mean(0), excess.unsqueeze(-1)


def builder_of(columns, n_conditions, architecture):
    """A function that makes the model that parameters of `fit` describe."""
    return lambda: AutoencoderModel(
        columns=columns, n_conditions=n_conditions, **architecture
    )


def importance_bound(reconstruction, excess, beta=1.0):
    """log of the mean weight over draws: Burda et al., arXiv:1509.00519, equation 8."""
    log_weights = reconstruction - beta * excess
    return log_weights.logsumexp(0) - math.log(len(log_weights))


def _network(given, name, shape, sizes, layers):
    """The user's network, or one of fully connected layers."""
    if given is not None:
        return Given(given, name, *shape)
    n_inputs, n_outputs = shape
    return network(
        n_inputs,
        sizes,
        n_outputs,
        activation=layers["activation"],
        residual=layers["residual"],
    )


_PRIORS = {
    "normal": lambda n_latents, n_inputs: NormalPrior(n_latents),
    "mixture": lambda n_latents, n_inputs: MixturePrior(n_latents),
    "vamp": VampPrior,
}
