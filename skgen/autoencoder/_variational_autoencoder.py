"""The variational autoencoder as a scikit-learn estimator: how it is fitted."""

from collections.abc import Mapping
from functools import partial
from numbers import Integral, Real

from sklearn.callback import CallbackSupportMixin

from .._sklearn import (
    Interval,
    StrOptions,
    fit_context,
    generator_of,
)
from ..neural import ACTIVATIONS, FAMILIES, chosen_device, gradients
from ._fitting import OF_FITS, OF_PASSES, AutoencoderFitting, weights_of
from ._learning import TrainingRows, fit_model, train_once
from ._watch import Watch


class VariationalAutoencoder(CallbackSupportMixin, AutoencoderFitting):
    r"""Variational autoencoder for tables of mixed columns, with holes.

    A latent vector z explains a row: p(x) = ∫ p(x|z) p(z) dz, with networks for the
    decoder p(x|z) and for the encoder q(z|x), trained [1]_ on the evidence lower bound

    .. math::

        \operatorname{E}_{q(z|x)}[\log p(x \mid z)]
        - \beta \, \operatorname{KL}(q(z \mid x) \,\|\, p(z))

    or, by default, on its importance-weighted sharpening [2]_. Columns are standardised
    within, and each has a likelihood of its kind; densities are told in the units of
    the data. Cells that are NaN count as not observed, in training and in every answer
    [3]_.

    Parameters
    ----------
    n_components : int, default=8
        Dimensions of the latent vector.

    hidden_layer_sizes : int or array-like of int, default=(128, 128)
        Widths of the encoder's hidden layers; the decoder has them in reverse order.
        Empty, both are affine maps.

    activation : str, default='silu'
        The activation of hidden layers: 'silu', 'relu', 'tanh', 'logistic', 'gelu' or
        'identity'.

    residual : bool, default=True
        Whether each hidden layer is a residual block,
        :math:`x + W a(V \operatorname{LayerNorm}(x))`, after an affine map wherever the
        width changes; otherwise layers are affine maps with an activation, as in
        :class:`sklearn.neural_network.MLPRegressor`.

    likelihood : str or mapping, default='auto'
        How columns are distributed given z; see Notes. 'auto' goes by what `fit` sees:

        - columns of categories are 'categorical';
        - booleans, and numbers of any dtype where both 0 and 1 occur and nothing else,
          are 'bernoulli';
        - columns of an integer dtype whose smallest value is 0 and some value above 1
          are 'negative_binomial';
        - all others are 'student_t': integers from 1 on are.

        One of these, or 'gaussian', 'homoscedastic_gaussian', 'unit_gaussian' or
        'poisson', holds for all columns that are not categories; a mapping from names
        or numbers of columns names some. A column then takes any value of its family:
        name the family of a count whose 0 or whose large values are rare, or folds of
        a cross-validation may take it for different things. A column that 'auto' made
        'bernoulli' refuses all but 0 and 1, 'negative_binomial' all but counts.

    categorical_features : 'from_dtype', array-like or None, default='from_dtype'
        The columns of categories: those of categorical, string and object dtypes of a
        data frame; or names, numbers or a mask of columns; or none.

    correlated : bool, default=True
        Whether what is left of real columns given z is correlated, by one correlation
        matrix for all rows. It makes for better densities and imputations; without it,
        linear relations between columns have to be told by z. The 'student_t' columns
        are correlated with each other if they are 2 to 100, and so are the 'gaussian'
        ones; if there are more of them they are independent given z, as columns of all
        other families are. `correlation_` tells what was learned.

    conditional : bool, default=False
        Whether the model is of x given y: `y` is then required in `fit`.

    prior : {'mixture', 'normal', 'vamp'}, default='mixture'
        p(z): a mixture of 10 Gaussians learned with the networks, the standard normal
        distribution, or the mean posterior of 50 learned pseudo-inputs [4]_.

    beta : float, default=1.0
        Weight of the KL divergence. Only 1 fits a density; more asks for simpler codes.

    n_importance_samples : int, default=5
        Draws of z in training. 1 trains the evidence lower bound, more the
        importance-weighted bound, which is also what early stopping then watches.

    kl_warm_up : int, default=0
        Epochs in which the weight of the KL divergence climbs to `beta`; as many as
        there are, at most.

    free_bits : float, default=0.0
        Nats that each latent dimension may use at no cost [6]_: its KL divergence,
        averaged over the rows of a step, is charged as no less than that. What early
        stopping watches charges the same, over the rows held out. Needs
        ``prior='normal'``, for which the divergence has a closed form by dimension,
        and ``n_importance_samples=1``.

    masking_fraction : float, default=0.1
        Share of the rows of each step of which some cells are hidden at random, so that
        the encoder learns to do with those that are left. 0 is a little better for
        densities of complete rows, and worse for imputation if `fit` saw no NaN.

    learning_rate_init : float, default=0.004
        Largest learning rate of AdamW. It climbs for a tenth of the steps, then falls
        to zero along a cosine at `max_iter`.

    batch_size : int or 'auto', default='auto'
        Rows of a step. 'auto' takes 64 for less than 2,000 rows, 128 for less than
        20,000, 256 for less than 100,000, else 512.

    max_iter : int or 'auto', default='auto'
        Largest number of epochs. 'auto' makes 4,000 steps, or 4.5 for each
        row where that is less, but at least 500 steps and 20 epochs.

    early_stopping : bool, default=True
        Whether to hold rows out, keep the weights of the best bound on them, and stop
        after `n_iter_no_change` epochs without a better one.

    validation_fraction : float, default=0.1
        Share of the rows that early stopping holds out.

    n_iter_no_change : int or 'auto', default='auto'
        Patience, in epochs. 'auto' is 30 % of them.

    tol : float, default=0.0
        What counts as a better bound, nats per row.

    warm_start : bool, default=False
        Whether the next call of `fit` starts from the last weights. What columns are,
        and their standardisation, stay as they were; of as many rows the same are held
        out. Parameters that say how columns are read must not have changed.

    device : str, default='auto'
        Where to compute: 'auto' is 'cuda' if torch finds it, else 'cpu'; or any name
        torch knows. Weights are kept as arrays, so that a model fitted on one device
        works on another; one that was fitted with a device named, such as 'cuda',
        wants ``set_params(device='auto')`` where there is none of that name.

    random_state : int, RandomState instance or None, default=None
        Seed of weights, of batches, of noise and of :meth:`sample`. None draws from the
        operating system's entropy; global generators are not touched.

    verbose : int, default=0
        Whether to print a line for each epoch. For progress bars see `set_callbacks`.

    encoder : torch.nn.Module or callable, default=None
        A network of one's own in place of the encoder, or a maker of one that is called
        with the numbers of its inputs and outputs. From standardised cells (and the
        mask of those observed, where any may be hidden, and `y`) to
        ``2 * n_components`` numbers: means, and what softplus makes scales of.

    decoder : torch.nn.Module or callable, default=None
        Likewise, from latent vectors (and `y`) to the numbers that likelihoods want.

    Attributes
    ----------
    parameters_ : dict of str to ndarray
        The weights of the networks. They are rebuilt from these on use.

    likelihoods_ : list of str
        The likelihood of each column.

    correlation_ : dict of str to ndarray
        Correlation matrices of what is left of columns given z, in normal scores: for
        'student_t' and 'gaussian', if there is one (see `correlated`), that of their
        columns in the order of the table.

    active_units_ : int
        Number of latent dimensions whose mean varies by more than 0.01 between rows
        [2]_. 0 is a collapsed posterior.

    latent_variances_ : ndarray of shape (n_components,)
        How much the means vary.

    n_iter_ : int
        Number of epochs of the last `fit`, and of passes of `partial_fit` since.

    n_passes_ : int
        Number of calls of `partial_fit` since the last `fit`. Not there after `fit`.

    best_iter_ : int
        The epoch whose weights are kept. Not there after `partial_fit`.

    validation_bound_ : float or None
        Bound on the rows held out, nats per row of normal scores; None if no rows were.
        Not there after `partial_fit`.

    loss_curve_ : list of float
        Minus the mean bound on the training rows in each epoch, and in each pass of
        `partial_fit` since.

    history_ : dict of str to ndarray
        By epoch: ``epoch``, ``training_bound``, ``validation_bound`` (NaN where it was
        not computed), ``learning_rate``, and ``seconds`` since the start. Not there
        after `partial_fit`.

    n_features_in_ : int
        Number of columns seen during `fit`.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns seen during `fit`, where they are all strings.

    See Also
    --------
    EMGaussianMixture : Densities in closed form; faster on small tables.
    GenerativeImputer : Makes imputation a step of a pipeline.

    Notes
    -----
    *Likelihoods.* 'gaussian' has means and scales from the decoder, 'student_t' besides
    heavy tails, with degrees of freedom learned for each column, in Wallace's form:
    the residual is a known transform of a normal variable [5]_. That makes correlated
    columns a Gaussian copula, from which hidden cells are integrated out exactly.
    Scales are at least 0.02 of a column's standard deviation.
    'homoscedastic_gaussian' has one scale for all rows (with affine networks and
    ``prior='normal'`` the model is factor analysis), 'unit_gaussian' the scale 1
    (squared error).

    *Spikes.* A 'student_t' column whose values pile up, as rounded and zero-inflated
    ones do, is seen through its own distribution function, a mixture of Gaussians; the
    Jacobian is part of the density. Where there are more than 300 such columns, and in
    columns of other families, spikes are not looked for.

    *Constant columns* of numbers are left out of the networks ('constant' in
    ``likelihoods_``): they are drawn as their value, and scored by a t distribution of
    three degrees of freedom about it, of scale 0.02 of the value (0.02 if it is 0).

    *Answers are not random.* Bounds, latent means and imputed means use quasi-random
    noise that is drawn once in `fit` and is the same for all rows. A row's answer does
    not depend on the rows that come with it, but for rounding: sums are taken in an
    order that depends on the size of blocks. The posterior is only as good as the
    encoder: `score_samples` is a lower bound of log p(x), on average.

    *Containers.* `sample`, `inverse_transform`, `reconstruct` and `impute` return rows
    in the container of the table that was fitted, with its names and dtypes, whatever
    `set_output` says, which is for `transform` alone.

    *Convergence.* The learning rate falls to zero at `max_iter`. A fit that comes there
    has converged for as many epochs, and there is no warning; whether more epochs find
    a better bound is seen by trying. ``n_iter_ < max_iter`` tells that patience ended
    the fit.

    *Cost.* About 4,000 steps of a few milliseconds by default, whatever the number of
    rows up to 25,000. Scoring takes 128 passes of the decoder for each row, in blocks,
    and `impute` 256 for each row with a hole. Arrays of float32 are evaluated in
    float32, which takes about half of the time and differs by some 1e-6 nats; all else,
    data frames among it, in float64. A column of categories becomes as many encoder
    inputs and decoder outputs: leave out names and identifiers.

    *Threads.* Several models may be fitted in threads at once. Those with an `encoder`
    or `decoder` of one's own take turns, since such networks draw from torch's global
    generators, which are seeded meanwhile and then left as they were.

    *Failures.* A call of `fit` or `partial_fit` that raises, or is interrupted in
    training, leaves the estimator as it was before.

    References
    ----------
    .. [1] Kingma, D. P. and Welling, M. (2014). "Auto-encoding variational Bayes".
       ICLR. :arxiv:`1312.6114`
    .. [2] Burda, Y., Grosse, R. and Salakhutdinov, R. (2016). "Importance weighted
       autoencoders". ICLR. :arxiv:`1509.00519`
    .. [3] Mattei, P.-A. and Frellsen, J. (2019). "MIWAE: deep generative modelling and
       imputation of incomplete data sets". ICML. :arxiv:`1812.02633`
    .. [4] Tomczak, J. and Welling, M. (2018). "VAE with a VampPrior". AISTATS.
       :arxiv:`1705.07120`
    .. [5] Wallace, D. L. (1959). "Bounds on normal approximations to Student's and the
       chi-square distributions". Annals of Mathematical Statistics 30(4).
       :doi:`10.1214/aoms/1177706077`
    .. [6] Kingma, D. P., Salimans, T., Jozefowicz, R., Chen, X., Sutskever, I. and
       Welling, M. (2016). "Improved variational inference with inverse autoregressive
       flow". NeurIPS. :arxiv:`1606.04934`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from skgen import VariationalAutoencoder
    >>> X, _ = load_iris(return_X_y=True)
    >>> model = VariationalAutoencoder(2, max_iter=20, random_state=0).fit(X)
    >>> model.transform(X).shape
    (150, 2)
    >>> model.sample(3).shape
    (3, 4)
    >>> bool(model.score_samples([[5.1, 3.5, 1.4, 0.2]]) > -5)
    True
    >>> X_holes = np.array([[5.1, np.nan, 1.4, np.nan]])
    >>> bool(np.isnan(model.impute(X_holes)).any())
    False
    """

    _parameter_constraints: dict = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "residual": ["boolean"],
        "likelihood": [StrOptions({"auto", *FAMILIES}), Mapping],
        "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
        "correlated": ["boolean"],
        "conditional": ["boolean"],
        "prior": [StrOptions({"mixture", "normal", "vamp"})],
        "beta": [Interval(Real, 0.0, None, closed="left")],
        "n_importance_samples": [Interval(Integral, 1, None, closed="left")],
        "kl_warm_up": [Interval(Integral, 0, None, closed="left")],
        "free_bits": [Interval(Real, 0.0, None, closed="left")],
        "masking_fraction": [Interval(Real, 0.0, 1.0, closed="both")],
        "learning_rate_init": [Interval(Real, 0.0, None, closed="neither")],
        "batch_size": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "max_iter": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0.0, 1.0, closed="neither")],
        "n_iter_no_change": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "warm_start": ["boolean"],
        "device": [str],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "encoder": [callable, None],
        "decoder": [callable, None],
    }

    def __init__(
        self,
        n_components=8,
        *,
        hidden_layer_sizes=(128, 128),
        activation="silu",
        residual=True,
        likelihood="auto",
        categorical_features="from_dtype",
        correlated=True,
        conditional=False,
        prior="mixture",
        beta=1.0,
        n_importance_samples=5,
        kl_warm_up=0,
        free_bits=0.0,
        masking_fraction=0.1,
        learning_rate_init=4e-3,
        batch_size="auto",
        max_iter="auto",
        early_stopping=True,
        validation_fraction=0.1,
        n_iter_no_change="auto",
        tol=0.0,
        warm_start=False,
        device="auto",
        random_state=None,
        verbose=0,
        encoder=None,
        decoder=None,
    ):
        self.n_components = n_components
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.residual = residual
        self.likelihood = likelihood
        self.categorical_features = categorical_features
        self.correlated = correlated
        self.conditional = conditional
        self.prior = prior
        self.beta = beta
        self.n_importance_samples = n_importance_samples
        self.kl_warm_up = kl_warm_up
        self.free_bits = free_bits
        self.masking_fraction = masking_fraction
        self.learning_rate_init = learning_rate_init
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.device = device
        self.random_state = random_state
        self.verbose = verbose
        self.encoder = encoder
        self.decoder = decoder

    @fit_context(prefer_skip_nested_validation=True)
    @gradients()
    def fit(self, X, y=None, *, sample_weight=None):
        """Fit the model.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows; NaN, or the container's missing value, is not observed.

        y : array-like of shape (n_samples,) or (n_samples, n_columns), default=None
            What each row is given, for ``conditional=True``: labels, numbers, or
            columns of them. A column of numbers that are all whole, in any dtype, is
            one of labels, and only those seen here may be given later; one quantity
            that is not whole makes it one of numbers. Otherwise not used, but handed
            to callbacks.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the objective.

        Returns
        -------
        self : VariationalAutoencoder
            The fitted model.

        Raises
        ------
        ValueError
            Where `X`, `y` or the weights are not fit for use, a column holds nothing,
            every column is constant, the device is absent, or training diverges twice.
        """
        warm = self.warm_start and hasattr(self, "parameters_")
        data = {"X": X, "y": y, "metadata": None}
        if sample_weight is not None:
            data["metadata"] = {"sample_weight": sample_weight}
        device = chosen_device(self.device)
        generator = generator_of(self.random_state)
        reading, table = self._read_table(X, y, sample_weight, generator, anew=not warm)
        seed = int(generator.randint(2**31 - 1))
        rows, held_out = self._split(reading, table, device)
        plan = self._training_plan(len(rows))
        objective = self._objective(plan, reading.plan.may_hide)
        architecture = self._new_architecture()
        context = self._init_callback_context(max_subtasks=plan.n_epochs)
        context.call_on_fit_task_begin(estimator=self, **data)
        attributes_of = partial(
            self._attributes, reading, table, architecture, held_out is not None
        )
        model, history = fit_model(
            reading.builder(architecture),
            lambda model, generator: self._start(model, rows, warm, generator),
            rows,
            held_out,
            objective,
            plan,
            device,
            seed,
            lambda model: Watch(self, context, data, partial(attributes_of, model)),
        )
        attributes = attributes_of(model, history)
        self._keep(attributes, forget=OF_PASSES)
        self._warn_of_collapse()
        context.call_on_fit_task_end(
            estimator=self, **data, reconstruction_attributes=lambda: attributes
        )
        return self

    @fit_context(prefer_skip_nested_validation=True)
    @gradients()
    def partial_fit(self, X, y=None, *, sample_weight=None):
        """Train on one pass over some rows.

        The first call learns what the columns are, their maps to normal scores and the
        kinds of `y`; later rows are read in the same way. The learning rate stays at
        `learning_rate_init`. There is no early stopping; the weights kept are moving
        averages.

        Parameters
        ----------
        X : array-like or data frame of shape (n_samples, n_features)
            Rows.

        y : array-like, default=None
            What each row is given, for ``conditional=True``.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        self : VariationalAutoencoder
            The model, trained a little further.
        """
        first = not hasattr(self, "parameters_")
        device = chosen_device(self.device)
        generator = generator_of(self.random_state)
        reading, table = self._read_table(X, y, sample_weight, generator, anew=first)
        codes, weights, conditions = table
        rows = TrainingRows.of(reading.rows(codes), conditions, weights, device)
        n_passes = getattr(self, "n_passes_", 0)
        architecture = self._new_architecture()
        model, optimiser, bound = train_once(
            reading.builder(architecture),
            lambda model, generator: self._start(model, rows, not first, generator),
            getattr(self, "_optimiser_state", None),
            rows,
            self._objective(None, reading.plan.may_hide),
            self._batch_size(len(rows)),
            self.learning_rate_init,
            device,
            (reading.seed + 1 + n_passes) % 2**31,
            n_passes,
        )
        attributes = {
            **reading.attributes(),
            **weights_of(reading, table, architecture, model),
            "_optimiser_state": optimiser,
            "n_passes_": n_passes + 1,
            "n_iter_": getattr(self, "n_iter_", 0) + 1,
            "loss_curve_": [*getattr(self, "loss_curve_", []), -bound],
        }
        self._keep(attributes, forget=OF_FITS)
        self._warn_of_collapse()
        return self
