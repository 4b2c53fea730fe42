"""Small multimodal language models built from transformers' own configurations."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from simlearn.analysis.word_tokenizer import word_tokenizer

MAY_BE_ZERO = ("encoder_steps", "encoder_factor")
MEAN, STD = 0.5, 0.25
"""Of pixels in [0, 1], for all tiny models."""
VISION_MARKS = ("<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>")
AUDIO_MARKS = ("<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>")
"""Special tokens by the names that the released models of the same family give them."""


@dataclass(frozen=True, kw_only=True)
class TinyModel(ABC):
    """What the tiny models have in common; the defaults are those of the one that ships.

    Args:
        hidden: width of the language model.
        intermediate: neurons of each of its layers.
        layers: its layers.
        heads: attention heads of a layer.
        encoder_hidden: width of the encoder.
        encoder_intermediate: neurons of each of its layers.
        encoder_layers: its layers.
        encoder_heads: attention heads of its layers.
        encoder_steps: optimiser steps in which the encoder alone learns, before everything does; 0
            for none.
        encoder_lr: highest learning rate of these steps.
        encoder_factor: what its learning rate is multiplied by when everything learns.

    Raises:
        ValueError: a number out of its range, or heads that do not divide the width into even
            parts.
    """

    place: ClassVar[str]
    """Token that stands for a picture or sound in a prompt."""

    hidden: int = 96
    intermediate: int = 288
    layers: int = 3
    heads: int = 4
    encoder_hidden: int = 64
    encoder_intermediate: int = 128
    encoder_layers: int = 2
    encoder_heads: int = 4
    encoder_steps: int = 2500
    encoder_lr: float = 1.2e-3
    encoder_factor: float = 0.25

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            least = 0 if name in MAY_BE_ZERO else 1
            if name == "encoder_lr":
                if not 0 < value < float("inf"):
                    raise ValueError(f"model.encoder_lr is {value}, must be above 0")
            elif not value >= least:
                raise ValueError(f"model.{name} is {value}, must be at least {least}")
        for width, heads in (("hidden", "heads"), ("encoder_hidden", "encoder_heads")):
            if getattr(self, width) % (2 * getattr(self, heads)):
                raise ValueError(
                    f"model.{width} is {getattr(self, width)}, must be a multiple of twice "
                    f"model.{heads} ({getattr(self, heads)})"
                )

    @property
    @abstractmethod
    def tokens(self) -> int:
        """Tokens of one picture or sound."""

    @abstractmethod
    def build(self, words: Sequence[str], *, seed: int) -> tuple[Any, Any]:
        """An untrained model and its processor.

        Args:
            words: vocabulary beside the special tokens.
            seed: of the weights.

        Returns:
            (model in eval mode, processor), as ``from_pretrained`` would give them.
        """

    def _text(self, size: int) -> dict[str, Any]:
        """Configuration of the language model for ``size`` tokens."""
        return {
            "vocab_size": size,
            "hidden_size": self.hidden,
            "intermediate_size": self.intermediate,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.heads,
            "max_position_embeddings": 256,
            "pad_token_id": 0,
            "bos_token_id": 1,
            "eos_token_id": 2,
        }


def _seeded(kind: Any, config: Any, seed: int) -> Any:
    """A model of ``kind`` with weights drawn from ``seed``, in eval mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = kind(config).eval()
    model.generation_config.pad_token_id = 0
    model.generation_config.eos_token_id = 2
    return model


@dataclass(frozen=True, kw_only=True)
class TinyLlava(TinyModel):
    """LLaVA: a CLIP vision tower, a two-layer projector and a Llama.

    Args:
        side: height and width to which pictures are resized, in pixels.
        patch: side of a patch; a picture has ``(side / patch)^2`` tokens.
    """

    place: ClassVar[str] = "<image>"

    side: int = 48
    patch: int = 8

    @property
    def tokens(self) -> int:
        """Patches of a picture."""
        return (self.side // self.patch) ** 2

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.side % self.patch:
            raise ValueError(f"model.side is {self.side}, no multiple of model.patch {self.patch}")

    def build(self, words: Sequence[str], *, seed: int) -> tuple[Any, Any]:
        """An untrained model and its processor."""
        import transformers as hf

        tokenizer = word_tokenizer(words, marks=["<image>"], place="<image>")
        config = hf.LlavaConfig(
            text_config=hf.LlamaConfig(**self._text(len(tokenizer))),
            vision_config=hf.CLIPVisionConfig(
                hidden_size=self.encoder_hidden,
                intermediate_size=self.encoder_intermediate,
                num_hidden_layers=self.encoder_layers,
                num_attention_heads=self.encoder_heads,
                image_size=self.side,
                patch_size=self.patch,
                initializer_factor=4.0,
            ),
            image_token_index=tokenizer.get_vocab()["<image>"],
            image_seq_length=(self.side // self.patch) ** 2,
            vision_feature_layer=-1,
            vision_feature_select_strategy="default",
        )
        processor = hf.LlavaProcessor(
            image_processor=hf.CLIPImageProcessor(
                do_resize=True,
                size={"height": self.side, "width": self.side},
                do_center_crop=False,
                image_mean=[MEAN] * 3,
                image_std=[STD] * 3,
            ),
            tokenizer=tokenizer,
            patch_size=self.patch,
            vision_feature_select_strategy="default",
            num_additional_image_tokens=1,
            chat_template=tokenizer.chat_template,
        )
        return _seeded(hf.LlavaForConditionalGeneration, config, seed), processor


@dataclass(frozen=True, kw_only=True)
class TinyQwen2VL(TinyModel):
    """Qwen2-VL: a vision tower with rotary positions, a merger and a Qwen2.

    Args:
        side: height and width to which pictures are resized, in pixels.
        patch: side of a patch; 2 x 2 patches make a token.
    """

    place: ClassVar[str] = "<|image_pad|>"

    side: int = 48
    patch: int = 6

    @property
    def tokens(self) -> int:
        """Blocks of 2 x 2 patches of a picture."""
        return (self.side // self.patch // 2) ** 2

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.side % (2 * self.patch):
            raise ValueError(
                f"model.side is {self.side}, no multiple of twice model.patch {self.patch}"
            )
        if self.encoder_intermediate % self.encoder_hidden:
            raise ValueError(
                f"model.encoder_intermediate is {self.encoder_intermediate}, must be a multiple of "
                f"model.encoder_hidden ({self.encoder_hidden})"
            )
        if self.hidden // self.heads % 8:
            raise ValueError(
                f"model.hidden / model.heads is {self.hidden / self.heads:g}, must be a multiple "
                "of 8: rotary positions in time, height and width share it"
            )

    def build(self, words: Sequence[str], *, seed: int) -> tuple[Any, Any]:
        """An untrained model and its processor."""
        import transformers as hf

        place = "<|vision_start|><|image_pad|><|vision_end|>"
        tokenizer = word_tokenizer(words, marks=VISION_MARKS, place=place)
        ids = tokenizer.get_vocab()
        half = self.hidden // self.heads // 2
        config = hf.Qwen2VLConfig(
            text_config={
                **self._text(len(tokenizer)),
                "rope_parameters": {
                    "rope_type": "default",
                    "rope_theta": 1e4,
                    "mrope_section": [half - 2 * (3 * half // 8), 3 * half // 8, 3 * half // 8],
                },
            },
            vision_config={
                "depth": self.encoder_layers,
                "embed_dim": self.encoder_hidden,
                "hidden_size": self.hidden,
                "num_heads": self.encoder_heads,
                "mlp_ratio": self.encoder_intermediate // self.encoder_hidden,
                "patch_size": self.patch,
                "spatial_merge_size": 2,
                "temporal_patch_size": 2,
                "in_channels": 3,
            },
            image_token_id=ids["<|image_pad|>"],
            video_token_id=ids["<|video_pad|>"],
            vision_start_token_id=ids["<|vision_start|>"],
            vision_end_token_id=ids["<|vision_end|>"],
        )
        images: dict[
            str, Any
        ] = {  # one pixel apart: rounding would leave squares of some sizes larger or smaller
            "min_pixels": self.side**2 - 1,
            "max_pixels": self.side**2 + 1,
            "patch_size": self.patch,
            "merge_size": 2,
            "temporal_patch_size": 2,
            "image_mean": [MEAN] * 3,
            "image_std": [STD] * 3,
        }
        processor = hf.Qwen2VLProcessor(
            image_processor=hf.Qwen2VLImageProcessor(**images),
            tokenizer=tokenizer,
            video_processor=hf.Qwen2VLVideoProcessor(**images),
            chat_template=tokenizer.chat_template,
        )
        return _seeded(hf.Qwen2VLForConditionalGeneration, config, seed), processor


@dataclass(frozen=True, kw_only=True)
class TinyQwen2Audio(TinyModel):
    """Qwen2-Audio: a Whisper-like encoder over mel frames, a projector and a Qwen2.

    Args:
        mels: mel bands.
        frames: mel frames of 10 ms, an even number; a sound has a quarter as many tokens.
        rate: samples a second.
    """

    place: ClassVar[str] = "<|AUDIO|>"

    encoder_steps: int = 800
    mels: int = 40
    frames: int = 64
    rate: int = 8000

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.frames % 2 or self.frames < 4:
            raise ValueError(f"model.frames is {self.frames}, must be an even number, 4 or more")

    @property
    def tokens(self) -> int:
        """A quarter of the mel frames."""
        return ((self.frames - 1) // 2 + 1 - 2) // 2 + 1

    def build(self, words: Sequence[str], *, seed: int) -> tuple[Any, Any]:
        """An untrained model and its processor."""
        import transformers as hf

        place = "<|audio_bos|><|AUDIO|><|audio_eos|>"
        tokenizer = word_tokenizer(words, marks=AUDIO_MARKS, place=place)
        config = hf.Qwen2AudioConfig(
            text_config={"model_type": "qwen2", **self._text(len(tokenizer))},
            audio_config={
                "model_type": "qwen2_audio_encoder",
                "d_model": self.encoder_hidden,
                "encoder_layers": self.encoder_layers,
                "encoder_attention_heads": self.encoder_heads,
                "encoder_ffn_dim": self.encoder_intermediate,
                "num_mel_bins": self.mels,
                "max_source_positions": self.frames // 2,
            },
            audio_token_index=tokenizer.get_vocab()["<|AUDIO|>"],
        )
        processor = hf.Qwen2AudioProcessor(
            feature_extractor=hf.WhisperFeatureExtractor(
                feature_size=self.mels,
                sampling_rate=self.rate,
                hop_length=self.rate // 100,
                n_fft=self.rate // 20,
                chunk_length=self.frames / 100,
            ),
            tokenizer=tokenizer,
            chat_template=tokenizer.chat_template,
        )
        return _seeded(hf.Qwen2AudioForConditionalGeneration, config, seed), processor
