"""What every backbone promises of its cuts, and inputs to try it on."""

from __future__ import annotations

import torch


def image(side, n=2, channels=3, other=None, seed=0):
    """``(n, channels, side, other or side)`` of noise."""
    g = torch.Generator().manual_seed(seed)
    return torch.randn(n, channels, side, other or side, generator=g)


def features_at_every_cut(net, x):
    """Features of ``x``: bit for bit the same from every cut, and nothing is changed in place."""
    before, features = x.clone(), net(x)
    assert features.shape == (len(x), net.dim)
    assert torch.isfinite(features).all()
    assert net.low(x, "input") is x
    for cut in net.cuts:
        h = net.low(x, cut)
        kept = h.clone()
        assert torch.equal(net.high(h, cut), features)
        assert torch.equal(h, kept)
    assert torch.equal(x, before)
    return features
