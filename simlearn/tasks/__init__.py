"""One function per kind of run: parts in, report out."""

from simlearn.tasks.incremental import class_incremental
from simlearn.tasks.metric import metric_learning

__all__ = ["class_incremental", "metric_learning"]
