"""``python -m simlearn.train recipe=NAME [group=option] [key=value]``: the main command."""

from __future__ import annotations

import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simlearn.report import Report

USAGE = """python -m simlearn.train recipe=NAME [group=option] [key=value ...]
    -m                  run every combination of the values in a=1,2
    --config-dir DIR    more recipes (DIR/NAME.yaml) and options (DIR/<group>/<option>.yaml)
    --cfg job           print the composed configuration and stop
    resume=RUN_DIR      go on with an interrupted run
Recipes: python -m simlearn list"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run from a command line.

    Returns:
        0 done, 1 the run failed, 2 the command or configuration is wrong, 130 interrupted.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or {"-h", "--help"} & set(words):
        print(USAGE)
        return 0 if words else 2
    from simlearn.config.errors import ConfigError
    from simlearn.trainer.interrupt import Interrupted

    try:
        return _run(words)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    except Interrupted as error:
        print(f"\n{error}", file=sys.stderr)
        return 130
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130
    except Exception as error:
        if not _expected(error):
            raise
        print(f"error: {error}", file=sys.stderr)
        return 1


def _run(words: list[str]) -> int:
    from simlearn.config.compose import compose
    from simlearn.config.sweep import expand_sweep
    from simlearn.runner import execute, targets

    _quiet()
    options, overrides = _options(words)
    dirs = [Path(d).expanduser() for d in options["--config-dir"]]
    if any(w.startswith("resume=") for w in overrides):
        return _resume(options, overrides, dirs)
    runs = expand_sweep(overrides) if options["-m"] else [overrides]
    show = bool(options["--cfg"])
    composed = [compose(words, targets(), config_dirs=dirs, allow_missing=show) for words in runs]
    for note in dict.fromkeys(note for one in composed for note in one.notes):
        print(note, file=sys.stderr)
    if show:
        print("---\n".join(one.text for one in composed), end="")
        return 0
    _check_run_dirs([one.config.run_dir for one in composed])
    for number, one in enumerate(composed, start=1):
        if len(composed) > 1:
            print(f"run {number} of {len(composed)}: {' '.join(runs[number - 1])}")
        _tell(execute(one))
    return 0


def _check_run_dirs(folders: list[str | None]) -> None:
    from simlearn.config.errors import ConfigError

    given = [folder for folder in folders if folder is not None]
    if len(set(given)) < len(given):
        raise ConfigError(
            f"run_dir={given[0]}: the runs of a sweep would share it. Leave it out, or let it "
            "depend on what differs: 'run_dir=outputs/mine/${seed}'"
        )


def _resume(options: dict[str, list[str]], overrides: list[str], dirs: list[Path]) -> int:
    from simlearn.config.errors import ConfigError
    from simlearn.config.run_config import load_run_config
    from simlearn.runner import resume, targets

    folders = [w.removeprefix("resume=") for w in overrides if w.startswith("resume=")]
    rest = [w for w in overrides if not w.startswith("resume=")]
    if options["-m"] or len(folders) > 1:
        raise ConfigError("resume= goes on with one run: leave out -m and name one folder")
    folder = Path(folders[0]).expanduser()
    if options["--cfg"]:
        print(load_run_config(folder, rest, targets(), config_dirs=dirs).text, end="")
        return 0
    report = resume(folder, rest, config_dirs=dirs)
    if report is None:
        ignored = f" ({' '.join(rest)} has no effect)" if rest else ""
        print(f"{folder}: this run is finished{ignored}; its report: {folder / 'report.html'}")
        return 0
    _tell(report)
    return 0


def _options(words: list[str]) -> tuple[dict[str, list[str]], list[str]]:
    from simlearn.config.errors import ConfigError

    options: dict[str, list[str]] = {"-m": [], "--config-dir": [], "--cfg": []}
    rest, queue = [], list(words)
    while queue:
        word = queue.pop(0)
        name, _, value = word.partition("=")
        if word in ("-m", "--multirun"):
            options["-m"].append(word)
        elif name in ("--config-dir", "--cfg"):
            if not value and not queue:
                raise ConfigError(f"{name} needs a value\n{USAGE}")
            options[name].append(value or queue.pop(0))
            if name == "--cfg" and options[name] != ["job"]:
                raise ConfigError(f"--cfg takes the word job, found {options[name][-1]}")
        elif word.startswith("-"):
            raise ConfigError(f"unknown option {word}\n{USAGE}")
        else:
            rest.append(word)
    return options, rest


def _tell(report: Report) -> None:
    from simlearn.tasks.summary import summary_lines

    print("\n".join(summary_lines(report)))


def _expected(error: Exception) -> bool:
    """Whether a user can mend it: our own errors, and a ValueError that our own code raised."""
    from simlearn.data.errors import DataError
    from simlearn.learners.health import TrainingStopped
    from simlearn.trainer.checkpoint import CheckpointError

    if isinstance(error, DataError | CheckpointError | TrainingStopped | OSError):
        return True
    where = traceback.extract_tb(error.__traceback__)[-1].filename
    return isinstance(error, ValueError) and Path(where).is_relative_to(Path(__file__).parent)


def _quiet() -> None:
    """Keep Lightning's advice about loaders and devices out of the way of the progress line."""
    import logging

    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module="pytorch_lightning")
    warnings.filterwarnings("ignore", module="torch.optim.lr_scheduler")


if __name__ == "__main__":
    sys.exit(main())
