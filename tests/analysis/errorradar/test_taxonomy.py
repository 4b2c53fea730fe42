"""The words of ErrorRadar and the shares that its paper gives."""

from __future__ import annotations

import math

from simlearn.analysis.errorradar import taxonomy
from simlearn.analysis.errorradar.category_reply import parse_category
from simlearn.analysis.errorradar.prompts import category_lines

PAPER = {"VIS": 395, "CAL": 912, "REAS": 951, "KNOW": 120, "MIS": 122}
"""Of 2,500 problems, rounded as the paper's shares are."""


def test_five_kinds_in_the_papers_order():
    assert taxonomy.CATEGORIES == ("VIS", "CAL", "REAS", "KNOW", "MIS")
    for table in (taxonomy.NAMES, taxonomy.DEFINITIONS, taxonomy.CATEGORY_SHARES):
        assert tuple(table) == taxonomy.CATEGORIES
    assert sum(PAPER.values()) == 2500
    for code, times in PAPER.items():
        assert abs(taxonomy.CATEGORY_SHARES[code] - times / 2500) < 5.1e-4


def test_shares_are_of_a_whole():
    for shares in (taxonomy.CATEGORY_SHARES, taxonomy.TYPE_SHARES):
        assert math.isclose(math.fsum(shares.values()), 1.0, abs_tol=1e-9)
        assert all(0 < share < 1 for share in shares.values())
    assert tuple(taxonomy.TYPE_SHARES) == taxonomy.PROBLEM_TYPES
    assert max(taxonomy.TYPE_SHARES, key=taxonomy.TYPE_SHARES.get) == "plane_geometry"


def test_words_are_told_apart():
    for table in (taxonomy.NAMES, taxonomy.DEFINITIONS):
        assert len({text.lower() for text in table.values()}) == 5
    assert len(set(taxonomy.PROBLEM_TYPES)) == 5
    assert all(name == name.lower() and " " not in name for name in taxonomy.PROBLEM_TYPES)


def test_a_reply_in_these_words_is_read_as_its_own_kind():
    for code, name in taxonomy.NAMES.items():
        assert parse_category(code).value == code
        assert parse_category(f"It is a {name}.").value == code


def test_a_prompt_names_each_kind_once_with_its_meaning():
    lines = category_lines().splitlines()
    assert [line[2:].partition(":")[0] for line in lines] == list(taxonomy.CATEGORIES)
    for line, code in zip(lines, taxonomy.CATEGORIES, strict=True):
        assert taxonomy.NAMES[code] in line and taxonomy.DEFINITIONS[code] in line


def test_numbers_of_steps():
    assert 1 <= taxonomy.LEAST_STEPS < taxonomy.MOST_STEPS
