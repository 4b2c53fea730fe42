"""One function per kind of run: parts in, report out."""

from simlearn.tasks.error_steps import find_error_steps
from simlearn.tasks.incremental import class_incremental
from simlearn.tasks.language import train_language_model
from simlearn.tasks.metric import metric_learning
from simlearn.tasks.neurons import find_neurons

__all__ = [
    "class_incremental",
    "find_error_steps",
    "find_neurons",
    "metric_learning",
    "train_language_model",
]
