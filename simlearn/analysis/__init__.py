"""Look inside multimodal language models: which neurons serve which modality."""

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.aggregate import aggregate_scores
from simlearn.analysis.answer_protocol import QuestionAnswering
from simlearn.analysis.collector import collect
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.intervene import deactivate
from simlearn.analysis.model_sources import Pretrained, TinyShipped
from simlearn.analysis.neuron_protocol import NeuronMasks
from simlearn.analysis.neuron_set import NeuronSet
from simlearn.analysis.scores import miner_scores
from simlearn.analysis.selection import select_neurons
from simlearn.analysis.stats import ActivationStats
from simlearn.analysis.tiny import TinyMLLM
from simlearn.analysis.tiny_models import TinyLlava, TinyQwen2Audio, TinyQwen2VL

__all__ = [
    "ActivationStats",
    "AnalysisError",
    "ModelAdapter",
    "NeuronMasks",
    "NeuronSet",
    "Pretrained",
    "QuestionAnswering",
    "TinyLlava",
    "TinyMLLM",
    "TinyQwen2Audio",
    "TinyQwen2VL",
    "TinyShipped",
    "aggregate_scores",
    "collect",
    "deactivate",
    "miner_scores",
    "select_neurons",
]
