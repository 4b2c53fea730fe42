"""MINER's released formulas, written as plain loops over samples, tokens and neurons."""

from __future__ import annotations

import math


def softmax(values):
    top = [math.exp(v) for v in values]
    return [v / sum(top) for v in top]


def squeeze(values):
    """Min-max; a constant list gives 0."""
    low, high = min(values), max(values)
    return [0.0 if high == low else (v - low) / (high - low) for v in values]


def raw_scores(act, mask, attn):
    """The five vectors of one modality before min-max; T x T x f products and all."""
    tokens = [t for t, inside in enumerate(mask) if inside]
    x = [act[t] for t in tokens]
    block = [[attn[i][j] for j in tokens] for i in tokens]
    size, width = len(tokens), len(act[0])
    columns = [softmax([block[i][j] for i in range(size)]) for j in range(size)]
    rows = [softmax(row) for row in block]
    vectors = []
    for n in range(width):
        of = [row[n] for row in x]
        by_key = [sum(columns[j][i] * of[i] for i in range(size)) for j in range(size)]
        by_query = [sum(rows[i][j] * of[j] for j in range(size)) for i in range(size)]
        vectors.append(
            [sum(v > 0 for v in of) / size, sum(of) / size, max(of), sum(by_key), sum(by_query)]
        )
    return [list(v) for v in zip(*vectors, strict=True)]


def sample_scores(acts, masks, attns):
    """``[5][M][L][N]`` of one sample from ``[L][T][N]``, ``[M][T]`` and ``[L][T][T]``."""
    layers, width = len(acts), len(acts[0][0])
    scores = [[[[0.0] * width for _ in acts] for _ in masks] for _ in range(5)]
    for layer in range(layers):
        for m, mask in enumerate(masks):
            if any(mask):
                for t, v in enumerate(raw_scores(acts[layer], mask, attns[layer])):
                    scores[t][m][layer] = squeeze(v)
    return scores


def aggregate(sets, weights):
    """``{(m, l, n): score}`` and which modalities occur, from ``[D][samples][5][M][L][N]``."""
    shape = (len(sets[0][0][0]), len(sets[0][0][0][0]), len(sets[0][0][0][0][0]))
    every = [(m, k, n) for m in range(shape[0]) for k in range(shape[1]) for n in range(shape[2])]
    means = [
        {
            (t, *p): sum(s[t][p[0]][p[1]][p[2]] for s in samples) / len(samples)
            for t in range(5)
            for p in every
        }
        for samples in sets
    ]
    times = [
        sum(any(v != 0 for key, v in mean.items() if key[1] == m) for mean in means)
        for m in range(shape[0])
    ]
    score = {
        p: sum(w * sum(mean[(t, *p)] for mean in means) for t, w in enumerate(weights))
        / max(times[p[0]], 1)
        for p in every
    }
    return score, [m for m in range(shape[0]) if times[m]]


def top(pairs, count):
    """Keys of the highest values, smaller keys first on a tie."""
    return [key for key, _ in sorted(pairs, key=lambda kv: (-kv[1], kv[0]))[:count]]


def select(score, there, layers, width, ratio, strategy):
    """``{m: set of (layer, neuron)}``."""
    total = int(ratio * layers * width)
    cells = [(k, n) for k in range(layers) for n in range(width)]
    if strategy == "adaptive":
        best = top([(c, sum(score[(m, *c)] for m in there)) for c in cells], total)
        picks = [(max(there, key=lambda m: score[m, k, n]), k, n) for k, n in best]
    elif strategy == "LA_MU":
        size = total // len(there)
        picks = [(m, *c) for m in there for c in top([(c, score[(m, *c)]) for c in cells], size)]
    elif strategy == "LU_MA":
        picks = []
        for k in range(layers):
            values = [((m, n), score[m, k, n]) for m in there for n in range(width)]
            picks += [(m, k, n) for m, n in top(values, total // layers)]
    else:  # uniform
        size, picks = total // (len(there) * layers), []
        for k in range(layers):
            for m in there:
                picks += [(m, k, n) for n in top([(n, score[m, k, n]) for n in range(width)], size)]
    return {m: {(k, n) for owner, k, n in picks if owner == m} for m in there}
