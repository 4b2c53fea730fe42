"""Pools of nodes: what needs what, sums of many parts, names that stand twice."""

from __future__ import annotations

import pytest

from simlearn.analysis.errorradar.solution_program import Pool


def pool_of(n):
    pool = Pool()
    for k in range(n):
        pool.read(f"r{k}", f"the part {k}", k + 1, "cm")
    return pool


def test_a_closure_holds_what_is_needed_and_no_more():
    pool = pool_of(3)
    pool.given("times", "the number of times", 4)
    pool.formula("rule", "area", "length * width", "length + width")
    pool.follow("area", "the area", "cm²", "rule", length="r0", width="r2")
    pool.compute("all", "all", "cm²", "area * times")
    assert pool.closure("area") == ["r0", "r2", "rule", "area"]
    assert pool.closure("all") == ["r0", "r2", "rule", "area", "all"]
    assert [node.name for node in pool.of_kind("read", pool.closure("all"))] == ["r0", "r2"]
    assert pool.nodes["area"].expression == "length * width"


@pytest.mark.parametrize("steady", [False, True])
@pytest.mark.parametrize("n", [2, 3, 5, 6])
def test_totals(n, steady):
    pool = pool_of(n)
    parts = [f"r{k}" for k in range(n)]
    assert pool.total("all", "the whole", "cm", parts, "parts", steady=steady) == "all"
    sums = pool.of_kind("compute")
    assert len(sums) == (n - 1 if steady or n > 5 else 1)
    assert set(pool.closure("all")) == set(pool.nodes)
    on_the_way = [f"the sum of the first {k} parts" for k in range(2, n)]
    assert [s.phrase for s in sums] == ([*on_the_way] if len(sums) > 1 else []) + ["the whole"]


def test_a_count_is_whole():
    pool = pool_of(2)
    pool.formula("rule", "share", "all / number")
    pool.count("one", "one", "", "rule", all="r0", number="r1")
    assert pool.nodes["one"].whole and pool.nodes["one"].rule == "rule"


def test_names_that_stand_twice_or_are_missing():
    pool = pool_of(1)
    with pytest.raises(ValueError, match="'r0'"):
        pool.read("r0", "again", 1)
    with pytest.raises(ValueError, match=r"it needs \['r7'\]"):
        pool.compute("x", "x", "", "r0 + r7")
