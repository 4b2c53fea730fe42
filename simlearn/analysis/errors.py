"""The one error for a model, mask or batch that an analysis cannot work with."""

from __future__ import annotations


class AnalysisError(ValueError):
    """Something about the model, its processor, a batch or a set of neurons does not fit.

    The text says what was found and what to do about it.
    """
