"""What a fitted model says of rows, block by block and without chance."""

from typing import NamedTuple

import numpy as np
import torch

from ..neural import generator_on, normal_points

# Numbers that one operation may hold: blocks of rows are cut accordingly.
BLOCK_NUMBERS = 1_000_000


class EvidenceLowerBound(NamedTuple):
    """The evidence lower bound of rows and its parts, nats."""

    #: E_q[log p(x|z)] − KL(q(z|x) ‖ p(z)), ndarray of shape (n_samples,)
    elbo: np.ndarray
    #: E_q[log p(x|z)], the expected log-likelihood of what is reconstructed
    reconstruction: np.ndarray
    #: KL(q(z|x) ‖ p(z)), at least 0
    kl: np.ndarray


class Rows(NamedTuple):
    """Standardised rows, in arrays.

    Parameters
    ----------
    cells, mask : ndarray of shape (n_rows, n_columns)
        Cells, 0 where hidden, and whether they are seen.

    log_jacobian : ndarray of shape (n_rows,)
        Log-density in the table's units less that of the cells.
    """

    cells: np.ndarray
    mask: np.ndarray
    log_jacobian: np.ndarray


class Evaluation:
    """Answers of a model, for rows with or without given conditions.

    Where the model wants conditions and none are given, they are summed over: each kind
    of condition is a further draw, weighted by its frequency.

    Parameters
    ----------
    model : AutoencoderModel
        With weights.

    rows : Rows
        The rows.

    kinds : ndarray of shape (n_kinds, n_rows or 1, n_conditions) or None
        Conditions of the rows.

    frequencies : ndarray of shape (n_kinds,)
        Their weights.

    seed : int
        Of the noise, the same for all rows.
    """

    def __init__(self, model, rows, kinds, frequencies, seed):
        self._model = model
        self._rows = rows
        self._kinds = kinds
        self._log_frequencies = np.log(frequencies)
        self._seed = seed
        parameter = next(model.parameters())
        self._like = {"dtype": parameter.dtype, "device": parameter.device}

    def take(self, index):
        """The same for some of the rows."""
        rows = Rows(*(each[index] for each in self._rows))
        kinds = self._kinds
        if kinds is not None and kinds.shape[1] > 1:
            kinds = kinds[:, index]
        frequencies = np.exp(self._log_frequencies)
        return Evaluation(self._model, rows, kinds, frequencies, self._seed)

    def _tensor(self, array):
        return torch.as_tensor(np.ascontiguousarray(array), **self._like)

    def _noise(self, n_draws):
        points = normal_points(n_draws, self._model.n_latents, self._seed)
        return self._tensor(points)[:, None, :]

    def _blocks(self, n_draws):
        """Slices of rows, small enough for so many draws of each."""
        columns = self._model.columns
        width = max(columns.n_outputs, columns.n_inputs, 128)
        # correlated cells that are hidden take a matrix for each row
        numbers = n_draws * width + columns.n_columns * min(columns.n_columns, 100)
        size = max(1, BLOCK_NUMBERS // numbers)
        n_rows = len(self._rows.cells)
        return [slice(i, min(i + size, n_rows)) for i in range(0, n_rows, size)]

    def _block(self, block):
        """Cells, mask (None if all is seen) of a block."""
        mask = self._rows.mask[block]
        return (
            self._tensor(self._rows.cells[block]),
            None if mask.all() else self._tensor(mask),
        )

    def _conditions(self, block):
        """Conditions of a block's rows, one kind after the other."""
        if self._kinds is None:
            return [None]
        n_rows = block.stop - block.start
        return [
            self._tensor(kind[block] if len(kind) > 1 else kind).expand(n_rows, -1)
            for kind in self._kinds
        ]

    def _terms(self, block, noise):
        """Reconstruction and excess, each of shape (n_kinds, n_draws, n_rows)."""
        cells, mask = self._block(block)
        parts = [
            self._model.terms(cells, mask, conditions, noise)[:2]
            for conditions in self._conditions(block)
        ]
        return (torch.stack(each).double() for each in zip(*parts))

    def _over_blocks(self, function, n_draws):
        """Results of a function of blocks, in NumPy, joined along rows."""
        with torch.no_grad():
            parts = [function(block) for block in self._blocks(n_draws)]
        joined = [torch.cat(each).cpu().numpy() for each in zip(*parts)]
        return joined

    def importance_bound(self, n_draws):
        """Importance-weighted bound on the log-density of each row."""
        noise, log_frequencies = self._noise(n_draws), self._log_kinds()

        def bound(block):
            reconstruction, excess = self._terms(block, noise)
            each = (reconstruction - excess).logsumexp(1) - np.log(n_draws)
            return ((each + log_frequencies).logsumexp(0),)

        (bounds,) = self._over_blocks(bound, n_draws)
        # where nothing is observed the probability is one, without any bound
        some = self._rows.mask.any(axis=1)
        return np.where(some, bounds, 0.0) + self._rows.log_jacobian

    def evidence_bound(self, n_draws):
        """The evidence lower bound and its parts."""
        noise, log_frequencies = self._noise(n_draws), self._log_kinds()

        def bound(block):
            reconstruction, excess = (
                each.mean(1) for each in self._terms(block, noise)
            )
            joint = reconstruction - excess + log_frequencies
            total = joint.logsumexp(0)
            shares = (joint - total).exp()
            reconstruction = (shares * reconstruction).sum(0)
            # the divergence is none below 0, though its mean over draws may be
            return reconstruction, (reconstruction - total).clamp(min=0.0)

        reconstruction, kl = self._over_blocks(bound, n_draws)
        reconstruction = reconstruction + self._rows.log_jacobian
        return EvidenceLowerBound(reconstruction - kl, reconstruction, kl)

    def _log_kinds(self):
        device = self._like["device"]
        return torch.as_tensor(self._log_frequencies, device=device)[:, None]

    def latent_means(self, n_draws):
        """Means of q(z|x), averaged over kinds of conditions where none are given."""
        noise = self._noise(n_draws)

        def mean(block):
            means = torch.stack(self._means(block))
            return ((self._shares(block, noise)[..., None] * means).sum(0),)

        return self._over_blocks(mean, n_draws if self._n_kinds > 1 else 1)[0]

    def _means(self, block):
        cells, mask = self._block(block)
        return [
            self._model.encode(cells, mask, conditions)[0]
            for conditions in self._conditions(block)
        ]

    def _shares(self, block, noise):
        """Probability of each kind of conditions given a row: (n_kinds, n_rows)."""
        if self._n_kinds == 1:
            return torch.ones(1, block.stop - block.start, **self._like)
        reconstruction, excess = self._terms(block, noise)
        log_joint = (reconstruction - excess).logsumexp(1) + self._log_kinds()
        return log_joint.softmax(0).to(self._like["dtype"])

    def reconstructions(self, n_draws):
        """Standardised rows that the decoder expects at the latent means."""
        noise, columns = self._noise(n_draws), self._model.columns

        def decode(block):
            hidden = torch.zeros_like(self._block(block)[0])
            expected = [
                columns.expectations(
                    hidden, hidden, self._model.decode(mean[None], conditions)
                )[0]
                for mean, conditions in zip(self._means(block), self._conditions(block))
            ]
            shares = self._shares(block, noise)[..., None]
            return (columns.resolve((shares * torch.stack(expected)).sum(0)),)

        return self._over_blocks(decode, n_draws if self._n_kinds > 1 else 1)[0]

    def _weighted(self, block, noise):
        """Weights of all draws of all kinds, and what the decoder says of them."""
        cells, mask = self._block(block)
        mask = torch.ones_like(cells) if mask is None else mask
        parts = [
            self._model.terms(cells, mask, conditions, noise)
            for conditions in self._conditions(block)
        ]
        log_weights = torch.cat(
            [
                reconstruction - excess + float(log_frequency)
                for (reconstruction, excess, _), log_frequency in zip(
                    parts, self._log_frequencies
                )
            ]
        )
        outputs = torch.cat([outputs for _, _, outputs in parts])
        return log_weights.double().softmax(0), outputs, cells, mask

    def imputed_means(self, n_draws):
        """Standardised cells expected given those seen.

        Self-normalised importance sampling: Mattei and Frellsen, arXiv:1812.02633,
        equation 12.
        """
        noise, columns = self._noise(n_draws), self._model.columns

        def expect(block):
            weights, outputs, cells, mask = self._weighted(block, noise)
            expected = columns.expectations(cells, mask, outputs)
            weights = weights[..., None].to(expected.dtype)
            return (columns.resolve((weights * expected).sum(0)),)

        return self._over_blocks(expect, n_draws * self._n_kinds)[0]

    def imputed_draws(self, n_imputations, n_draws, random_state):
        """Standardised cells drawn given those seen.

        Sampling importance resampling of latents, then of cells given latents; the
        shape is (n_imputations, n_rows, n_columns).
        """
        noise, columns = self._noise(n_draws), self._model.columns
        generator = generator_on(self._like["device"], random_state)

        def draw(block):
            weights, outputs, cells, mask = self._weighted(block, noise)
            chosen = torch.multinomial(
                weights.T, n_imputations, replacement=True, generator=generator
            ).T
            index = chosen[..., None].expand(-1, -1, outputs.shape[-1])
            drawn = columns.draw(cells, mask, outputs.gather(0, index), generator)
            return (drawn.transpose(0, 1),)

        (draws,) = self._over_blocks(draw, n_draws * self._n_kinds)
        return draws.transpose(1, 0, 2)

    @property
    def _n_kinds(self):
        return 1 if self._kinds is None else len(self._kinds)


def decoded(model, latents, conditions):
    """Standardised rows that the decoder expects at latent vectors."""
    parameter = next(model.parameters())
    columns, rows, most = model.columns, [], _rows_at_once(model)
    with torch.no_grad():
        for start in range(0, len(latents), most):
            block = torch.as_tensor(latents[start : start + most]).to(parameter)
            given = None
            if conditions is not None:
                given = torch.as_tensor(conditions[start : start + most]).to(parameter)
            outputs = model.decode(block[None], given)
            hidden = torch.zeros(len(block), columns.n_columns).to(parameter)
            expected = columns.expectations(hidden, hidden, outputs)[0]
            rows.append(columns.resolve(expected).cpu().numpy())
    return np.concatenate(rows)


def _rows_at_once(model):
    """Rows that a block may have where each is decoded once."""
    columns = model.columns
    numbers = columns.n_outputs + columns.n_columns * min(columns.n_columns, 100)
    return max(1, BLOCK_NUMBERS // max(numbers, 1000))


def sampled(model, n_rows, conditions, random_state):
    """Standardised rows drawn from the model."""
    parameter = next(model.parameters())
    generator = generator_on(parameter.device, random_state)
    columns, rows, most = model.columns, [], _rows_at_once(model)
    with torch.no_grad():
        for start in range(0, n_rows, most):
            size = min(most, n_rows - start)
            latents = model.prior.draw(
                size, generator, model.encode_inputs, parameter.dtype
            )
            given = None
            if conditions is not None:
                given = torch.as_tensor(conditions[start : start + size]).to(parameter)
            outputs = model.decode(latents[None], given)
            hidden = torch.zeros(size, columns.n_columns).to(parameter)
            rows.append(
                columns.draw(hidden, hidden, outputs, generator)[0].cpu().numpy()
            )
    return np.concatenate(rows)
