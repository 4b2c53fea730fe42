"""Numbers of the tables against the rows that they come from."""

from __future__ import annotations

import math
import re

import pytest

from simlearn.analysis.errorradar.human_ratings import Gap, HumanGap, human_scores
from simlearn.analysis.errorradar.mask_counts import MASK_METRICS
from simlearn.analysis.errorradar.mask_table import MaskedMetric, MaskEffects
from simlearn.analysis.errorradar.metrics import error_radar_metrics
from simlearn.analysis.errorradar.rating_file import Rating
from simlearn.analysis.errorradar.taxonomy import CATEGORIES
from simlearn.report import Metric, Table
from simlearn.tasks import error_tables
from simlearn.tasks.error_mask_table import mask_sentences
from simlearn.tasks.error_results import ErrorResults
from simlearn.tasks.error_rivals import Rival
from simlearn.tasks.error_scoring import category_right, step_right
from tests.tasks.wrong_steps import HOSTILE, percent, records, results_of, rows_of, share

NAN = math.nan
SOME = records(40, seed=5)
ROWS = rows_of(SOME, seed=6)
OTHER = rows_of(SOME, seed=7, skill=0.8)
CELL = re.compile(r"-|-?\d+\.\d( \[\d+\.\d, \d+\.\d\])?|[+-]\d+\.\d( to [+-]\d+\.\d)?")
"""A number as it stands in a table."""


def rights(rows):
    """Step and category by record."""
    return {row["id"]: (step_right(row), category_right(row)) for row in rows}


def rival(rows=OTHER, name="old", weights="closed"):
    """A finished run with metrics as its file has them: null for what is not there."""
    found = error_radar_metrics(rows, draws=9)
    plain = {k: v for k, v in found.items() if isinstance(v, float)}
    ends = found["intervals"]
    test = {
        key: {"value": None if math.isnan(v) else v, "interval": ends.get(key)}
        for key, v in plain.items()
    }
    return Rival(name, weights, test, rights(rows))


def counted(rows=ROWS, *, draws=9, **changes):
    """Results and metrics of some rows."""
    results = results_of(SOME, rows, **changes)
    return results, error_radar_metrics(results.tally, draws=draws)


def by_head(table: Table):
    """The rows as mappings from the head to the cell."""
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def test_the_table_of_models_has_the_numbers_of_the_rows():
    results, found = counted(rivals=[rival()])
    metric = Metric(0.25, 40, None, higher_is_better=True)
    blind = {"majority": {"step_accuracy": metric, "joint_accuracy": metric}}
    table = error_tables.model_table(results, found, blind, None)
    ours, theirs, base = by_head(table)
    assert [row["model"] for row in (ours, theirs, base)] == ["tiny (this run)", "old", "majority"]
    assert [row["weights"] for row in (ours, theirs, base)] == ["open", "closed", "-"]
    for row, rows in ((ours, ROWS), (theirs, OTHER)):
        known = [r for r in rows if r["gold_category"]]
        step = [r["pred_step"] == r["gold_step"] for r in rows]
        within = [
            r["pred_step"] is not None and abs(r["pred_step"] - r["gold_step"]) < 2 for r in rows
        ]
        kind = [r["pred_category"] == r["gold_category"] for r in known]
        both = [k and r["pred_step"] == r["gold_step"] for r, k in zip(known, kind, strict=True)]
        for head, hits in (
            ("step %", step),
            ("within one %", within),
            ("category %", kind),
            ("both %", both),
            ("no step %", [r["pred_step"] is None for r in rows]),
            ("no category %", [r["pred_category"] is None for r in rows]),
        ):
            assert row[head].split()[0] == percent(share(hits)), head
    low, high = found["intervals"]["step_accuracy"]
    assert ours["step %"].endswith(f"[{100 * low:.1f}, {100 * high:.1f}]")
    assert [base["step %"], base["both %"], base["category %"]] == ["25.0", "25.0", "-"]


def test_a_model_beside_another_on_the_problems_of_both():
    theirs = rights(OTHER[:25])
    table = error_tables.rival_table(
        counted(rivals=[Rival("old", "open", {}, theirs)])[0], draws=50, seed=1
    )
    for row, place in zip(by_head(table), (0, 1), strict=True):
        pairs = [
            (ours[place], theirs[key][place])
            for key, ours in rights(ROWS).items()
            if key in theirs and None not in (ours[place], theirs[key][place])
        ]
        assert row["asked for"] == ("step", "category")[place] and row["other model"] == "old"
        assert row["problems"] == len(pairs) <= 25
        assert row["only this is right"] == sum(a and not b for a, b in pairs)
        assert row["only the other"] == sum(b and not a for a, b in pairs)
        gap = share(a for a, _ in pairs) - share(b for _, b in pairs)
        assert float(row["difference, points"]) == pytest.approx(100 * gap, abs=0.051)
        low, high = map(float, row["95 % interval"].split(" to "))
        assert low <= 100 * gap + 0.051 and 100 * gap - 0.051 <= high
        assert 0 <= float(row["McNemar's exact p"]) <= 1


def test_a_sub_task_that_was_not_asked_is_not_compared():
    rows = rows_of(SOME, parts=("step",))
    results, _ = counted(rows, rivals=[rival(rows)])
    table = error_tables.rival_table(results, 5, 0)
    assert [row["asked for"] for row in by_head(table)] == ["step"]
    alone = results_of(SOME, ROWS, rivals=[Rival("old", "open", {}, {})])
    assert error_tables.rival_table(alone, 5, 0).rows == ()


def test_kinds_of_errors_and_which_is_taken_for_which():
    _, found = counted()
    known = [row for row in ROWS if row["gold_category"]]
    kinds = by_head(error_tables.category_table(found))
    assert [row["kind"].partition(",")[0] for row in kinds] == list(CATEGORIES)
    named = error_tables.confusion_table(found)
    assert named.columns == ("true kind", *CATEGORIES, "unread")
    for row, counts, code in zip(kinds, named.rows, CATEGORIES, strict=True):
        own = [r for r in known if r["gold_category"] == code]
        said = [r for r in known if r["pred_category"] == code]
        hit = [r for r in own if r["pred_category"] == code]
        assert row["problems"] == len(own)
        assert row["precision %"] == percent(len(hit) / len(said) if said else 0.0)
        assert row["recall %"].split()[0] == percent(len(hit) / len(own))
        assert row["F1 %"] == percent(2 * len(hit) / (len(own) + len(said)))
        right = share(r["pred_step"] == r["gold_step"] for r in own)
        assert row["step accuracy %"] == percent(right)
        answers = [r["pred_category"] for r in own]
        assert counts == (code, *(answers.count(c) for c in CATEGORIES), answers.count(None))


def test_types_of_problems():
    _, found = counted()
    rows = by_head(error_tables.type_table(found))
    assert {row["type"] for row in rows} == {"algebra", "diagram"}  # none has no name
    for row in rows:
        own = [r for r in ROWS if r["problem_type"] == row["type"]]
        assert row["problems"] == len(own)
        right = share(r["pred_step"] == r["gold_step"] for r in own)
        assert row["step %"].split()[0] == percent(right)


RATINGS = [
    Rating(one.id, rater, one.error_step + (rater == "bob" and number % 3 == 0), "CAL")
    for number, one in enumerate(SOME[:12])
    for rater in ("ann", "bob")
]
GOLD = {one.id: (one.error_step, one.error_category) for one in SOME}
HUMAN = human_scores(RATINGS, GOLD, draws=9)


def test_people_stand_among_the_models_and_in_a_table_of_their_own():
    results, found = counted()
    people = by_head(error_tables.model_table(results, found, {}, HUMAN))[1]
    assert people["model"] == "people, 12 problems"
    assert people["step %"].split()[0] == percent(HUMAN.step.accuracy.value) == "83.3"
    assert people["macro-F1 %"] == people["both %"] == "-"
    rows = by_head(error_tables.human_table(HUMAN))
    assert [(row["sub-task"], row["rater"]) for row in rows] == [
        (task, who) for task in ("step", "category") for who in ("ann", "bob", "all")
    ]
    ann, bob, both = rows[:3]
    assert ann["right %"].startswith("100.0 ") and bob["right %"].startswith("66.7 ")
    assert ann["pairs that agree %"] == "" and both["pairs that agree %"] == "66.7"
    assert float(both["Fleiss' kappa"]) == pytest.approx(HUMAN.step.agreement.kappa, abs=5e-4)
    assert error_tables.human_table(None).rows == ()


def effect(group="image", *, low=0.01, high=0.2, nothing=False):
    """A mask beside random ones; every number is another."""
    metrics = {
        name: MaskedMetric(
            unmasked=0.9 - i / 50,
            masked=0.4,
            random=0.7,
            drop=0.5 - i / 50,
            random_drop=0.2 - i / 50,
            excess=0.3,
            interval=(0.25, 0.35),
        )
        for i, name in enumerate(MASK_METRICS)
    }
    if nothing:
        metrics = dict.fromkeys(MASK_METRICS, MaskedMetric(*[NAN] * 6, (NAN, NAN)))
    return MaskEffects(group, 40, 3, metrics, NAN if nothing else 0.1, (low, high))


def test_masks():
    table = error_tables.mask_table([effect(), effect("union")])
    rows = by_head(table)
    assert len(rows) == 2 * (len(MASK_METRICS) + 1)
    assert [row["masked"] for row in rows] == ["image"] * 8 + ["union"] * 8
    first, last = rows[0], rows[7]
    assert tuple(first.values())[1:] == (
        *("step accuracy", "90.0", "40.0", "70.0", "+50.0", "+20.0", "+30.0", "+25.0 to +35.0"),
    )
    assert last["metric"] == "recall of VIS less that of the other kinds"
    assert (last["excess"], last["95 % interval"]) == ("+10.0", "+1.0 to +20.0")
    assert error_tables.mask_table([]).rows == ()


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(0.01, 0.2, "Yes"), (-0.3, -0.1, "The other way round"), (-0.1, 0.2, "Undecided")],
)
def test_a_claim_needs_an_interval_on_one_side(low, high, words):
    (sentence,) = mask_sentences([effect(low=low, high=high)])
    assert sentence == (
        "Does the mask over the image neurons cost the recall of visual perception errors more "
        f"than that of the other kinds, beyond random masks? {words} (+10.0 points, 95 % interval "
        f"{100 * low:+.1f} to {100 * high:+.1f})."
    )


def test_no_sentence_without_a_number():
    assert list(mask_sentences([effect(low=NAN, high=NAN, nothing=True)])) == []
    empty = Gap(0, NAN, NAN, NAN, (NAN, NAN))
    assert list(error_tables.human_sentences(HumanGap(empty, empty))) == []
    gap = HumanGap(Gap(12, 0.5, 0.75, -0.25, (-0.4, -0.1)), empty)
    assert list(error_tables.human_sentences(gap)) == [
        "step: on 12 problems that people rated the model has 50.0 % right and people 75.0 % "
        "(difference -25.0 points, 95 % interval -40.0 to -10.0)."
    ]


def test_what_cannot_be_worked_out_is_a_dash():
    rows = [{**row, "gold_category": None} for row in rows_of(SOME, parts=("step",))]
    results, found = counted(rows)
    (ours,) = by_head(error_tables.model_table(results, found, {}, None))
    for head in ("category %", "macro-F1 %", "both %", "no category %"):
        assert ours[head] == "-"
    assert error_tables.category_table(found).rows == ()
    assert error_tables.confusion_table(found).rows == ()
    for row in by_head(error_tables.type_table(found)):
        assert row["category %"] == row["macro-F1 %"] == row["both %"] == "-"
    nothing = error_tables.mask_table([effect(nothing=True, low=NAN, high=NAN)])
    assert {cell for row in nothing.rows for cell in row[2:]} == {"-", ""}
    empty = Rival("old", "open", {"step_accuracy": {"value": None, "interval": None}}, {})
    table = error_tables.model_table(counted(rivals=[empty])[0], found, {}, None)
    assert set(table.rows[1][2:]) == {"-"}


def all_tables(results: ErrorResults, found, blind, human, effects):
    """What the report shows."""
    return list(error_tables.error_tables(results, found, blind, human, effects, 9, 0))


def test_tables_without_a_row_are_left_out():
    results, found = counted()
    titles = [table.title for table in all_tables(results, found, {}, None, [])]
    assert titles == [
        "Models",
        "Kinds of errors",
        "Which kind is taken for which",
        "Types of problems",
    ]
    results, found = counted(rivals=[rival()])
    titles = [table.title for table in all_tables(results, found, {}, HUMAN, [effect()])]
    assert titles[1] == "This model beside the others" and titles[-2:] == ["People", "Under masks"]


def test_hostile_names_are_one_printable_line():
    some = rows_of(SOME)
    for row in some:
        row["problem_type"] = HOSTILE
    results, found = counted(some, name=HOSTILE, rivals=[rival(name=HOSTILE)])
    ratings = [Rating(one.id, HOSTILE, one.error_step, "CAL") for one in SOME[:3]]
    human = human_scores(ratings, GOLD, draws=3)
    tables = all_tables(results, found, {}, human, [effect(HOSTILE)])
    cells = [cell for table in tables for row in table.rows for cell in row]
    hostile = [cell for cell in cells if isinstance(cell, str) and "script" in cell]
    assert len(hostile) >= 12
    for cell in hostile:
        assert cell.isprintable() and len(cell) <= 75


def test_every_number_is_written_in_one_way():
    results, found = counted(rivals=[rival()])
    for table in all_tables(results, found, {}, HUMAN, [effect()]):
        for row in by_head(table):
            for head, cell in row.items():
                if head.endswith("%") or head in ("drop", "random drop", "excess"):
                    assert cell == "" or CELL.fullmatch(cell), (table.title, head, cell)
