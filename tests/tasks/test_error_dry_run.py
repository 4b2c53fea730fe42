"""A look before anything is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from simlearn.analysis.errorradar.openai_server import OpenAIServer
from simlearn.analysis.errorradar.replay import Replay
from simlearn.report import write_report
from simlearn.tasks.error_dry_run import PROMPTS, SHOWN, dry_run_report, picture
from simlearn.tasks.run_context import RunContext
from tests.analysis.errorradar.requests_to_ask import request
from tests.tasks.wrong_steps import HOSTILE, asked_about, record, records

SERVER = OpenAIServer(
    **{"base_url": "http://127.0.0.1:1/v1", "model": "m", "max_tokens": 50},
    **{"price_in": 2.0, "price_out": 10.0, "dry_run": True},
)


def look(asked, folder, *, endpoint=SERVER, variants=1):
    """The report."""
    run = RunContext(recipe="error_radar", card={}, config="", run_dir=folder, seed=0)
    return dry_run_report(run, asked, {"n": 1}, endpoint.open(), variants)


@pytest.mark.parametrize("ask", ["joint", "separate"])
def test_the_first_prompts_are_shown_whole(ask, tmp_path):
    asked = asked_about(records(5), ask=ask)
    report = look(asked, tmp_path)
    (table,) = report.tables
    assert table.title == PROMPTS and len(table.rows) == SHOWN
    for row, sent in zip(table.rows, asked.requests(), strict=False):
        assert row == (sent.id, sent.task, "bytes", sent.system, sent.text)
    assert len(look(asked_about(records(1)), tmp_path).tables[0].rows) == 1


def test_what_all_of_it_may_come_to(tmp_path):
    asked = asked_about(records(5), ask="separate")
    report = look(asked, tmp_path)
    requests = list(asked.requests())
    tokens = sum(1000 + -(-len(r.system + r.text) // 4) for r in requests)
    money = (2 * tokens + 10 * 50 * len(requests)) / 1e6
    note = report.notes[0]
    assert note.startswith("A dry run: nothing was asked. 10 requests, 10 of them with a picture")
    assert f"roughly {tokens:,} tokens of prompts and at most 500 of replies" in note
    assert f"{money:.2g} at most" in note
    assert ". To ask, leave out endpoint.dry_run=true (and take another run_dir" in note
    assert report.train == {"problems": 5, "requests": 10}
    assert report.metrics == {} and report.details == {"dry_run": True}


def test_masks_multiply_the_requests(tmp_path):
    asked = asked_about(records(4))
    report = look(asked, tmp_path, variants=7)
    assert report.train["requests"] == 28
    assert ", each under 7 variants of the model. To ask, leave out" in report.notes[0]


def test_an_endpoint_without_prices_or_tokens(tmp_path):
    kept = tmp_path / "responses.jsonl"
    kept.write_text('{"id": "a", "text": "Step 1"}\n')
    report = look(asked_about(records(2)), tmp_path, endpoint=Replay(responses=kept))
    assert report.notes[0].startswith("A dry run: nothing was asked. 2 requests. To ask")


def test_which_figure_goes_with_a_prompt():
    assert picture(request("x")) == "none"
    assert picture(request("x", image=b"bytes")) == "bytes"
    assert picture(request("x", image=Path("a/b/figure.png"))) == "figure.png"


def test_the_page_shows_a_hostile_prompt_as_text(tmp_path):
    report = look(asked_about([record(question=HOSTILE, id=HOSTILE)]), tmp_path)
    write_report(report)
    page = report.report_path.read_text()
    assert "<script" not in page and "&lt;script" in page and "\x1b" not in page
