"""Trained models as a configuration names them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.tiny import SHIPPED, open_model

Dtype = Literal["auto", "float32", "bfloat16", "float16"]


class ModelSource(ABC):
    """A trained model that is opened when a run begins."""

    @abstractmethod
    def open(self, device: str) -> ModelAdapter:
        """The model with its processor.

        Args:
            device: "cpu" or "gpu"; where a device map is given it decides.

        Raises:
            AnalysisError: the model is not there, or of another kind.
        """


@dataclass(frozen=True, kw_only=True)
class TinyShipped(ModelSource):
    """The small LLaVA that ships with simlearn; it takes no argument."""

    def open(self, device: str) -> ModelAdapter:
        """The model with its processor."""
        model, processor = open_model(str(SHIPPED))
        return ModelAdapter(model.to("cuda" if device == "gpu" else "cpu"), processor)


@dataclass(frozen=True, kw_only=True)
class Pretrained(ModelSource):
    """A model from a folder or from the hub.

    Args:
        path: folder of a model saved by transformers, such as ``RUN_DIR/model``, or a hub's name.
        dtype: "float32", "bfloat16", "float16", or "auto" for that which ``config.json`` names.
        device_map: as ``accelerate`` takes it ("auto" shares a large model out); ``None`` for one
            device.
        revision: of a model on the hub.
        text_only: a model that reads nothing but text (Llama, Qwen2), which is refused otherwise.
    """

    path: str
    dtype: Dtype = "auto"
    device_map: str | None = None
    revision: str | None = None
    text_only: bool = False

    def open(self, device: str) -> ModelAdapter:
        """The model with its processor."""
        model, processor = open_model(
            self.path,
            dtype=self.dtype,
            device_map=self.device_map,
            revision=self.revision,
            text_only=self.text_only,
        )
        if self.device_map is None:
            model = model.to("cuda" if device == "gpu" else "cpu")
        return ModelAdapter(model, processor, text_only=self.text_only)
