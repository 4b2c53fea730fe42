"""What a run has asked, kept beside its replies, so that a replay can tell whether they fit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simlearn.analysis.errorradar.error_protocol import ErrorRadar
from simlearn.analysis.errors import AnalysisError
from simlearn.report.files import write_json_atomic
from simlearn.report.wording import one_line

PROTOCOL = "protocol.json"
REPLIES = "responses.jsonl"
_SETTINGS = {
    "style": "evaluation.style",
    "tell_step": "evaluation.tell_step",
    "images": "evaluation.images",
    "none_allowed": "data.correct",
}
"""What makes other prompts, and the setting that it comes from."""


def keep_protocol(
    folder: Path, shared: Mapping[str, object], protocol: ErrorRadar
) -> dict[str, object]:
    """Write what is asked into a run's folder, before anything is asked.

    Args:
        folder: of the run.
        shared: problems and prompts, see ``run_protocol``.
        protocol: tells whether figures are sent.

    Returns:
        What was written: plain JSON values.
    """
    kept = json.loads(json.dumps({**shared, "images": protocol.images}))
    write_json_atomic(folder / PROTOCOL, kept)
    return dict(kept)


def check_replayed(responses: Path, asked: Mapping[str, object]) -> str | None:
    """Compare the prompts that kept replies were given to with those that they are to answer.

    Replies are found by the id of the record alone, and drawn problems of another number or seed
    have the same ids. Replies from elsewhere, without ``protocol.json`` beside them, are not
    checked; neither is which of the two questions is asked: a reply names its own.

    Args:
        responses: a run's folder or its ``responses.jsonl``.
        asked: what :func:`keep_protocol` gives for this run.

    Returns:
        A sentence for the report where the records are not the same any more, such as a part of
        them or with other labels; else ``None``.

    Raises:
        AnalysisError: the replies are about other drawn problems, or about other prompts.
    """
    folder = responses if responses.is_dir() else responses.parent
    if not responses.is_dir() and responses.name != REPLIES:
        return None
    theirs = _read(folder / PROTOCOL)
    for key, setting in _SETTINGS.items():
        if key in theirs and theirs[key] != asked.get(key):
            raise AnalysisError(
                f"endpoint.responses: {str(responses)!r} answers other prompts: {setting} was "
                f"another there. Set it as it is in {folder / 'config.yaml'}"
            )
    if not theirs or theirs.get("data_fingerprint") == asked.get("data_fingerprint"):
        return None
    if "error_problems" in (theirs.get("data"), asked.get("data")):
        key = next((k for k in {**theirs, **asked} if theirs.get(k) != asked.get(k)), "data")
        one, two = (one_line(repr(side.get(key)), 60) for side in (theirs, asked))
        raise AnalysisError(
            f"endpoint.responses: {str(responses)!r} is about other problems: {one_line(key, 40)} "
            f"{one}, this run {two}. Set data as it is in {folder / 'config.yaml'}"
        )
    return (
        "The replies were given to records that are not quite these (another file, another part "
        "of it, or other texts or labels); they are matched by id alone."
    )


def _read(path: Path) -> dict[str, Any]:
    """What was kept; empty where nothing was, or nothing that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
