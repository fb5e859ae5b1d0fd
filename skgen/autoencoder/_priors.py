"""Distributions of the latent vector before any row is seen."""

import math

import torch
from torch import nn
from torch.nn import functional

HALF_LOG_TAU = 0.5 * math.log(2.0 * math.pi)
LEAST_SCALE = 1e-3
BESIDE = 0.1  # how far pseudo-inputs that start at one row are apart
UNIT_SCALE = math.log(math.expm1(1.0 - LEAST_SCALE))  # softplus of it is one


class NormalPrior(nn.Module):
    """The standard normal distribution: nothing to learn.

    Parameters
    ----------
    n_latents : int
        Dimensions.
    """

    closed_form = True

    def __init__(self, n_latents):
        super().__init__()
        self.n_latents = n_latents

    def log_density(self, latents, encode):
        """Log-density of latent vectors, nats."""
        return (-0.5 * latents.square() - HALF_LOG_TAU).sum(-1)

    def draw(self, n_draws, generator, encode, dtype):
        """Latent vectors."""
        return _normal((n_draws, self.n_latents), generator, dtype)


class MixturePrior(nn.Module):
    """A mixture of diagonal Gaussians, learned with the networks.

    Parameters
    ----------
    n_latents : int
        Dimensions.

    n_components : int
        Number of Gaussians.
    """

    closed_form = False

    def __init__(self, n_latents, n_components=10):
        super().__init__()
        self.means = nn.Parameter(torch.empty(n_components, n_latents))
        self.raw_scales = nn.Parameter(torch.empty(n_components, n_latents))
        self.logits = nn.Parameter(torch.empty(n_components))

    def start(self, generator):
        """Unit Gaussians near the origin."""
        self.means.normal_(0.0, 0.5, generator=generator)
        self.raw_scales.fill_(UNIT_SCALE)
        self.logits.fill_(0.0)

    def _scales(self):
        return functional.softplus(self.raw_scales) + LEAST_SCALE

    def log_density(self, latents, encode):
        """Log-density of latent vectors, nats."""
        scales = self._scales()
        residuals = (latents.unsqueeze(-2) - self.means) / scales
        each = -0.5 * residuals.square().sum(-1) - scales.log().sum(-1)
        constant = latents.shape[-1] * HALF_LOG_TAU
        return (each + self.logits.log_softmax(0)).logsumexp(-1) - constant

    def draw(self, n_draws, generator, encode, dtype):
        """Latent vectors."""
        weights = self.logits.softmax(0).float()
        chosen = torch.multinomial(
            weights, n_draws, replacement=True, generator=generator
        )
        noise = _normal((n_draws, self.means.shape[1]), generator, dtype)
        return self.means[chosen] + self._scales()[chosen] * noise


class VampPrior(nn.Module):
    """The mean posterior of learned pseudo-inputs (Tomczak and Welling 2018).

    Parameters
    ----------
    n_latents : int
        Dimensions.

    n_inputs : int
        Number of encoder inputs.

    n_components : int
        Number of pseudo-inputs.
    """

    closed_form = False

    def __init__(self, n_latents, n_inputs, n_components=50):
        super().__init__()
        self.n_latents = n_latents
        self.pseudo_inputs = nn.Parameter(torch.empty(n_components, n_inputs))

    def start(self, generator):
        """Normal pseudo-inputs, until `start_from` is called."""
        self.pseudo_inputs.normal_(0.0, 1.0, generator=generator)

    @torch.no_grad()
    def start_from(self, inputs, n_different, n_noisy, generator):
        """Set pseudo-inputs to rows of encoder inputs.

        Parameters
        ----------
        inputs : Tensor of shape (n_components, n_inputs)
            The rows; those from `n_different` on repeat earlier ones.

        n_different : int
            From here on pseudo-inputs stand a little beside the rows.

        n_noisy : int
            As many inputs, the first, take that noise; masks and conditions do not.

        generator : torch.Generator
            Source of the noise, on the CPU.
        """
        shape = (max(0, len(inputs) - n_different), n_noisy)
        noise = torch.randn(shape, generator=generator, dtype=inputs.dtype)
        self.pseudo_inputs.copy_(inputs)
        self.pseudo_inputs[n_different:, :n_noisy] += BESIDE * noise.to(inputs.device)

    def log_density(self, latents, encode):
        """Log-density of latent vectors, nats."""
        means, scales = encode(self.pseudo_inputs)
        residuals = (latents.unsqueeze(-2) - means) / scales
        each = -0.5 * residuals.square() - scales.log() - HALF_LOG_TAU
        return each.sum(-1).logsumexp(-1) - math.log(len(means))

    def draw(self, n_draws, generator, encode, dtype):
        """Latent vectors."""
        means, scales = encode(self.pseudo_inputs)
        chosen = torch.randint(
            len(means), (n_draws,), generator=generator, device=means.device
        )
        noise = _normal((n_draws, self.n_latents), generator, dtype)
        return means[chosen] + scales[chosen] * noise


def _normal(shape, generator, dtype):
    return torch.randn(shape, generator=generator, dtype=dtype, device=generator.device)
