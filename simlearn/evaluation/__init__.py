"""From embeddings to numbers."""

from simlearn.data.embeddings import Embeddings
from simlearn.evaluation.class_protocol import ClassIncremental
from simlearn.evaluation.embed import pool_groups
from simlearn.evaluation.fold_join import join_folds
from simlearn.evaluation.forgetting import forgetting_metrics
from simlearn.evaluation.intervals import bootstrap_interval
from simlearn.evaluation.nshot import nshot_identities, nshot_svm
from simlearn.evaluation.pairs import verification
from simlearn.evaluation.protocol import VideoRetrieval
from simlearn.evaluation.recognition_protocol import VideoRecognition
from simlearn.evaluation.retrieval import retrieval_metrics

__all__ = [
    "ClassIncremental",
    "Embeddings",
    "VideoRecognition",
    "VideoRetrieval",
    "bootstrap_interval",
    "forgetting_metrics",
    "join_folds",
    "nshot_identities",
    "nshot_svm",
    "pool_groups",
    "retrieval_metrics",
    "verification",
]
