"""The report of a stream: tables, protocol, notes, and the entries of metrics.json."""

from __future__ import annotations

import json
import math

import pytest

from simlearn.report import protocol_fingerprint, render_page
from simlearn.tasks.incremental_ideal import Ideal, ideal_of_results
from simlearn.tasks.incremental_report import (
    accuracy_table,
    diagnostics_table,
    experience_row,
    incremental_report,
    protocol_facts,
)
from simlearn.tasks.run_context import RunContext
from tests.report.report_parts import Page
from tests.tasks.incremental_case import SIZES, make_parts, patches, results

DATA = patches((4, 4, 4, 4), test=5)


@pytest.fixture
def report(tmp_path):
    """Makes a report of results made by hand."""

    def make(found=None, ideal=None, recipe="incremental_triplet_finetune"):
        parts = make_parts(recipe=recipe)
        run = RunContext("r", {"claim": "c"}, "seed: 4\n", tmp_path, seed=4)
        found = results() if found is None else found
        baselines, seconds = {}, {"ceiling": 1.5}
        learner = parts.learner(0)
        return incremental_report(
            parts, run, DATA, SIZES, found, ideal, baselines, learner, seconds
        )

    return make


def test_entries_of_the_file(report):
    found = results()
    made = json.loads(json.dumps(report(found, ideal_of_results(found)).to_json()))
    rows = [r["ncm"] for r in found]
    full = [rows[0] + [None, None], rows[1] + [None], rows[2]]
    assert made["accuracy_matrix"] == full
    assert made["ceiling"]["matrix"] == full
    assert made["memory_bytes"] == made["train"]["memory_bytes"] == 3000
    assert made["transient_bytes"] == made["train"]["transient_bytes"] == 700  # the most of any
    assert made["seconds_per_experience"] == [1.25, 2.25, 3.25]
    assert made["train"]["steps"] == 9 and made["train"]["empty_batches"] == 3
    assert made["train"]["strategy"] == "FineTune"
    assert made["experiences"][1]["old_purity"] == 0.25
    assert made["experiences"][2]["counts"] == [10, 5, 5]
    assert made["seed"] == 4 and made["recipe"] == "r" and made["seconds"] == {"ceiling": 1.5}


def test_no_ceiling_no_entry(report):
    made = report().to_json()
    assert "ceiling" not in made
    given = report(ideal=Ideal([[0.5] * 3] * 3, "a number")).to_json()
    assert given["ceiling"] == {"matrix": [[0.5] * 3] * 3, "source": "a number"}


def test_a_ceiling_of_zero_is_told(report):
    zero = Ideal([[0.0] * 3] * 3, "joint training")
    made = report(ideal=zero)
    (note,) = made.notes
    assert "no omega" in note and "trainer.max_steps" in note and "evaluation.ideal" in note
    assert made.to_json()["test"]["omega_all"]["value"] is None
    assert note in Page(render_page(made)).words()
    assert report(ideal=Ideal([[0.5] * 3] * 3, "")).notes == report().notes == ()


def test_an_experience_is_its_plain_numbers():
    (row, *_) = results()
    assert set(row) - set(experience_row(row)) == {"correct", "labels", "test_means"}
    assert experience_row({"a": 1, "b": [0.5], "c": "text", "d": math.inf}) == {
        "a": 1,
        "b": [0.5],
        "d": math.inf,
    }


def test_what_makes_numbers_comparable(report):
    facts = protocol_facts(make_parts("evaluation.split=val"), DATA, SIZES)
    assert facts["data_fingerprint"] == "f00d" and facts["data"] == "patches"
    assert facts["classes_of_experiences"] == [2, 1, 1] and facts["measured_on"] == "val"
    assert "nearest class mean" in facts["score"]
    assert report().protocol == protocol_facts(make_parts(), DATA, SIZES)
    other = protocol_facts(make_parts(), DATA, (1, 2, 1))
    assert protocol_fingerprint(other) != report().to_json()["protocol"]["fingerprint"]


def test_the_table_of_experiences():
    found = results()
    table = accuracy_table(found, SIZES, DATA)
    assert len(table.rows) == 3
    assert [row[1] for row in table.rows] == ["class 0, class 1", "class 2", "class 3"]
    for t, row in enumerate(table.rows):
        cells = dict(zip(table.columns, row, strict=True))
        hits = found[t]["correct"].tolist()
        assert cells["experience"] == t + 1
        assert cells["ncm_base"] == found[t]["ncm"][0]
        assert cells["ncm_new"] == found[t]["ncm"][-1]
        assert cells["ncm_all"] == pytest.approx(sum(hits) / len(hits))
        assert cells["bytes kept"] == 1000 * (t + 1)
        assert cells["bytes in training"] == (0, 700, 300)[t]
    wide = patches([4] * 8, test=5)
    (row, *_) = accuracy_table(found, (7, 1, 1), wide).rows
    assert row[1] == "class 0, class 1, class 2, class 3, class 4 and 2 more"


def test_the_table_of_diagnostics_shows_what_was_measured():
    (table,) = diagnostics_table(results())
    assert table.columns == ("experience", "ncm_real", "old_purity")
    assert table.rows == ((1, 0.5, None), (2, 0.6, 0.25), (3, 0.7, 0.5))
    bare = [{k: v for k, v in r.items() if k not in ("ncm_real", "old_purity")} for r in results()]
    assert diagnostics_table(bare) == ()


def test_the_page_has_the_tables_and_figures(report):
    found = results()
    page = Page(render_page(report(found, ideal_of_results(found))))
    assert page.faults == []
    words = page.words()
    for text in ("Experiences", "Diagnostics of the embedding", "omega base", "bytes kept"):
        assert text in words
    names = [a["id"] for a in page.all("figure")]
    assert names == ["figure-forgetting", "figure-accuracy_matrix"]  # no picture, no log
