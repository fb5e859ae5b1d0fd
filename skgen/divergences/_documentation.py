"""What the docstrings of this room's functions have in common, told once."""

SHARED = {
    "p_q": """\
p, q : array-like, distribution or fitted model
    Both arrays, or both distributions:

    - probability vectors, or arrays of them along `axis`, which broadcast;
    - frozen distributions of :mod:`scipy.stats`, also with array parameters
      (a batch), and :class:`scipy.stats.gaussian_kde`;
    - distributions of :mod:`torch.distributions`;
    - fitted mixtures: :class:`~skgen.EMGaussianMixture`,
      :class:`sklearn.mixture.GaussianMixture`,
      :class:`sklearn.mixture.BayesianGaussianMixture` (the mixture of its
      ``weights_``, ``means_`` and ``covariances_``; its `score_samples` is no
      normalised density), and :class:`sklearn.neighbors.KernelDensity`;
    - any other fitted model with `score_samples`, and with `sample` to stand in
      the place of p;
    - any pair whose closed form :func:`register_kl` has been given.""",
    "method": """\
method : {'auto', 'closed_form', 'quadrature', 'sobol', 'monte_carlo'}, default='auto'
    How to compute; 'auto' takes the first that applies. See :func:`kl_divergence`.""",
    "options": """\
axis : int, default=-1
    For arrays: the axis along which probabilities sum to one.

base : float, default=None
    Base of the logarithm, above 1; None is nats, 2 is bits.

normalize : bool, default=False
    For arrays: whether to divide vectors by their sums. If False, a vector that
    does not sum to one raises an error.

confidence_level : float, default=None
    Level of a confidence interval, for example 0.95, to be told along with the
    value; None returns the value alone.

tol : float, default=5e-3
    Where rows are sampled: standard error, relative to the value, at which
    sampling stops. Halving it takes up to four times as long.

random_state : int, RandomState instance, Generator or None, default=None
    Seed of the sampling, where there is any. None draws from the operating
    system's entropy; no global generator is touched.""",
    "returns_and_raises": """\
Returns
-------
divergence : float, ndarray, Tensor or DivergenceResult
    A float, or an array for a batch. Where all that is given are distributions
    of torch, a batch is answered with a tensor of float64, computed in float64
    whatever the precision of the parameters. Where one of their parameters
    requires gradients, it is the tensor of torch's own closed form instead, with
    its gradient and in the precision of the parameters, and raised to 0 where
    rounding has a divergence below it; `exact` is then told in float64 only.
    Where `confidence_level` is given, a :class:`DivergenceResult` of such numbers;
    for Jensen-Shannon divergences and distances of arrays, also for torch.

Raises
------
TypeError
    Where p or q is nothing that has a density, or one is an array and the
    other is not.

ValueError
    Where vectors hold negative entries or NaN or do not sum to one, where shapes
    or numbers of features differ, where `method` does not apply to the pair, or
    a parameter is out of its range. Also where a parameter of torch requires
    gradients and torch has no closed form for what is asked: detach it.

Warns
-----
RuntimeWarning
    Where sampling ends on its budget before `tol` is reached.""",
}


def documented(function):
    """Fill what a docstring shares with others into it."""
    if function.__doc__ is not None:  # python -OO drops docstrings
        for name, text in SHARED.items():
            indented = text.replace("\n", "\n    ").replace("\n    \n", "\n\n")
            function.__doc__ = function.__doc__.replace("{" + name + "}", indented)
    return function
