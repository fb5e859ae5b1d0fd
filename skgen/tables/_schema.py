"""What a table is: kinds of its columns, codes of its cells, and tables of codes."""

from dataclasses import asdict, dataclass, replace
from functools import cached_property

import numpy as np

from ._cells import Storage
from ._columns import Column, check_numbers
from ._containers import CONTAINERS, container_of
from ._selection import categorical_mask


@dataclass(frozen=True)
class TableSchema:
    """Kinds of the columns of a table, and the way to numbers and back.

    Made by `learn` or `from_state`.

    Attributes
    ----------
    container : {"numpy", "pandas", "polars"}
        What `decode` makes.
    columns : tuple of Column
        The columns.
    is_named : bool
        Whether the columns' names are the table's own; otherwise they are
        ``"x0"``, ``"x1"``, ...

    Notes
    -----
    ============== ========================================= =======================
    kind           columns                                   codes
    ============== ========================================= =======================
    "binary"       booleans; numbers where 0 and 1 occur     0 and 1
                   and nothing else
    "count"        integers whose smallest is 0 and whose    as they are
                   largest is above 1
    "categorical"  see `learn`                               0, 1, ...
    "numeric"      all others                                as they are
    ============== ========================================= =======================

    Codes are floating-point numbers: integers beyond 2 ** 53 are rounded, unless they
    are categories. Numbers in a column of objects, such as `decimal.Decimal`, come
    back as ``int``, ``float`` or ``bool``.

    Examples
    --------
    >>> import numpy as np
    >>> from skgen.tables import TableSchema
    >>> X = np.array([["red", 1.5], ["blue", None]], dtype=object)
    >>> schema = TableSchema.learn(X)
    >>> schema.kinds
    ('categorical', 'numeric')
    >>> schema.encode(X)
    array([[1. , 1.5],
           [0. , nan]])
    >>> schema.decode([[0.2, 3.0]])
    array([['blue', 3.0]], dtype=object)
    """

    container: str
    columns: tuple
    is_named: bool

    @classmethod
    def learn(cls, X, *, categorical_features="from_dtype", feature_names=None):
        """What the columns of a table are.

        Parameters
        ----------
        X : array-like, pandas or polars data frame of shape (n_samples, n_features)
            The table. Missing cells are NaN, None, ``pandas.NA`` or null.

        categorical_features : "from_dtype", None or array-like, default="from_dtype"
            The categorical columns:

            - "from_dtype": columns of pandas' ``category``, ``object`` and string
              dtypes, of polars' ``Categorical``, ``Enum`` and ``String``, and of
              numpy's strings and objects; those of objects only where not all of
              these are numbers;
            - None: no column, and a column of strings is an error;
            - array-like: names, indices or a boolean mask of the columns.

        feature_names : list of str, default=None
            Names of the columns; None takes those of the data frame.

        Returns
        -------
        schema : TableSchema
            The schema.

        Raises
        ------
        TypeError
            Where the table is sparse, or a cell cannot be hashed.
        ValueError
            Where the table is not two-dimensional or is empty, holds infinite or
            complex numbers or dates, where a column of strings is not categorical,
            or a categorical one has no category.
        """
        container = container_of(X)
        X = container.open(X)
        _check_not_empty(X.shape)
        names = container.names(X) if feature_names is None else list(feature_names)
        is_named = names is not None and all(isinstance(name, str) for name in names)
        names = names or [f"x{j}" for j in range(X.shape[1])]
        cells = container.read(X, names)
        categorical = categorical_mask(
            categorical_features,
            names,
            is_named,
            by_dtype=[column.nature == "label" for column in cells],
        )
        columns = map(Column.learn, names, cells, categorical)
        return cls(container.kind, tuple(columns), is_named)

    def with_kinds(self, kinds):
        """The schema with other kinds of its columns of numbers.

        Parameters
        ----------
        kinds : sequence of str of length n_features
            Kind of each column: what it may hold, whatever was seen when it was
            learnt. Columns of categories stay such, and no other becomes one.

        Returns
        -------
        schema : TableSchema
            Another one.

        Raises
        ------
        ValueError
            Where numbers would become categories, or categories numbers.
        """
        columns = map(Column.with_kind, self.columns, kinds)
        return replace(self, columns=tuple(columns))

    @property
    def n_features(self):
        """Number of columns."""
        return len(self.columns)

    @cached_property
    def kinds(self):
        """Kind of each column: tuple of str."""
        return tuple(column.kind for column in self.columns)

    @cached_property
    def categories(self):
        """Categories of each column: tuple of ndarray, or None for other kinds."""
        return tuple(
            None if column.categories is None else column.category_array()
            for column in self.columns
        )

    def names(self):
        """Names of the columns.

        Returns
        -------
        names : list
            Of str, unless a pandas data frame has other names.
        """
        return [column.name for column in self.columns]

    def encode(self, X):
        """The table as numbers.

        Parameters
        ----------
        X : array-like, pandas or polars data frame of shape (n_samples, n_features)
            Rows; the container need not be the one learnt from.

        Returns
        -------
        codes : ndarray of shape (n_samples, n_features)
            Numbers as they are, booleans as 0 and 1, categories as 0, 1, ..., missing
            cells as NaN. In float64, or float32 where `X` is an array of float32. An
            array of numbers may be returned itself: copy it before writing on it.

        Raises
        ------
        ValueError
            Where the columns are others, or a cell is none that its column may hold.
        """
        container = container_of(X)
        X = container.open(X)
        self._check_columns(X.shape[1], container.names(X))
        is_single = isinstance(X, np.ndarray) and X.dtype == np.float32
        dtype = np.float32 if is_single else np.float64
        if self._takes_whole(X):
            return self._checked(X.astype(dtype, copy=False))
        codes = np.empty(X.shape, dtype=dtype)
        for j, cells in enumerate(container.read(X, self.names())):
            codes[:, j] = self.columns[j].encode(cells)
        return codes

    def decode(self, codes, *, index=None):
        """The table that numbers stand for.

        Parameters
        ----------
        codes : array-like of shape (n_samples, n_features)
            Numbers as `encode` gives them; others are clipped to what the column may
            hold and, unless its dtype is one of real numbers, rounded.

        index : index of a pandas data frame, default=None
            Labels of the rows, where pandas data frames are made.

        Returns
        -------
        X : ndarray, pandas or polars data frame of shape (n_samples, n_features)
            In the container, with the names and the dtypes of the table learnt from.
            NaN becomes a missing cell; where the dtype has none, numpy and pandas
            columns of integers or booleans become float64 and arrays of strings
            become arrays of objects.
        """
        codes = np.asarray(codes, dtype=np.float64)
        if codes.ndim != 2 or codes.shape[1] != self.n_features:
            raise ValueError(
                f"codes must have shape (n_samples, {self.n_features}), got "
                f"{codes.shape}: give one number per row and column."
            )
        return CONTAINERS[self.container].write(self.columns, codes, index)

    def state(self):
        """The schema as plain things: dict of str, bool, list and dict.

        Returns
        -------
        state : dict
            What `from_state` takes. Categories that are no strings, numbers or
            booleans stand in it as they are.
        """
        columns = [
            {
                "name": column.name,
                "kind": column.kind,
                "storage": asdict(column.storage),
                "categories": column.categories and list(column.categories),
            }
            for column in self.columns
        ]
        return {
            "container": self.container,
            "columns": columns,
            "is_named": self.is_named,
        }

    @classmethod
    def from_state(cls, state):
        """The schema of a `state`.

        Parameters
        ----------
        state : dict
            What `state` returned.

        Returns
        -------
        schema : TableSchema
            Equal to the one that it was taken from.
        """
        columns = [
            Column(
                column["name"],
                column["kind"],
                Storage(**column["storage"]),
                column["categories"] and tuple(column["categories"]),
            )
            for column in state["columns"]
        ]
        return cls(state["container"], tuple(columns), state["is_named"])

    def _takes_whole(self, X):
        """Whether a table is an array that need not be read by columns."""
        is_numbers = isinstance(X, np.ndarray) and X.dtype.kind in "fiub"
        return is_numbers and "categorical" not in self.kinds

    def _checked(self, codes):
        """Codes of columns of numbers, each checked only where it need be."""
        is_plain = np.array([kind == "numeric" for kind in self.kinds])
        for j in np.flatnonzero(~is_plain | np.isinf(codes).any(axis=0)):
            check_numbers(self.kinds[j], codes[:, j], self.columns[j].name)
        return codes

    def _check_columns(self, n_features, names):
        if n_features != self.n_features:
            raise ValueError(
                f"X has {n_features} features, but {type(self).__name__} is "
                f"expecting {self.n_features} features as input."
            )
        has_names = names is not None and all(isinstance(name, str) for name in names)
        if self.is_named and has_names and names != self.names():
            _reject_names(names, self.names())


def _check_not_empty(shape):
    for extent, what in zip(shape, ("sample", "feature")):
        if extent == 0:
            raise ValueError(
                f"Found array with 0 {what}(s) (shape={tuple(shape)}) while a minimum "
                "of 1 is required."
            )


def _reject_names(names, learnt):
    unseen = [name for name in names if name not in learnt][:5]
    absent = [name for name in learnt if name not in names][:5]
    if not unseen and not absent:
        remedy = "They are the same in another order: put them in the order learnt."
    else:
        remedy = f"Unknown are {unseen}, absent are {absent}."
    raise ValueError(
        "The feature names should match those that were passed during fit, "
        f"{learnt[:10]}, got {names[:10]}. {remedy}"
    )
