"""What a detector says of rows, besides one number each."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class RowComponents:
    """The parts of a row's surprise, in nats; arrays of shape (n_samples,).

    Attributes
    ----------
    log_density : ndarray
        :math:`\\log p(x)`, or its lower bound.

    reconstruction : ndarray
        :math:`R = \\operatorname{E}_{q(h|x)}[-\\log p(x \\mid h)]`; where the model has
        no latent variable, :math:`-\\log p(x)`.

    posterior_divergence : ndarray
        :math:`K = \\mathrm{KL}(q(h \\mid x) \\| p(h))`; 0 where the model has no latent
        variable.

    marginal : ndarray
        :math:`M = \\sum_j -\\log p_j(x_j)`, the surprise of the columns alone.

    dependence : ndarray
        :math:`c = \\log p(x) - \\sum_j \\log p_j(x_j)`: how much likelier the row is
        together than column by column.
    """

    log_density: np.ndarray
    reconstruction: np.ndarray
    posterior_divergence: np.ndarray
    marginal: np.ndarray
    dependence: np.ndarray

    def surprise(self, beta, dependence_weight):
        """The weighted sum (1 − τ) M + τ (R + β K)."""
        joint = self.reconstruction + beta * self.posterior_divergence
        return (1.0 - dependence_weight) * self.marginal + dependence_weight * joint


@dataclass(frozen=True)
class Explanations:
    """Strange rows and the columns that make them so, the strangest first.

    Attributes
    ----------
    rows : ndarray of shape (n_rows,)
        Positions of the rows.

    scores : ndarray of shape (n_rows,)
        Their scores, nats.

    p_values : ndarray of shape (n_rows,) or None
        Their p-values; None where nothing was kept for calibration.

    columns : ndarray of shape (n_rows, n_columns)
        Names of the most surprising columns, or their numbers where there are no
        names, the most surprising first.

    surprises : ndarray of shape (n_rows, n_columns)
        Surprise of these columns given the others, in nats above what is usual.

    values : ndarray of shape (n_rows, n_columns)
        What the rows have there.
    """

    rows: np.ndarray
    scores: np.ndarray
    p_values: np.ndarray | None
    columns: np.ndarray
    surprises: np.ndarray
    values: np.ndarray

    def __len__(self):
        return len(self.rows)

    def __str__(self):
        p_values = [None] * len(self) if self.p_values is None else self.p_values
        lines = ["   row     score  p-value  columns, nats above what is usual"]
        for i, p_value in enumerate(p_values):
            told = "      –" if p_value is None else f"{p_value:7.3g}"
            guilty = ", ".join(
                f"{column} = {_text(value)} ({surprise:+.1f})"
                for column, value, surprise in zip(
                    self.columns[i], self.values[i], self.surprises[i]
                )
            )
            lines.append(f"{self.rows[i]:6d} {self.scores[i]:9.2f}  {told}  {guilty}")
        return "\n".join(lines)

    def to_frame(self):
        """The same as a pandas data frame, one line for a row and column.

        Returns
        -------
        frame : pandas.DataFrame
            With the columns row, score, p_value, column, surprise and value.
        """
        import pandas as pd

        n_columns = self.columns.shape[1]
        p_values = (
            np.full(len(self), np.nan) if self.p_values is None else self.p_values
        )
        return pd.DataFrame(
            {
                "row": np.repeat(self.rows, n_columns),
                "score": np.repeat(self.scores, n_columns),
                "p_value": np.repeat(p_values, n_columns),
                "column": self.columns.ravel(),
                "surprise": self.surprises.ravel(),
                "value": self.values.ravel(),
            }
        )


def _text(value):
    return f"{value:.6g}" if isinstance(value, (int, float, np.number)) else str(value)
