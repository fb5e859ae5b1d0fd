"""Distributions of torch, as they are: closed forms, densities, draws.

Nothing here imports torch unless it is handed one of torch's distributions.
"""

import copy
import threading

import numpy as np

# Torch's generators are the process's: one thread at a time borrows them.
GENERATORS = threading.Lock()


def is_torch(source):
    """Whether something is a distribution of torch."""
    return any(
        cls.__module__.startswith("torch.distributions") for cls in type(source).__mro__
    )


def needs_gradient(distribution):
    """Whether the answer is to be differentiated by a parameter of a distribution."""
    if not is_torch(distribution):
        return False
    import torch

    return torch.is_grad_enabled() and any(
        tensor.requires_grad for tensor in _tensors(distribution)
    )


def _tensors(source):
    """The tensors that a distribution is made of, and those of its parts."""
    import torch

    seen, waiting = set(), [source]
    while waiting:
        each = waiting.pop()
        if isinstance(each, torch.Tensor):
            yield each
        elif isinstance(each, (list, tuple)):
            waiting.extend(each)
        # transforms, too, are of torch.distributions, and know their inverses
        elif is_torch(each) and id(each) not in seen:
            seen.add(id(each))
            waiting.extend(vars(each).values())


def _device(distribution):
    """The device that a distribution lives on."""
    import torch

    first = next(_tensors(distribution), None)
    return torch.device("cpu") if first is None else first.device


def _in_double(distribution):
    """A copy with parameters in float64, without gradients, on the CPU.

    In float32 the terms of torch's formulas cancel down to their rounding errors.
    """
    import torch

    twin = copy.copy(distribution)
    for name, value in vars(distribution).items():
        if isinstance(value, torch.Tensor):
            value = value.detach().cpu()
            value = value.double() if value.is_floating_point() else value
        elif isinstance(value, torch.distributions.Distribution):
            value = _in_double(value)
        vars(twin)[name] = value
    return twin


def check_shapes(p, q):
    """Raise where two distributions of torch cannot be compared, by their shapes."""
    if not (is_torch(p) and is_torch(q)):
        return
    n_categories = [_n_categories(distribution) for distribution in (p, q)]
    if None not in n_categories and len(set(n_categories)) > 1:
        raise ValueError(
            "p and q must be distributions over the same categories; p has "
            f"{n_categories[0]} and q has {n_categories[1]}. Give both as many, with "
            "probability 0 where one lacks a category."
        )
    events = [tuple(distribution.event_shape) for distribution in (p, q)]
    # a vector of one number is compared with a number
    if events[0] != events[1] and {*map(np.prod, events)} != {1}:
        raise ValueError(
            "p and q must be distributions of events of the same shape; got "
            f"event_shape {events[0]} in p and {events[1]} in q."
        )
    batches = [tuple(distribution.batch_shape) for distribution in (p, q)]
    try:
        np.broadcast_shapes(*batches)
    except ValueError:
        raise ValueError(
            "p and q must be batches that broadcast; got batch_shape "
            f"{batches[0]} in p and {batches[1]} in q. Make one of them (1,) or "
            "expand it."
        ) from None


def _n_categories(distribution):
    """The number of categories of a categorical distribution, None for others."""
    from torch import distributions as td

    if isinstance(distribution, (td.Categorical, td.OneHotCategorical)):
        return int(distribution.param_shape[-1])
    return None


def probability_vectors(*distributions):
    """Probabilities of categorical distributions of one kind in float64, or None."""
    from torch import distributions as td

    for kind in (td.Categorical, td.OneHotCategorical):
        if all(isinstance(distribution, kind) for distribution in distributions):
            return [_probabilities(distribution) for distribution in distributions]
    return None


def _probabilities(distribution):
    inner = getattr(distribution, "_categorical", distribution)
    if "logits" in vars(inner) and inner._param is inner.logits:
        return inner.logits.detach().cpu().double().softmax(dim=-1).numpy()
    # torch's logits of a probability of 0 are finite
    return _array(inner.probs)


def probabilities_of_tensor(source, name):
    """A tensor of probabilities as numpy reads it; anything else as it is."""
    if type(source).__module__.split(".")[0] != "torch":
        return source
    import torch

    if source.requires_grad and torch.is_grad_enabled():
        raise ValueError(
            f"{name} is a Tensor that requires gradients, which divergences of "
            f"probability vectors do not have. Pass {name}.detach(), or "
            "torch.distributions.Categorical for a divergence that has them."
        )
    source = source.detach().cpu()
    # numpy has no such type
    return (source.double() if source.dtype == torch.bfloat16 else source).numpy()


def as_tensor(array, distribution):
    """An array as a tensor of float64 next to a distribution."""
    import torch

    device = _device(distribution)
    # Apple's devices have no float64
    return torch.as_tensor(array, device="cpu" if device.type == "mps" else device)


def torch_kl(p, q):
    """The closed form that torch has, a tensor, or None.

    With its gradient where one is wanted, and in float64 where not.
    """
    from torch.distributions import kl_divergence

    if not (needs_gradient(p) or needs_gradient(q)):
        p, q = _in_double(p), _in_double(q)
    try:
        value = kl_divergence(p, q)
    except NotImplementedError:
        return None
    # clamp would drop the gradient along with the rounding error below 0; NaN stays
    return value.where(~(value < 0.0), value - value.detach())


def torch_entropy(p):
    """The entropy that torch has in closed form, a tensor, or None."""
    try:
        return (p if needs_gradient(p) else _in_double(p)).entropy()
    except NotImplementedError:
        return None


def torch_mixture_parts(distribution):
    """Weights, means and covariances of a Gaussian or a mixture of them, or None."""
    from torch import distributions as td

    if tuple(distribution.batch_shape) != ():
        return None
    if not isinstance(distribution, td.MixtureSameFamily):
        parts = _gaussian_parts(distribution)
        return None if parts is None else (np.ones(1), *(a[None] for a in parts))
    parts = _gaussian_parts(distribution.component_distribution)
    if parts is None:
        return None
    weights = _array(distribution.mixture_distribution.probs)
    return weights / weights.sum(), *parts


def _gaussian_parts(distribution):
    """Means and covariance matrices of Gaussians, the batch ahead, or None."""
    from torch import distributions as td

    if isinstance(distribution, (td.MultivariateNormal, td.LowRankMultivariateNormal)):
        return _array(distribution.mean), _array(distribution.covariance_matrix)
    if type(distribution) is td.Normal:
        return _diagonal(
            _array(distribution.loc)[..., None], distribution.scale[..., None]
        )
    if (
        isinstance(distribution, td.Independent)
        and type(distribution.base_dist) is td.Normal
        and len(distribution.event_shape) == 1
    ):
        return _diagonal(_array(distribution.mean), distribution.stddev)
    return None


def _diagonal(means, deviations):
    variances = _array(deviations) ** 2
    return means, variances[..., None] * np.eye(variances.shape[-1])


def _array(tensor):
    return tensor.detach().cpu().numpy().astype(np.float64)


class TorchDensity:
    """Density of one distribution of torch.

    Parameters
    ----------
    distribution : torch.distributions.Distribution
        The distribution; of a batch it is no density.
    """

    can_sample = True

    def __init__(self, distribution):
        self.distribution = distribution
        self.n_features = int(np.prod(distribution.event_shape, initial=1))

    def log_density(self, X):
        """Log-density of rows."""
        import torch

        drawn = self._drawn(1, 0)
        rows = torch.as_tensor(X, dtype=drawn.dtype, device=drawn.device)
        rows = rows.reshape(len(X), *self.distribution.event_shape)
        inside = self.distribution.support.check(rows)
        inside = inside.reshape(len(X), -1).all(dim=1)
        # torch refuses values outside the support, where the density is 0
        safe = torch.where(
            inside.reshape(-1, *[1] * (rows.ndim - 1)), rows, drawn.expand_as(rows)
        )
        with torch.no_grad():
            logs = self.distribution.log_prob(safe).cpu().numpy().astype(np.float64)
        return np.where(inside.cpu().numpy(), logs, -np.inf)

    def _drawn(self, n_samples, seed):
        """Rows drawn; torch's own generators are left as they were."""
        import torch

        device = _device(self.distribution)
        with GENERATORS:
            if device.type != "cuda":
                with torch.random.fork_rng(devices=[]):
                    # torch.manual_seed would seed every other device, too
                    torch.default_generator.manual_seed(seed)
                    return self.distribution.sample((n_samples,))
            with torch.random.fork_rng(devices=[device]), torch.cuda.device(device):
                torch.default_generator.manual_seed(seed)
                torch.cuda.manual_seed(seed)
                return self.distribution.sample((n_samples,))

    def draw(self, n_samples, generator):
        """Rows drawn from the distribution."""
        rows = self._drawn(n_samples, int(generator.integers(2**62)))
        return _array(rows).reshape(n_samples, -1)
