"""What stands between a fit's door and training, and what training leaves."""

import math
from numbers import Integral

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_consistent_length

from .._sklearn import check_row_weights
from .._warnings import warn_user
from ..neural import TrainingPlan, arrays_of, load
from ..tables import TableSchema
from ._base import AutoencoderBase
from ._conditions import Conditions
from ._evaluation import Evaluation
from ._learning import Objective, TrainingRows, start_pseudo_inputs
from ._read_table import SHAPE, Reading, Table, choices_of
from ._reading import KIND_OF_FAMILY, families_of, plan_columns

# Steps that the networks are trained on by default; fewer for few rows, which would
# only be learnt by heart.
STEPS = 4000
STEPS_PER_ROW = 4.5
LEAST_STEPS, LEAST_EPOCHS = 500, 20

# Rows of a step, for tables of fewer than so many rows.
BATCH_SIZES = ((2_000, 64), (20_000, 128), (100_000, 256), (math.inf, 512))

# Patience by default, in parts of the epochs.
PATIENCE = 0.3

# What is no longer true after a fit, and after a pass of `partial_fit`.
OF_PASSES = ("_optimiser_state", "n_passes_")
OF_FITS = ("history_", "best_iter_", "validation_bound_")

# A latent dimension is active where its mean varies by more than this between rows:
# Burda et al., arXiv:1509.00519, section 5.
ACTIVE_VARIANCE = 0.01


class AutoencoderFitting(AutoencoderBase):
    """Reads rows, plans the training and keeps what it brought.

    A subclass brings the parameters, `fit` and `partial_fit`.
    """

    def _read_table(self, X, y, sample_weight, generator, *, anew):
        """How rows are read, and rows; the estimator stays as it was.

        Parameters
        ----------
        X, y, sample_weight : array-like
            As `fit` has them.

        generator : RandomState
            Source of the seed that is kept.

        anew : bool
            Whether what the columns are is learnt, or as an earlier fit left it.

        Returns
        -------
        reading, table : Reading, Table
            Of the rows that carry weight and hold something.
        """
        if anew:
            X, shape = self._validated_anew(X)
            features = self.categorical_features
            schema = TableSchema.learn(X, categorical_features=features)
            codes, weights, y = self._kept_rows(schema, X, y, sample_weight, 2)
            _check_columns_seen(codes, schema)
            seed = int(generator.randint(2**31 - 1))
            return self._learn_table(shape, schema, codes, weights, y, seed)
        reading, X = Reading.of(self), self._validated(X, reset=False)
        reading.check_choices(choices_of(self))
        codes, weights, y = self._kept_rows(reading.schema, X, y, sample_weight, 1)
        conditions = reading.conditions.encode(y) if self.conditional else None
        return reading, Table(codes, weights, conditions)

    def _learn_table(self, shape, schema, codes, weights, y, seed):
        """Maps of the columns and of y to what the networks see."""
        conditions, inputs = None, None
        if self.conditional:
            conditions, inputs = Conditions.learn(y, weights)
        families = families_of(schema, self.likelihood, codes)
        schema = schema.with_kinds([KIND_OF_FAMILY[family] for family in families])
        plan = self._plan_of(schema, families, codes, weights)
        reading = Reading(
            shape=shape,
            schema=schema,
            likelihoods=list(plan.families),
            plan=plan,
            conditions=conditions,
            seed=seed,
            choices=choices_of(self),
        )
        return reading, Table(codes, weights, inputs)

    def _kept_rows(self, schema, X, y, sample_weight, at_least):
        """Codes, weights and y of the rows that carry weight and hold something."""
        if self.conditional and y is None:
            raise ValueError(
                f"{type(self).__name__} with conditional=True requires y to be passed, "
                "but the target y is None."
            )
        codes = schema.encode(X)
        weights = np.ones(len(codes))
        if sample_weight is not None:
            weights = check_row_weights(sample_weight, codes)
        kept = (weights > 0.0) & ~np.isnan(codes).all(axis=1)
        if kept.sum() < at_least:
            rows = "row is" if at_least == 1 else "rows are"
            raise ValueError(
                f"At least {at_least} {rows} required that have a positive weight and "
                f"a cell that is not missing, got {kept.sum()} of n_samples = "
                f"{len(codes)}: give more rows."
            )
        if self.conditional:
            check_consistent_length(X, y)
            y = _take(y, kept)
        return codes[kept], weights[kept], y

    def _validated_anew(self, X):
        """Rows, and number and names of the columns."""
        before = {name: vars(self).pop(name) for name in SHAPE if name in vars(self)}
        try:
            X = self._validated(X, reset=True)
            return X, {name: vars(self)[name] for name in SHAPE if name in vars(self)}
        finally:
            for name in SHAPE:
                vars(self).pop(name, None)
            vars(self).update(before)

    def _plan_of(self, schema, families, codes, weights):
        """Maps of the columns to normal scores."""
        hides = self.masking_fraction > 0.0 and codes.shape[1] > 1
        return plan_columns(
            schema,
            families,
            codes,
            weights,
            correlated=self.correlated,
            may_hide=bool(hides or np.isnan(codes).any()),
        )

    def _split(self, reading, table, device):
        """Rows to learn from, and rows held out (or None).

        As many rows are always split alike: what a warm start holds out was held out.
        """
        codes, weights, conditions = table
        rows = TrainingRows.of(reading.rows(codes), conditions, weights, device)
        if not self.early_stopping:
            return rows, None
        n_held_out = max(1, round(self.validation_fraction * len(codes)))
        if n_held_out >= len(codes):
            raise ValueError(
                f"validation_fraction={self.validation_fraction} leaves no row of "
                f"{len(codes)} to learn from: lower it, or set early_stopping=False."
            )
        order = np.random.RandomState(reading.seed).permutation(len(codes))
        return rows.take(order[n_held_out:]), rows.take(order[:n_held_out])

    def _batch_size(self, n_rows):
        if self.batch_size != "auto":
            return min(self.batch_size, n_rows)
        size = next(size for below, size in BATCH_SIZES if n_rows < below)
        return min(size, n_rows)

    def _training_plan(self, n_rows):
        """Epochs, batches, rate and patience."""
        batch_size, n_epochs = self._batch_size(n_rows), self.max_iter
        if n_epochs == "auto":
            per_epoch = math.ceil(n_rows / batch_size)
            n_steps = min(STEPS, max(LEAST_STEPS, STEPS_PER_ROW * n_rows))
            n_epochs = max(round(n_steps / per_epoch), LEAST_EPOCHS)
        patience = self.n_iter_no_change
        if patience == "auto":
            patience = max(1.0, PATIENCE * n_epochs)
        return TrainingPlan(
            n_epochs, batch_size, self.learning_rate_init, patience, self.tol
        )

    def _objective(self, plan, may_hide):
        # the last epoch at least is trained on the bound that was asked for
        most = math.inf if plan is None else plan.n_epochs - 1
        warm_up = min(self.kl_warm_up, most)
        if self.free_bits > 0.0 and self.n_importance_samples > 1:
            raise ValueError(
                "free_bits changes the evidence lower bound, which is trained with "
                f"n_importance_samples=1, got {self.n_importance_samples}: set one of "
                "the two."
            )
        if self.free_bits > 0.0 and self.prior != "normal":
            raise ValueError(
                "free_bits needs prior='normal', for which the KL divergence of each "
                f"latent dimension has a closed form, got prior={self.prior!r}: set "
                "one of the two."
            )
        hiding = self.masking_fraction if may_hide else 0.0
        return Objective(
            self.n_importance_samples, self.beta, self.free_bits, warm_up, hiding
        )

    def _new_architecture(self):
        """What `AutoencoderModel` is made of, besides columns and conditions.

        It is kept with the weights: parameters may be set after the fit.
        """
        sizes = self.hidden_layer_sizes
        sizes = [sizes] if isinstance(sizes, Integral) else list(sizes)
        if not all(isinstance(size, Integral) and size > 0 for size in sizes):
            raise ValueError(
                "hidden_layer_sizes must be one or several integers of at least 1, "
                f"got {self.hidden_layer_sizes!r}."
            )
        layers = {
            "hidden_layer_sizes": tuple(int(size) for size in sizes),
            "activation": self.activation,
            "residual": self.residual,
        }
        return {
            "n_latents": int(self.n_components),
            "prior": self.prior,
            "layers": layers,
            "encoder": self.encoder,
            "decoder": self.decoder,
        }

    def _start(self, model, rows, warm, generator):
        """Weights that are known before training."""
        if warm:
            load(model, self.parameters_)
        elif self.prior == "vamp":
            start_pseudo_inputs(model, rows, generator)

    def _attributes(self, reading, table, architecture, held_out, model, history):
        """What a fit leaves, by name."""
        return {
            **reading.attributes(),
            **weights_of(reading, table, architecture, model),
            "n_iter_": history.n_epochs,
            "best_iter_": history.best_epoch + 1 if held_out else history.n_epochs,
            "validation_bound_": history.best_bound if held_out else None,
            "loss_curve_": [-bound for bound in history.training_bound],
            "history_": {
                "epoch": np.arange(1, history.n_epochs + 1),
                "training_bound": np.array(history.training_bound),
                "validation_bound": np.array(history.validation_bound),
                "learning_rate": np.array(history.learning_rate),
                "seconds": np.array(history.seconds),
            },
        }

    def _keep(self, attributes, *, forget):
        """Set what was learnt, and drop what it has made untrue."""
        for name in (*forget, *SHAPE):
            vars(self).pop(name, None)
        for name, value in attributes.items():
            setattr(self, name, value)

    def _warn_of_collapse(self):
        if self.active_units_ == 0:
            warn_user(
                "The posterior has collapsed: no latent dimension tells rows apart "
                "(active_units_ is 0), so that `transform` is of no use. Lower beta, "
                "set kl_warm_up, or free_bits (with prior='normal' and "
                "n_importance_samples=1), or correlated=False, which leaves linear "
                "relations between columns to the latent vector.",
                ConvergenceWarning,
            )


def weights_of(reading, table, architecture, model):
    """Weights, and how many latent dimensions tell rows apart, by name."""
    codes, _, conditions = table
    sample = np.random.RandomState(0).permutation(len(codes))[:2000]
    kinds = None if conditions is None else conditions[sample][None]
    rows = reading.rows(codes[sample])
    was_training = model.training
    evaluation = Evaluation(model.eval(), rows, kinds, np.ones(1), reading.seed)
    variances = evaluation.latent_means(1).var(axis=0)
    model.train(was_training)
    return {
        "_architecture": architecture,
        "parameters_": arrays_of(model),
        "correlation_": {
            family: matrix.detach().cpu().double().numpy()
            for family, matrix in model.columns.correlations().items()
        },
        "latent_variances_": variances,
        "active_units_": int((variances > ACTIVE_VARIANCE).sum()),
    }


def _check_columns_seen(codes, schema):
    empty = np.flatnonzero(np.isnan(codes).all(axis=0))
    if len(empty):
        names = [schema.names()[j] for j in empty[:5]]
        raise ValueError(
            f"Columns {names} hold no cell that is not missing, so nothing can be "
            "learnt of them: drop them."
        )


def _take(y, kept):
    """The rows of y that are kept."""
    if kept.all():
        return y
    if hasattr(y, "iloc"):
        return y.iloc[np.flatnonzero(kept)]
    if hasattr(y, "filter") and hasattr(y, "columns"):
        return y.filter(kept)
    return np.asarray(y)[kept]
