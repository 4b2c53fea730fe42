import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.token_sample import TokenSample


def stream(seed, rows=6, longest=5, modalities=3, layers=2, d=4):
    """Rows of (modality, vector per layer)."""
    g = torch.Generator().manual_seed(seed)
    found = []
    for _ in range(rows):
        count = int(torch.randint(1, longest + 1, (1,), generator=g))
        kinds = torch.randint(modalities, (count,), generator=g)
        found.append((kinds, torch.randn(layers, count, d, generator=g)))
    return found


def run(rows, size, batches, side="left", modalities=3, seed=9):
    """A sample that has seen the rows in batches, padded on either side."""
    layers = rows[0][1].shape[0]
    sample = TokenSample(layers, modalities, size, torch.Generator().manual_seed(seed))
    for part in batches:
        chosen = [rows[i] for i in part]
        longest = max(len(kinds) for kinds, _ in chosen)
        onehot = torch.zeros(len(chosen), modalities, longest, dtype=torch.bool)
        x = torch.full((layers, len(chosen), longest, 4), float("nan"))
        for b, (kinds, vectors) in enumerate(chosen):
            start = longest - len(kinds) if side == "left" else 0
            places = torch.arange(start, start + len(kinds))
            onehot[b, kinds, places] = True
            x[:, b, places] = vectors
        sample.begin(onehot)
        for layer in range(layers):
            sample.add(layer, x[layer])
    return sample


def same(a, b):
    return (
        torch.equal(a.n, b.n)
        and torch.allclose(a.sums, b.sums, atol=1e-12)
        and torch.equal(a.labels, b.labels)
        and all(torch.equal(a.vectors(i), b.vectors(i)) for i in range(2))
    )


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 999), st.integers(1, 6))
def test_neither_batches_nor_padding_change_the_sample(seed, size):
    rows = stream(seed)
    whole = run(rows, size, [range(6)])
    assert same(whole, run(rows, size, [[i] for i in range(6)]))
    assert same(whole, run(rows, size, [[0, 1, 2, 3], [4, 5]], side="right"))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 999), st.integers(1, 6))
def test_sums_counts_and_members_are_those_of_a_loop(seed, size):
    rows = stream(seed)
    sample = run(rows, size, [range(3), range(3, 6)])
    for modality in range(3):
        tokens = [
            vectors[:, t] for kinds, vectors in rows for t, kind in enumerate(kinds.tolist())
            if kind == modality
        ]  # fmt: skip
        assert int(sample.n[modality]) == len(tokens)
        kept = (sample.labels == modality).nonzero()[:, 0]
        assert len(kept) == min(size, len(tokens))
        for layer in range(2):
            total = sum((t[layer].double() for t in tokens), torch.zeros(4).double())
            assert torch.allclose(sample.sums[layer, modality], total)
        for place in kept.tolist():  # every kept token is one of them, the same at all layers
            own = torch.stack([sample.vectors(layer)[place] for layer in range(2)])
            assert any(torch.equal(own, t) for t in tokens)


def test_every_token_is_as_likely():
    rows = [(torch.zeros(5, dtype=torch.int64), torch.arange(20.0).view(1, 5, 4).expand(2, 5, 4))]
    counts = torch.zeros(5)
    for seed in range(600):
        sample = run(rows, 2, [[0]], seed=seed)
        counts[(sample.vectors(0)[:, 0] / 4).long()] += 1
    assert int(counts.sum()) == 1200
    assert bool(((counts - 240).abs() < 5 * 12).all())  # 12 is the standard deviation


def test_a_batch_without_tokens_and_no_batch_at_all():
    empty = TokenSample(2, 3, 5, torch.Generator())
    assert empty.vectors(0).shape == (0, 0)
    empty.begin(torch.zeros(1, 3, 4, dtype=torch.bool))
    empty.add(0, torch.randn(1, 4, 4))
    assert empty.vectors(0).shape == (0, 4) and not bool(empty.sums.any())
