"""The small multimodal model that ships with simlearn: load it, or save one like it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from simlearn.analysis.errors import AnalysisError

SHIPPED = Path(__file__).parent / "shipped_llava"
MADE = "made.json"
"""File beside the weights that says how they were made."""
EXTRA = "pip install 'simlearn[analysis]'"


def open_model(
    path: str,
    *,
    dtype: str = "float32",
    device_map: str | None = None,
    revision: str | None = None,
    text_only: bool = False,
) -> tuple[Any, Any]:
    """A multimodal language model and its processor from a folder or a hub's name.

    Weights are read from safetensors alone, and no code that comes with a model is run.

    Args:
        path: folder with ``config.json``, or a name on the hub, which needs a network or a cache.
        dtype: "float32", "bfloat16", "float16", or "auto" for that which ``config.json`` names.
        device_map: as ``accelerate`` takes it ("auto"); ``None`` for the CPU.
        revision: of a model on the hub.
        text_only: a language model that reads nothing but text.

    Returns:
        (model in eval mode without gradients, processor; its tokenizer where it reads text only).

    Raises:
        AnalysisError: transformers is not installed; nothing is there; a model of another kind;
            damaged files, or weights that are not in them.
    """
    try:
        import transformers as hf
    except ImportError as error:
        raise AnalysisError(f"multimodal models need transformers: {EXTRA}") from error
    folder = Path(path).expanduser()
    local = folder.is_dir()
    if local and not (folder / "config.json").is_file():
        raise AnalysisError(f"{folder}: holds no config.json; model.path is a model's own folder")
    where: dict[str, Any] = {"local_files_only": True} if local else {"revision": revision}
    name = str(folder) if local else path
    try:
        reader = hf.AutoTokenizer if text_only else hf.AutoProcessor
        kind: Any = hf.AutoModelForCausalLM if text_only else hf.AutoModelForMultimodalLM
        processor = reader.from_pretrained(name, trust_remote_code=False, **where)
        model, found = kind.from_pretrained(
            name,
            dtype=dtype if dtype == "auto" else getattr(torch, dtype),
            device_map=device_map,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            **where,
        )
    except Exception as error:  # transformers and safetensors raise almost anything
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise AnalysisError(
            f"model.path={path}: cannot be opened as a {'' if text_only else 'multimodal '}"
            f"language model ({first}). Give the folder of a model saved by transformers (LLaVA, "
            "LLaVA-NeXT, Qwen2-VL, Qwen2.5-VL, Qwen2-Audio, ...; model.text_only=true for one that "
            "reads only text), or download it first where there is a network"
        ) from error
    missing = sorted(found["missing_keys"])
    if missing:  # transformers would go on with random numbers
        raise AnalysisError(
            f"model.path={path}: {len(missing)} weights are not in its files ({missing[0]}, ...): "
            "copy or download the model again"
        )
    return model.eval().requires_grad_(False), processor


def save_model(model: Any, processor: Any, folder: Path, made: Mapping[str, Any]) -> None:
    """Write a model as ``from_pretrained`` reads it, weights in half precision.

    ``config.json`` names the precision that the model has, in which it is opened again.

    Args:
        model: of transformers; left as it is.
        processor: its processor.
        folder: made where it is missing.
        made: how the model was made, for ``made.json``.

    Raises:
        AnalysisError: the folder cannot be written.
    """
    import json

    half = {
        name: value.detach().to("cpu", torch.float16) if value.is_floating_point() else value.cpu()
        for name, value in model.state_dict().items()
    }
    before = model.config.dtype
    try:
        folder.mkdir(parents=True, exist_ok=True)
        model.save_pretrained(folder, state_dict=half)
        processor.save_pretrained(folder)
        (folder / MADE).write_text(json.dumps(dict(made), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise AnalysisError(f"{folder}: cannot be written ({error.strerror})") from error
    finally:
        model.config.dtype = before


class TinyMLLM:
    """The trained LLaVA of half a million parameters that ships with simlearn.

    It answers easy-vqa's questions about a drawn shape, with the picture or with a sentence
    instead; ``made.json`` in its folder says how it was trained.
    """

    @staticmethod
    def load(folder: Path | str | None = None) -> tuple[Any, Any]:
        """``(model, processor)``, in float32 and eval mode.

        Args:
            folder: of another model that ``task=language`` trained (``RUN_DIR/model``).

        Raises:
            AnalysisError: transformers is not installed, or no model is there.
        """
        return open_model(str(SHIPPED if folder is None else folder))
