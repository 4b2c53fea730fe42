import torch
import torch.multiprocessing as mp

from tests.analysis.statistics_ranks import WORLD, counted, model, state, work


def test_two_processes_count_exactly_what_one_counts(tmp_path):
    mp.spawn(work, (str(tmp_path),), nprocs=WORLD)
    expected = state(counted(model(), slice(None)))
    assert int(expected[0]["n"].sum()) > 0 and int(expected[1]["samples"].sum()) == 10
    for rank in range(WORLD):
        for found in torch.load(tmp_path / f"rank{rank}.pt", weights_only=True):
            for got, want in zip(found, expected, strict=True):
                assert set(got) == set(want)
                for name, value in want.items():
                    if name in ("sum", "wsum", "total"):
                        assert torch.allclose(got[name], value, 0, 1e-9), name
                    else:
                        assert torch.equal(got[name], value), name
    lines = (tmp_path / "shards" / "samples.jsonl").read_text().splitlines()
    assert len(lines) == len(set(lines)) == 10
