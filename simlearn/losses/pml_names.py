"""Classes of pytorch-metric-learning (PML, Musgrave et al. 2020) by their exact names."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any, Literal

import torch

Kind = Literal["loss", "miner", "distance", "reducer"]
Plain = int | float | bool | str | None

_REASONS = {
    "it is a base class": "BaseMetricLossFunction BaseMiner BaseDistance BaseReducer",
    "it is no loss of its own": "GenericPairLoss MultipleLosses",
    "it takes no labels": "ManifoldLoss VICRegLoss EmbeddingsAlreadyPackagedAsTriplets",
    "it wraps another one": "CrossBatchMemory SelfSupervisedLoss BatchedDistance",
    "it gives no scalar": "DoNothingReducer",
    "it needs other objects": "MultipleReducers ClassWeightedReducer",
    "it needs a threshold": "ThresholdReducer",
}
LEFT_OUT = {name: reason for reason, names in _REASONS.items() for name in names.split()}
"""What PML exports and a name here cannot stand for."""
EMBEDDING_SIZE = ("embedding_size", "descriptors_dim")
"""What PML's losses with class weights call d."""
SUPPLIED = {
    *("distance", "reducer", "num_classes", "mat_based_loss", "collect_stats", *EMBEDDING_SIZE),
    *("embedding_regularizer", "embedding_reg_weight"),
    *("weight_regularizer", "weight_reg_weight", "weight_init_func"),
}
"""Constructor arguments that are no plain values, or that are given in another way."""


def pml_classes(kind: Kind) -> dict[str, type[Any]]:
    """The losses, miners, distances or reducers that PML exports, by exact class name.

    Derived from PML's public modules: the subclasses of the base class, less :data:`LEFT_OUT`.
    """
    from pytorch_metric_learning import distances, losses, miners, reducers

    module, base = {
        "loss": (losses, losses.BaseMetricLossFunction),
        "miner": (miners, miners.BaseMiner),
        "distance": (distances, distances.BaseDistance),
        "reducer": (reducers, reducers.BaseReducer),
    }[kind]
    exported = {name: thing for name, thing in vars(module).items() if inspect.isclass(thing)}
    return {
        name: thing
        for name, thing in sorted(exported.items())
        if issubclass(thing, base) and name == thing.__name__ and name not in LEFT_OUT
    }


def pml_class(kind: Kind, name: str) -> type[Any]:
    """One class of :func:`pml_classes`; nothing is imported by ``name``.

    Raises:
        ValueError: no such name, with the closest ones and all there are.
    """
    known = pml_classes(kind)
    if name in known:
        return known[name]
    folded = {word.casefold(): word for word in known}
    close = [folded[word] for word in get_close_matches(str(name).casefold(), folded, cutoff=0.5)]
    hint = f" Did you mean {' or '.join(close)}?" if close else ""
    text = f"PML has no {kind} {name!r}.{hint}"
    if name in LEFT_OUT:
        text = f"PML's {name} cannot be a {kind} here: {LEFT_OUT[name]}."
    raise ValueError(f"{text} There are: {', '.join(known)}")


def pml_parameters(kind: type[Any]) -> dict[str, bool]:
    """Every argument of a PML constructor -> whether it is required.

    PML hands ``**kwargs`` on to its base classes, so their arguments count too.
    """
    found: dict[str, bool] = {}
    for base in kind.__mro__:
        if "__init__" not in vars(base):
            continue
        parameters = list(inspect.signature(vars(base)["__init__"]).parameters.values())[1:]
        for p in parameters:
            if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY):
                found.setdefault(p.name, p.default is p.empty)
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return found


def pml_object(
    kind: Kind, name: str, arguments: Mapping[str, Plain] | None = None, **more: Any
) -> Any:
    """Construct a class of PML by its exact name.

    ``arguments`` are plain values, checked against the constructor; ``more`` is what the program
    supplies, None left out.

    Raises:
        ValueError: an unknown name or argument, one that is missing, or a value that PML refuses.
    """
    found = pml_class(kind, name)
    takes = pml_parameters(found)
    given = dict(arguments or {})
    for key, value in given.items():
        if key not in takes or key in SUPPLIED:
            known = ", ".join(sorted(takes.keys() - SUPPLIED)) or "none"
            raise ValueError(f"{name} has no plain argument {key!r}; there are: {known}")
        if not isinstance(value, int | float | bool | str | None):
            raise ValueError(f"{name}: {key} must be a plain value, found {type(value).__name__}")
    missing = [key for key, need in takes.items() if need and key not in {*given, *SUPPLIED}]
    if missing:
        raise ValueError(f"{name} needs {', '.join(missing)}: give them in arguments")
    try:
        return found(**given, **{k: v for k, v in more.items() if v is not None})
    except (TypeError, ValueError, AssertionError) as error:
        raise ValueError(f"{name}: {error or 'PML refuses these arguments'}") from error


@contextmanager
def drawing_from(generator: torch.Generator, device: torch.device) -> Iterator[None]:
    """Let PML's global draws come from ``generator``.

    Inside, torch's global generators of the CPU and of ``device`` are seeded by one draw of
    ``generator``; afterwards they are as they were. Those of other devices are not touched, and
    neither is ``generator`` where nothing was drawn.
    """
    untouched = generator.get_state()
    seed = int(torch.randint(2**63 - 1, (), generator=generator, device=generator.device))
    cuda = device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if cuda else []):
        torch.default_generator.manual_seed(seed)
        if cuda:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        begin = torch.get_rng_state(), torch.cuda.get_rng_state(device) if cuda else torch.empty(0)
        try:
            yield
        except BaseException:
            generator.set_state(untouched)
            raise
        end = torch.get_rng_state(), torch.cuda.get_rng_state(device) if cuda else torch.empty(0)
    if all(map(torch.equal, begin, end)):
        generator.set_state(untouched)
