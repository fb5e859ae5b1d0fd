"""A report on a table: which Gaussian mixture describes it, and what that shows.

The main job of ``python -m skgen``. ``read_table`` takes a delimited file to numbers,
``analyse`` searches and fits, ``strange_rows`` asks an anomaly detector and
``second_opinion`` a variational autoencoder, ``report_text`` and ``save_pictures``
show.
"""

from ._analysis import Analysis, analyse
from ._autoencoder import SecondOpinion, second_opinion
from ._delimited import TableError
from ._pictures import save_pictures
from ._strange_rows import StrangeRows, strange_rows
from ._table import Table, bundled_table, read_table
from ._text import report_text

__all__ = [
    "Analysis",
    "SecondOpinion",
    "StrangeRows",
    "Table",
    "TableError",
    "analyse",
    "bundled_table",
    "read_table",
    "report_text",
    "save_pictures",
    "second_opinion",
    "strange_rows",
]
