"""The one error for data on disk that is missing, damaged or not what its reader expects."""

from __future__ import annotations


class DataError(ValueError):
    """A data set cannot be read as it stands.

    The text names the file, the line or row, what was found there and what to do about it.
    A missing root or file is a ``DataError`` too, so one ``except`` covers every fault of data.
    """
