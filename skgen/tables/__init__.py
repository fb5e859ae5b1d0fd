"""Tables: what their columns are, how cells become numbers, and the way back.

What lives here knows arrays and data frames, and no model. Neither pandas nor
polars is imported unless a table of theirs comes in or is to go out.
"""

from ._columns import KINDS, Column
from ._schema import TableSchema

__all__ = ["KINDS", "Column", "TableSchema"]
