"""One function per kind of run: parts in, report out."""

from simlearn.tasks.metric import metric_learning

__all__ = ["metric_learning"]
