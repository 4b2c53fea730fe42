"""A loss over the embeddings of two processes: PML's wrapper and ours against one process."""

from __future__ import annotations

import pytest
import torch
import torch.multiprocessing as mp

from tests import peer_ranks as ranks


@pytest.fixture(scope="module")
def alone():
    """The gradient of the whole batch in one process."""
    net, x, y = ranks.network()
    ranks.mean_contrastive()(net(x), y).backward()
    return ranks.gradient(net)


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    folder = tmp_path_factory.mktemp("peers")
    mp.spawn(ranks.compare, (str(folder),), nprocs=ranks.WORLD)
    return [torch.load(folder / f"rank{r}.pt", weights_only=True) for r in range(ranks.WORLD)]


def off(gradient, wanted):
    """Norm of the difference over the norm."""
    return float((gradient - wanted).norm() / wanted.norm())


@pytest.mark.parametrize("which", ["ours even", "ours uneven", "plain"])
def test_equal_to_one_process(seen, alone, which):
    assert float(alone.norm()) > 0.01
    for rank in range(ranks.WORLD):
        assert off(seen[rank][which], alone) < 1e-6


def test_the_efficient_wrapper_is_far_off(seen, alone):
    assert off(seen[0]["efficient"], alone) > 0.2, "PML mended efficient=True: mend the page"


@pytest.mark.slow
def test_uneven_batches_end_the_wrapper(tmp_path):
    """Where ours gives the gradient of the whole batch (above)."""
    with pytest.raises((mp.ProcessExitedException, mp.ProcessRaisedException)):
        mp.spawn(ranks.uneven_by_peer, (str(tmp_path),), nprocs=ranks.WORLD)
    assert len(list(tmp_path.glob("met*"))) == ranks.WORLD  # it was the uneven batch
