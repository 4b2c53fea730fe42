"""``-m``: one command line with several values becomes several command lines."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, product

from simlearn.config.errors import ConfigError
from simlearn.config.overrides import named, parse_override

MAX_VALUES = 10_000


def expand_sweep(overrides: Sequence[str]) -> list[list[str]]:
    """Every combination of the values, the first override varying slowest.

    Hydra's sweep syntax: ``seed=0,1``, ``loss=choice(triplet,angular)``, ``seed=range(0,5)``.

    Args:
        overrides: as written on the command line; those with one value stay as they are.

    Returns:
        One list of overrides per run; one run without any sweep, also for no override at all.

    Raises:
        ConfigError: an override that cannot be read, or a sweep that cannot be counted out in a
            fixed order (``glob``, ``interval``, ``shuffle``); all such faults at once.
    """
    values: list[list[str]] = []
    faults: list[str] = []
    for text in overrides:
        try:
            values.append(_values(text))
        except ValueError as error:
            faults.append(str(error))
    if faults:
        raise ConfigError(faults)
    return [list(run) for run in product(*values)]


def _values(text: str) -> list[str]:
    from hydra.core.override_parser.types import Glob

    override = parse_override(text)
    if not override.is_sweep_override():
        return [text]
    sweep = override._value  # the only place where Hydra keeps shuffle and glob
    if not override.is_discrete_sweep() or isinstance(sweep, Glob):
        raise ValueError(
            f"{named(text)}: this sweep cannot be counted out; list the values: a=1,2,3"
        )
    if getattr(sweep, "shuffle", False):
        raise ValueError(f"{named(text)}: shuffled sweeps are not repeatable; list the values")
    listed = list(islice(override.sweep_string_iterator(), MAX_VALUES + 1))
    if not listed:
        raise ValueError(f"{named(text)}: the sweep is empty")
    if len(listed) > MAX_VALUES:
        raise ValueError(f"{named(text)}: more than {MAX_VALUES} values")
    return [f"{override.get_key_element()}={value}" for value in listed]
