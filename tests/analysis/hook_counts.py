"""How many hooks every module of a model has, to see that none is left."""

from __future__ import annotations


def hook_counts(model):
    """``{module: (forward hooks, pre-hooks)}``; run the model before it, as it adds its own."""
    return {
        name: (len(m._forward_hooks), len(m._forward_pre_hooks))
        for name, m in model.named_modules()
    }
