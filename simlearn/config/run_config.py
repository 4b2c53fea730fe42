"""The configuration of a run, kept in its folder and read again by ``resume=``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simlearn.config.catalogue import Catalogue, open_catalogue
from simlearn.config.chain import read_chain
from simlearn.config.closest import did_you_mean, listing
from simlearn.config.compose import Composed, finish, to_yaml
from simlearn.config.errors import ConfigError
from simlearn.config.layers import Layers
from simlearn.config.overrides import Assignment, parse_overrides
from simlearn.config.recipe_layers import own_values
from simlearn.config.targets import Targets
from simlearn.config.yaml_file import YamlFile, read_yaml
from simlearn.config.yaml_text import dump_yaml

CONFIG, RECIPE = "config.yaml", "recipe.yaml"
ENDPOINT = (
    *("base_url", "key_env", "concurrency", "timeout_s", "retries", "backoff_s"),
    *("max_cost", "price_in", "price_out", "batch_size"),
)
"""How an endpoint is reached, how much at once, and what it may cost: no reply depends on it."""


def save_run_config(composed: Composed, run_dir: Path) -> None:
    """Write ``config.yaml`` (unresolved) and ``recipe.yaml`` (recipe, choices, card) into a run.

    Both are written whole or not at all.

    Args:
        composed: what the run is made from.
        run_dir: the run's folder; made if it is not there.

    Raises:
        OSError: the folder cannot be written.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    beside = {"recipe": composed.recipe, "choices": composed.choices, "card": composed.card}
    _write(run_dir / RECIPE, dump_yaml(beside))
    _write(run_dir / CONFIG, composed.text)


def load_run_config(
    run_dir: Path,
    overrides: Sequence[str],
    targets: Targets,
    *,
    config_dirs: Sequence[Path] = (),
    shipped: tuple[Path, Path] | None = None,
) -> Composed:
    """The configuration of a run that is to go on.

    Args:
        run_dir: a folder that :func:`save_run_config` has written.
        overrides: ``trainer.KEY=VALUE``, ``logger=OPTION``, ``logger.KEY=VALUE``, or
            ``endpoint.KEY=VALUE`` of a key in ``ENDPOINT``; nothing else may change in a run.
        targets: the allow-list; the stored configuration is checked like any other.
        config_dirs: where further ``logger`` options stand.
        shipped: the package's ``(configs, recipes)``; looked for when not given.

    Returns:
        The stored configuration with the overrides.

    Raises:
        ConfigError: no run there, a broken file, an override that a run does not take, or any
            fault of the result; all at once.
    """
    file, beside = _stored(Path(run_dir))
    assignments, faults = parse_overrides(overrides)
    catalogue = open_catalogue(config_dirs, shipped)
    layers, choices = Layers(), dict(beside.get("choices") or {})
    layers.lay_file(file, file.data, into="")
    for item in assignments:
        faults += _apply(layers, choices, item, catalogue)
    config, more = finish(layers, targets)
    if faults or more:
        raise ConfigError([*faults, *more])
    name = beside.get("recipe")
    card = dict(beside.get("card") or {})
    return Composed(name if name is None else str(name), card, config, choices, to_yaml(config))


def _stored(run_dir: Path) -> tuple[YamlFile, dict[str, Any]]:
    if not (run_dir / CONFIG).is_file():
        raise ConfigError(
            f"resume={run_dir}: there is no {CONFIG} in this folder; give the folder of a run, "
            "such as outputs/RECIPE/DATE_TIME_SEED"
        )
    beside = read_yaml(run_dir / RECIPE) if (run_dir / RECIPE).is_file() else None
    data = beside.data if beside else {}
    for key in ("choices", "card"):
        if not isinstance(data.get(key, {}), dict | None):
            raise ConfigError(f"{run_dir / RECIPE}: '{key}' must be a mapping")
    return read_yaml(run_dir / CONFIG), data


def _apply(
    layers: Layers, choices: dict[str, Any], item: Assignment, catalogue: Catalogue
) -> list[str]:
    """Lay one override over the stored configuration; its faults."""
    if item.path == ("logger",):
        return _swap_logger(layers, choices, item, catalogue)
    reached = len(item.path) == 2 and item.path[0] == "endpoint" and item.path[1] in ENDPOINT
    if reached or (len(item.path) > 1 and item.path[0] in ("trainer", "logger")):
        fault = layers.assign(item.path, item.value, item.origin)
        return [fault] if fault else []
    return [
        f"{item.origin}: a resumed run keeps its configuration; only trainer.KEY=VALUE, "
        "logger=OPTION, logger.KEY=VALUE and how an endpoint is reached (endpoint."
        f"{', '.join(ENDPOINT)}) may be given. Start a new run to change the rest"
    ]


def _swap_logger(
    layers: Layers, choices: dict[str, Any], item: Assignment, catalogue: Catalogue
) -> list[str]:
    layers.assign(("logger",), None, item.origin)
    choices.pop("logger", None)
    if item.value is None:
        return []
    there = catalogue.options("logger")
    if item.value not in there:
        close = did_you_mean(str(item.value), there)
        return [f"{item.origin}: no such option.{close} Options: {listing(there)}"]
    chain = read_chain(there[item.value], there, overrides=False)
    choices["logger"] = item.value
    for file in chain.files:
        layers.lay_file(file, own_values(file), into="logger")
    return chain.faults


def _write(path: Path, text: str) -> None:
    """Atomic: a temporary file, fsync, rename."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with temporary.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
