"""What the rows come to: groups, rights, examples."""

from __future__ import annotations

import random

import pytest

from simlearn.analysis.errorradar.metrics import error_radar_metrics
from simlearn.tasks.error_results import EXAMPLES
from simlearn.tasks.error_rivals import Rival
from tests.analysis.errorradar.error_rows import flat
from tests.tasks.wrong_steps import data_of, records, results_of, rows_of, share

SOME = records(60, seed=1, right=True)
ROWS = rows_of(SOME, seed=2)
LENGTHS = {
    "1-2": (1, 2),
    "3-5": (3, 5),
    "6-8": (6, 8),
    "9-12": (9, 12),
    "13-20": (13, 20),
    "over 20": (21, 99),
}
RIVAL = Rival("old", "open", {}, {})


def third(row):
    """Where the wrong step stands, in words."""
    last = max(1, row["n_steps"] - 1)
    place = (row["gold_step"] - 1) / last
    return f"{'first' if place < 1 / 3 else 'last' if place > 2 / 3 else 'middle'} third"


def test_groups_are_counts_of_rows_with_a_wrong_step():
    groups = results_of(SOME, ROWS).groups
    wrong = [row for row in ROWS if row["gold_step"]]
    expected = {("position", third(row)): [] for row in wrong}
    for row in wrong:
        expected[("position", third(row))].append(row)
    for name, (low, high) in LENGTHS.items():
        own = [row for row in wrong if low <= row["n_steps"] <= high]
        if own:
            expected[("length", name)] = own
    assert set(groups) == set(expected) and len(expected) == 9
    for key, own in expected.items():
        assert groups[key].n == len(own)
        assert groups[key].right == sum(row["pred_step"] == row["gold_step"] for row in own)
        assert groups[key].chance == pytest.approx(sum(1 / row["n_steps"] for row in own))


def test_groups_say_the_same_as_the_metrics():
    results = results_of(SOME, ROWS)
    found = error_radar_metrics(results.tally)
    for name in ("first", "middle", "last"):
        group = results.groups[("position", f"{name} third")]
        assert found[f"step_accuracy_{name}"] == pytest.approx(group.right / group.n)
    assert flat(found) == flat(error_radar_metrics(ROWS))


def test_nothing_is_grouped_where_no_step_was_asked():
    results = results_of(SOME, rows_of(SOME, parts=("category",)))
    assert results.groups == {} and results.tally.n == len(SOME)


def test_rights_are_kept_only_where_they_are_compared():
    assert results_of(SOME, ROWS).rights == {}
    for beside in ({"rivals": [RIVAL]}, {"human": object()}):
        rights = results_of(SOME, ROWS, **beside).rights
        assert list(rights) == [one.id for one in SOME]
        wrong = [row for row in ROWS if row["gold_step"]]  # a right solution has no wrong step
        found = [step for step, _ in rights.values() if step is not None]
        assert len(found) == len(wrong) < len(ROWS)
        assert share(found) == share(row["pred_step"] == row["gold_step"] for row in wrong)
        kinds = [row for row in ROWS if row["gold_category"]]
        named = [right for _, right in rights.values() if right is not None]
        assert len(named) == len(kinds)
        assert share(named) == share(row["pred_category"] == row["gold_category"] for row in kinds)


def test_rows_under_masks_are_kept_apart():
    masked = [{**row, "variant": "image", "pred_step": 1} for row in ROWS]
    results = results_of(SOME, [*ROWS, *masked], masked=True, rivals=[RIVAL])
    assert results.by_variant == {"": ROWS, "image": masked}
    plain = results_of(SOME, ROWS, rivals=[RIVAL])
    assert plain.by_variant == {}
    assert results.tally.cells == plain.tally.cells and results.groups == plain.groups
    assert results.rights == plain.rights and results.wanted() == plain.wanted()


def shown(rows, some=SOME, **changes):
    """Ids of the examples, and which of them are wholly right."""
    results = results_of(some, rows, **changes)
    assert results.wanted() >= {one.record.id for one in results.examples}
    results.show({one: f"said of {one}" for one in results.wanted()})
    for one in results.examples:
        assert one.text == f"said of {one.record.id}" and one.row["id"] == one.record.id
    return [one.record.id for one in results.examples], [
        one.row["pred_step"] == one.row["gold_step"]
        and one.row["gold_category"] in (None, one.row["pred_category"])
        for one in results.examples
    ]


def test_examples_are_half_right_and_half_wrong():
    ids, good = shown(ROWS)
    assert len(ids) == 2 * EXAMPLES and sum(good) == EXAMPLES
    assert ids == [one.id for one in SOME if one.id in ids]  # in the order of the records


def test_examples_depend_on_the_seed_and_not_on_the_order_of_rows():
    ids, _ = shown(ROWS)
    mixed = random.Random(0).sample(ROWS, len(ROWS))
    assert shown(mixed)[0] == ids == shown(ROWS)[0]
    assert len({tuple(shown(ROWS, seed=seed)[0]) for seed in range(4)}) > 1


@pytest.mark.parametrize(("skill", "right"), [(1.0, 2 * EXAMPLES), (-1.0, None)])
def test_examples_where_one_kind_is_rare(skill, right):
    wrong = [{**row, "pred_step": None, "pred_category": None} for row in rows_of(SOME)]
    rows = rows_of(SOME, skill=skill) if right else wrong
    ids, good = shown(rows)
    assert len(ids) == 2 * EXAMPLES and sum(good) == (right or 0)
    mixed = [*rows[:-1], wrong[-1] if right else rows_of(SOME, skill=1.0)[-1]]
    _, good = shown(mixed)
    assert len(good) == 2 * EXAMPLES and sum(good) == (2 * EXAMPLES - 1 if right else 1)


def test_few_records_are_all_shown():
    for count in range(2 * EXAMPLES + 1):
        ids, _ = shown(ROWS[:count], SOME[:count])
        few = min(count, 2 * EXAMPLES)
        assert len(ids) <= few and (len(ids) == few or count > EXAMPLES)
    assert shown([], [])[0] == []


def test_what_is_drawn_stays_small():
    results = results_of(SOME, ROWS)
    assert len(results.wanted()) <= 4 * EXAMPLES
    results.data = data_of([])
    results.show({})
    assert results.examples == []


def test_a_reply_that_is_not_there_is_shown_as_nothing():
    results = results_of(SOME, ROWS)
    results.show({})
    assert {one.text for one in results.examples} == {""}
