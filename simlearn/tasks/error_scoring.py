"""From kept replies to rows: what each was read as, beside what is right."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simlearn.analysis.errorradar.category_reply import parse_category
from simlearn.analysis.errorradar.mask_variants import MaskVariant
from simlearn.analysis.errorradar.record import Record
from simlearn.analysis.errorradar.reply_store import ReplyStore
from simlearn.analysis.errorradar.step_reply import parse_step
from simlearn.tasks.error_asking import Questionnaire

Row = dict[str, Any]
MODELS = 20
"""Names of models that are told apart; a server may give itself a new one each time."""


@dataclass
class Usage:
    """What the replies took, as far as it was told.

    Attributes:
        replies: how many there are.
        missing: requests without reply.
        prompt_tokens: of all prompts.
        completion_tokens: of all replies.
        seconds: of all replies, one after the other.
        cut: replies that ended at the most tokens.
        models: what the servers called themselves, with how many replies.
    """

    replies: int = 0
    missing: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    cut: int = 0
    models: dict[str, int] | None = None


def score_record(
    record: Record, replies: Mapping[str, str | None], *, none_allowed: bool = False
) -> Row:
    """One row of results.

    Args:
        record: with what is right.
        replies: text by task ("joint", "step", "category"); ``None`` where there is no reply.
        none_allowed: step 0 is an answer.

    Returns:
        ``id``, ``n_steps``, ``problem_type``, ``gold_step``, ``gold_category``; and of each
        sub-task that was asked ``pred_step``, ``step_rule`` and ``pred_category``,
        ``category_rule``.
    """
    row: Row = {
        "id": record.id,
        "n_steps": record.n_steps,
        "problem_type": record.problem_type,
        "gold_step": record.error_step,
        "gold_category": record.error_category,
    }
    for task, text in replies.items():
        if task in ("joint", "step"):
            step, rule = (
                (None, "no reply")
                if text is None
                else parse_step(text, record.n_steps, none_allowed=none_allowed)
            )
            row |= {"pred_step": step, "step_rule": rule}
        if task in ("joint", "category"):
            category, rule = (None, "no reply") if text is None else parse_category(text)
            row |= {"pred_category": category, "category_rule": rule}
    return row


def scored_rows(
    asked: Questionnaire, store: ReplyStore, variant: MaskVariant | None, usage: Usage
) -> Iterator[Row]:
    """The rows of one mask or none, in the order of the records; ``usage`` is counted up."""
    models = usage.models = {} if usage.models is None else usage.models
    for record in asked.data.records():
        texts: dict[str, str | None] = {}
        for request in asked.about(record, variant):
            if request.key not in store:
                texts[request.task] = None
                usage.missing += 1
                continue
            reply = store.get(request.key)
            texts[request.task] = reply.text
            usage.replies += 1
            usage.prompt_tokens += reply.prompt_tokens
            usage.completion_tokens += reply.completion_tokens
            usage.seconds += reply.seconds
            usage.cut += reply.finish == "length"
            name = reply.model if reply.model in models or len(models) < MODELS else "others"
            models[name] = models.get(name, 0) + 1
        row = score_record(record, texts, none_allowed=asked.data.none_allowed)
        if variant is not None:
            row["variant"] = variant.name
        yield row


def written_rows(rows: Iterable[Row], path: Path) -> Iterator[Row]:
    """Pass rows on and write each into ``path``, which appears whole once all have passed."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row) + "\n")
            yield row
    temporary.replace(path)


def step_right(row: Mapping[str, Any]) -> bool | None:
    """Whether the wrong step was found; ``None`` where it was not asked for."""
    return bool(row["pred_step"] == row["gold_step"]) if "pred_step" in row else None


def rights_of(row: Mapping[str, Any]) -> tuple[bool | None, bool | None]:
    """Step and category of a solution that has a wrong step, to compare models and people by."""
    return (step_right(row) if row["gold_step"] else None, category_right(row))


def category_right(row: Mapping[str, Any]) -> bool | None:
    """Whether the category was named; ``None`` where it is not known or was not asked for."""
    if "pred_category" not in row or row["gold_category"] is None:
        return None
    return bool(row["pred_category"] == row["gold_category"])
