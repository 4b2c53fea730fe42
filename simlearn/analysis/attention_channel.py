"""Overhear the queries and keys of a model's attention while its own kernel does the work.

Switching a model to "eager" attention to read its weights changes its results. Here the kernel
stays: transformers' registry of attention functions gets one more entry per kernel, which calls
that kernel with the arguments it was given and then hands queries and keys to a listener.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from simlearn.analysis.attention_call import AttentionCall
from simlearn.analysis.errors import AnalysisError

if TYPE_CHECKING:
    from simlearn.analysis.adapter import ModelAdapter

PREFIX = "simlearn_probe_"
LISTENER = "simlearn_attention_listener"
"""Keyword by which the listener travels from an attention module to the registered function."""
CHANGES = ("softcap", "s_aux", "position_bias")
"""Arguments of kernels whose weights are no plain softmax of scaled products."""

Listener = Callable[[AttentionCall], None]


class AttentionChannel:
    """While it is entered, a listener hears every attention call of the decoder; a context manager.

    The kernel and its arguments stay what they are, so logits do not change by a bit. On leaving,
    also by an exception, configuration and modules are as before.

    Args:
        adapter: of the model.
        listener: called after each layer's attention, before the layer goes on.
    """

    def __init__(self, adapter: ModelAdapter, listener: Listener) -> None:
        self.adapter, self.listener = adapter, listener
        self._stack = ExitStack()

    def __enter__(self) -> AttentionChannel:
        sites = self.adapter.sites("text", "attn_out")
        modules: list[Any] = [self.adapter.decoder, *(site.module for site in sites)]
        configs = {id(m.config): m.config for m in modules if hasattr(m, "config")}
        with ExitStack() as stack:
            for config in configs.values():
                kernel = config._attn_implementation
                if kernel is None or kernel.startswith(PREFIX):
                    raise AnalysisError(
                        f"the decoder's attention kernel is {kernel}: one attention probe at a time"
                    )
                key = register_probe(kernel)
                stack.callback(setattr, config, "_attn_implementation", kernel)
                config._attn_implementation = key
            for site in sites:
                hook = site.module.register_forward_pre_hook(
                    _Telling(site.layer, self.listener), with_kwargs=True
                )
                stack.callback(hook.remove)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()


class _Telling:
    """Pre-hook of one attention module: sends layer and listener along as a keyword."""

    def __init__(self, layer: int, listener: Listener) -> None:
        self.pair = (layer, listener)

    def __call__(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return args, {**kwargs, LISTENER: self.pair}


def register_probe(kernel: str) -> str:
    """Enter the listening twin of a kernel and of its masks into transformers' registries.

    Args:
        kernel: "sdpa", "eager", "flash_attention_2", ...

    Returns:
        The twin's name. Without a listener it is the kernel itself, so that it may stay there.

    Raises:
        AnalysisError: transformers makes no masks for this kernel.
    """
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS

    name = PREFIX + kernel
    if kernel not in ALL_MASK_ATTENTION_FUNCTIONS:
        raise AnalysisError(
            f"attention kernel {kernel!r} cannot be listened to: load the model with "
            'attn_implementation="sdpa"'
        )
    AttentionMaskInterface.register(name, ALL_MASK_ATTENTION_FUNCTIONS[kernel])

    def listening(
        module: nn.Module,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attention_mask: Any,
        **kwargs: Any,
    ) -> Any:
        """The kernel, and then the listener."""
        told = kwargs.pop(LISTENER, None)
        out = _kernel_function(kernel, module)(module, query, key, value, attention_mask, **kwargs)
        if told is not None:
            layer, listener = told
            changed = [name for name in CHANGES if kwargs.get(name) is not None]
            if changed:
                raise AnalysisError(
                    f"{type(module).__name__} uses {', '.join(changed)}, which the attention probe "
                    'does not compute: use attn="none"'
                )
            scaling = kwargs.get("scaling")
            causal = kwargs.get("is_causal")
            listener(
                AttentionCall(
                    layer=layer,
                    query=query,
                    key=key,
                    mask=attention_mask,
                    scaling=query.shape[-1] ** -0.5 if scaling is None else scaling,
                    causal=getattr(module, "is_causal", True) if causal is None else causal,
                    window=kwargs.get("sliding_window"),
                )
            )
        return out

    AttentionInterface.register(name, listening)
    return name


def _kernel_function(kernel: str, module: nn.Module) -> Callable[..., Any]:
    """The function that the module itself would have called."""
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    if kernel in ALL_ATTENTION_FUNCTIONS:
        return ALL_ATTENTION_FUNCTIONS[kernel]
    forward = inspect.unwrap(type(module).forward)
    eager = getattr(sys.modules[forward.__module__], "eager_attention_forward", None)
    if eager is None:
        raise AnalysisError(
            f"{type(module).__name__} has its own {kernel} attention: load the model with "
            'attn_implementation="sdpa"'
        )
    return eager
