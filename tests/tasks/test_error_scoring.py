"""Kept replies become rows."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.category_reply import parse_category
from simlearn.analysis.errorradar.error_protocol import TASKS
from simlearn.analysis.errorradar.step_reply import parse_step
from simlearn.analysis.errorradar.taxonomy import CATEGORIES
from simlearn.tasks.error_scoring import (
    Usage,
    category_right,
    score_record,
    scored_rows,
    step_right,
    written_rows,
)
from tests.tasks.wrong_steps import Kept, asked_about, record, records, reply_to

GOLD = {
    "id": "p0",
    "n_steps": 4,
    "problem_type": "algebra",
    "gold_step": 2,
    "gold_category": "CAL",
}


def test_a_reply_to_both():
    row = score_record(record(), {"joint": '{"step": 3, "category": "VIS"}'})
    assert row == {
        **GOLD,
        "pred_step": 3,
        "step_rule": "json",
        "pred_category": "VIS",
        "category_rule": "json",
    }


def test_only_what_was_asked_is_in_the_row():
    assert score_record(record(), {}) == GOLD
    step = score_record(record(), {"step": "Step 2"})
    assert step == {**GOLD, "pred_step": 2, "step_rule": "last line"}
    kind = score_record(record(), {"category": "REAS"})
    assert kind == {**GOLD, "pred_category": "REAS", "category_rule": "last line"}
    both = score_record(record(), {"step": "Step 2", "category": "REAS"})
    assert both == {**step, **kind}


def test_no_reply_is_none_and_says_so():
    assert score_record(record(), {"joint": None}) == {
        **GOLD,
        **{"pred_step": None, "step_rule": "no reply"},
        **{"pred_category": None, "category_rule": "no reply"},
    }
    assert score_record(record(), {"joint": ""})["step_rule"] == "empty"


def test_nought_is_an_answer_only_where_it_may_be():
    right = record(step=0, category=None)
    asked = {"step": "0"}
    assert score_record(right, asked, none_allowed=True)["pred_step"] == 0
    assert score_record(right, asked) == score_record(right, asked, none_allowed=False)
    assert score_record(right, asked)["pred_step"] is None


@given(st.text(), st.sampled_from(["joint", "separate", "step", "category"]))
def test_a_row_is_what_the_parsers_say_and_fits_into_json(text, ask):
    row = score_record(record(), dict.fromkeys(TASKS[ask], text))
    if ask != "category":
        assert (row["pred_step"], row["step_rule"]) == tuple(parse_step(text, 4))
    if ask != "step":
        assert (row["pred_category"], row["category_rule"]) == tuple(parse_category(text))
    assert len(row) == len(GOLD) + 2 * (ask != "category") + 2 * (ask != "step")
    assert json.loads(json.dumps(row)) == row


@given(
    st.sampled_from([None, *range(5)]),
    st.sampled_from([None, *CATEGORIES]),
    st.sampled_from([None, *CATEGORIES]),
)
def test_right_is_right(said, named, gold):
    row = {**GOLD, "gold_category": gold}
    assert step_right(row) is None and category_right(row) is None
    row |= {"pred_step": said, "pred_category": named}
    assert step_right(row) is (said == 2)
    assert category_right(row) is (None if gold is None else named == gold)


@pytest.mark.parametrize("ask", ["joint", "separate"])
def test_rows_come_in_the_order_of_the_records_and_usage_is_counted(ask):
    asked, kept, usage = asked_about(records(9), ask=ask), Kept(), Usage()
    requests = list(asked.requests())
    for number, request in enumerate(reversed(requests)):
        if number % 4:
            model = "one" if number % 3 else "two"
            finish = "length" if number % 5 == 0 else "stop"
            kept.append(reply_to(request, "Step 1", model=model, finish=finish))
    rows = list(scored_rows(asked, kept, None, usage))
    assert [row["id"] for row in rows] == [one.id for one in records(9)]
    assert not any("variant" in row for row in rows)
    for row in rows:
        own = [r for r in requests if r.id == row["id"] and r.task != "category"]
        assert row["pred_step"] == (1 if own[0].key in kept else None)
    there = list(kept.replies.values())
    assert (usage.replies, usage.missing) == (len(there), len(requests) - len(there))
    assert usage.prompt_tokens == 10 * len(there) and usage.completion_tokens == 3 * len(there)
    assert usage.seconds == 0.5 * len(there)
    assert usage.cut == sum(reply.finish == "length" for reply in there)
    assert usage.models == {
        name: sum(reply.model == name for reply in there) for name in ("one", "two")
    }


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path, rows = tmp_path / "rows.jsonl", [{"id": f"\u202e{i}"} for i in range(4)]
    passing = written_rows(iter(rows), path)
    assert next(passing) == rows[0] and not path.exists()
    assert list(passing) == rows[1:]
    assert [json.loads(line) for line in path.read_text().splitlines()] == rows
    assert path.read_bytes().isascii()
    assert [p.name for p in tmp_path.iterdir()] == ["rows.jsonl"]

    def breaking():
        yield {"id": "new"}
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        list(written_rows(breaking(), path))
    assert [json.loads(line) for line in path.read_text().splitlines()] == rows


def test_no_row_gives_an_empty_file(tmp_path):
    assert list(written_rows([], tmp_path / "rows.jsonl")) == []
    assert (tmp_path / "rows.jsonl").read_bytes() == b""
