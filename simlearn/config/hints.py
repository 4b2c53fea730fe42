"""Does a value of the configuration fit a type hint, and the value as the constructor wants it."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from simlearn.config.closest import did_you_mean

_SCALARS = (int, float, bool, str, Path, type(None))
_TUPLES = (tuple,)
_LISTS = (list, Sequence, Iterable)
_DICTS = (dict, Mapping)


def type_fault(value: Any, hint: Any) -> str | None:
    """What is wrong with ``value`` under ``hint``, or None when it fits.

    Whole numbers fit ``float``; True and False fit only ``bool``; text fits ``Path``; a list fits
    ``list``, ``Sequence`` and (with the right length) ``tuple``; text keys fit ``dict``. A hint
    that is no plain type (a module, a generator) is fitted by nothing, except None in a union.

    Returns:
        ``"expected float, found the text 'abc'"``, for a Literal with the choices and the closest
        word, or None.
    """
    if fits(value, hint):
        return None
    choices = _choices(hint)
    if choices and isinstance(value, str):
        words = [choice for choice in choices if isinstance(choice, str)]
        return f"expected {describe(hint)}, found {shown(value)}.{did_you_mean(value, words)}"
    quote = " (quote it to make it text)" if _takes_text(hint) and _is_number(value) else ""
    return f"expected {describe(hint)}, found {shown(value)}{quote}"


def misfit(value: Any, hint: Any) -> tuple[tuple[str, ...], str] | None:
    """Where inside a mapping the first value does not fit, and :func:`type_fault` of it.

    Returns:
        ``(("train",), "expected float, ...")``; the path is empty when ``value`` itself does not
        fit; None when all fits.
    """
    fault = type_fault(value, hint)
    if fault is None:
        return None
    for arm in _arms(hint):
        item_hints = get_args(arm)
        if (get_origin(arm) or arm) in _DICTS and isinstance(value, Mapping) and item_hints:
            for key, item in value.items():
                inner = misfit(item, item_hints[1]) if isinstance(key, str) else None
                if inner is not None:
                    return (key, *inner[0]), inner[1]
    return (), fault


def fits(value: Any, hint: Any) -> bool:
    """Whether ``value`` (None, bool, int, float, text, list, mapping) may be given for ``hint``."""
    hint, origin = _unwrap(hint)
    if hint is Any or hint is object or isinstance(hint, TypeVar):
        return True
    if origin is Union or origin is types.UnionType:
        return any(fits(value, arm) for arm in get_args(hint))
    if origin is Literal:
        return any(type(value) is type(choice) and value == choice for choice in get_args(hint))
    if hint in _SCALARS or hint is None:
        return _fits_scalar(value, hint)
    return _fits_container(value, hint, origin or hint)


def convert(value: Any, hint: Any) -> Any:
    """``value`` as the constructor wants it: tuples, paths (``~`` expanded) and floats made.

    The first arm of a union that fits decides, exact matches before whole numbers as floats.
    ``value`` must fit ``hint`` (see :func:`type_fault`); what does not is returned as it is.
    """
    hint, origin = _unwrap(hint)
    if origin is Union or origin is types.UnionType:
        return convert(value, _best_arm(value, get_args(hint)))
    if hint is float and type(value) is int:
        return float(value)
    if hint is Path and isinstance(value, str):
        return Path(value).expanduser()
    kind = origin or hint
    if isinstance(value, list) and kind in (*_TUPLES, *_LISTS):
        arms = _item_hints(hint, len(value))
        items = [convert(item, arm) for item, arm in zip(value, arms, strict=False)]
        return tuple(items) if kind in _TUPLES else items
    if isinstance(value, Mapping) and kind in _DICTS:
        arm = (get_args(hint) or (Any, Any))[1]
        return {key: convert(item, arm) for key, item in value.items()}
    return value


def describe(hint: Any) -> str:
    """A type hint in the words of a message: ``"float or null"``, ``"one of 'all', 'hard'"``."""
    hint, origin = _unwrap(hint)
    if origin is Union or origin is types.UnionType:
        return " or ".join(dict.fromkeys(describe(arm) for arm in get_args(hint)))
    if origin is Literal:
        return "one of " + ", ".join(repr(choice) for choice in get_args(hint))
    if hint is type(None) or hint is None:
        return "null"
    if hint is str:
        return "text"
    if hint is Path:
        return "a path"
    if origin in _TUPLES and get_args(hint):
        return _describe_tuple(get_args(hint))
    if origin is not None and get_args(hint):
        kind = "mapping" if origin in _DICTS else "list"
        return f"{kind} of {describe(get_args(hint)[-1])}"
    if hint in _DICTS:
        return "mapping"
    return "list" if hint in (*_TUPLES, *_LISTS) else getattr(hint, "__name__", str(hint))


def shown(value: Any) -> str:
    """A value in the words of a message, cut to about 60 characters."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    text = text if len(text) <= 60 else text[:57] + "..."
    names = {str: "the text", int: "the whole number", float: "the number", list: "the list"}
    return f"{names.get(type(value), 'the mapping' if isinstance(value, Mapping) else '')} {text}"


def _unwrap(hint: Any) -> tuple[Any, Any]:
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    return hint, get_origin(hint)


def _fits_scalar(value: Any, hint: Any) -> bool:
    if hint is None or hint is type(None):
        return value is None
    if hint is float:
        return type(value) in (int, float)
    return type(value) is (str if hint is Path else hint)


def _fits_container(value: Any, hint: Any, kind: Any) -> bool:
    if kind in _DICTS:
        arm = (get_args(hint) or (Any, Any))[1]
        return isinstance(value, Mapping) and all(
            isinstance(key, str) and fits(item, arm) for key, item in value.items()
        )
    if kind not in (*_TUPLES, *_LISTS) or not isinstance(value, list):
        return False
    arms = _item_hints(hint, len(value))
    return len(arms) == len(value) and all(map(fits, value, arms))


def _item_hints(hint: Any, length: int) -> list[Any]:
    """The hint of every item of a list of this length; of another length for a fixed tuple."""
    args = get_args(hint)
    if get_origin(hint) in _TUPLES and args and args[-1] is not Ellipsis:
        return list(args)
    return [args[0] if args else Any] * length


def _best_arm(value: Any, arms: tuple[Any, ...]) -> Any:
    fitting = [arm for arm in arms if fits(value, arm)]
    exact = [arm for arm in fitting if arm is type(value)]
    return (exact or fitting or [Any])[0]


def _describe_tuple(args: tuple[Any, ...]) -> str:
    if args[-1] is Ellipsis:
        return f"list of {describe(args[0])}"
    return f"list of {len(args)}: " + ", ".join(describe(arm) for arm in args)


def _arms(hint: Any) -> list[Any]:
    """The alternatives of a hint, however its unions are nested."""
    hint, origin = _unwrap(hint)
    if origin is Union or origin is types.UnionType:
        return [part for arm in get_args(hint) for part in _arms(arm)]
    return [hint]


def _choices(hint: Any) -> list[Any]:
    """What a hint lists one by one."""
    literals = [arm for arm in _arms(hint) if get_origin(arm) is Literal]
    return [choice for arm in literals for choice in get_args(arm)]


def _takes_text(hint: Any) -> bool:
    return any(arm is str or arm is Path for arm in _arms(hint))


def _is_number(value: Any) -> bool:
    return isinstance(value, bool | int | float)
