"""Several figures alike: the targets, the sentence, and both ways of asking."""

from __future__ import annotations

import numpy as np

from simlearn.analysis.errorradar.repeated_figures import repeat_figures
from simlearn.analysis.errorradar.solution_program import Pool
from simlearn.analysis.errorradar.worked_solution import carry_out


def test_one_or_several():
    ways = set()
    for seed in range(40):
        pool = Pool()
        pool.read("side", "the side", 7, "cm")
        pool.compute("area", "the area", "cm²", "side * side")
        rng = np.random.default_rng(seed)
        targets, more = repeat_figures(pool, rng, "tiles", {"area": ("area", "cm²")})
        (name,) = targets
        value = carry_out(pool, [pool.nodes[n] for n in pool.closure(name)])[-1].value
        ways.add(name)
        if name == "area":
            assert more == "" and value == 49 and "times" not in pool.nodes
        else:
            times = int(more.split()[2])
            assert more == f" There are {times} such tiles." and 3 <= times <= 12
            assert value == 49 * times
            assert pool.nodes[name].phrase == f"the total area of the {times} tiles"
    assert ways == {"area", "all_area"}
