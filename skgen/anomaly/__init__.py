"""Anomalies: rows, columns and windows that a fitted distribution did not expect."""

from ._answers import Explanations, RowComponents
from ._arcsinh_scaler import ArcsinhScaler
from ._kl_anomaly_detector import KLAnomalyDetector
from ._windows import WindowScores

__all__ = [
    "ArcsinhScaler",
    "Explanations",
    "KLAnomalyDetector",
    "RowComponents",
    "WindowScores",
]
