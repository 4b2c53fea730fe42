"""From embeddings to numbers."""

from simlearn.evaluation.embed import Embeddings, pool_groups
from simlearn.evaluation.intervals import bootstrap_interval
from simlearn.evaluation.protocol import VideoRetrieval
from simlearn.evaluation.retrieval import retrieval_metrics

__all__ = [
    "Embeddings",
    "VideoRetrieval",
    "bootstrap_interval",
    "pool_groups",
    "retrieval_metrics",
]
