"""What each of two processes does for the tests of statistics; it writes what it counted."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.distributed as dist

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.collector import collect
from simlearn.analysis.sample_record import records_of_batch
from simlearn.analysis.sample_scores import SampleScores
from simlearn.analysis.shards import StatisticsStore
from simlearn.analysis.tokens import MODALITIES
from tests.analysis.models import tiny_batch, tiny_model

WORLD = 2


def model():
    """The same in every process."""
    return ModelAdapter(tiny_model("llava", dtype=torch.float64))


def batches(own):
    """Five batches, or every second of them."""
    return [tiny_batch("llava", words=(2 + s, 3), seed=s, dtype=torch.float64) for s in range(5)][
        own
    ]


def counted(adapter, own):
    """Statistics and scores of some of the batches."""
    scores = SampleScores(["vqa"], MODALITIES, *adapter.shape)
    stats = collect(adapter, batches(own), attn="received", accumulators=[scores])
    return stats, scores


def stored(adapter, folder, rank, own):
    """The same through a folder that both processes write to."""
    stats, scores = counted(adapter, slice(0, 0))
    store = StatisticsStore(folder, {"stats": stats, "scores": scores}, rank=rank, every=1)
    for number in range(5)[own]:
        batch = batches(slice(number, number + 1))
        more = collect(adapter, batch, attn="received", accumulators=[scores])
        stats.merge(more)
        ids = [f"{number}-{row}" for row in range(2)]
        store.record(records_of_batch(ids, ["vqa"] * 2, adapter.token_modality(batch[0])))
    return list(store.finish().values())


def state(pair):
    """Tensors of both."""
    return [{k: v for k, v in a.state_dict().items() if torch.is_tensor(v)} for a in pair]


def work(rank, folder):
    """One process: its half, all-reduced, and through the folder."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"file://{folder}/meet", rank=rank, world_size=WORLD)
    try:
        adapter, own = model(), slice(rank, None, WORLD)
        pair = counted(adapter, own)
        for accumulator in pair:
            accumulator.all_reduce_()
        both = stored(adapter, Path(folder) / "shards", rank, own)
        torch.save([state(pair), state(both)], Path(folder) / f"rank{rank}.pt")
    finally:
        dist.destroy_process_group()
