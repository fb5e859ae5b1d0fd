"""The variational autoencoder."""

from ._evaluation import EvidenceLowerBound
from ._variational_autoencoder import VariationalAutoencoder

__all__ = ["EvidenceLowerBound", "VariationalAutoencoder"]
