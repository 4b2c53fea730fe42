"""Tiny files in exactly the formats in which MNIST, EMNIST and CIFAR are given out."""

from __future__ import annotations

import gzip
import pickle
import struct

import numpy as np


def idx(array):
    """The bytes of an IDX file of unsigned bytes."""
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}i", *array.shape)
    return header + array.astype(np.uint8).tobytes()


def drawn(count, *shape, seed=0):
    """Random bytes ``(count, *shape)``."""
    return np.random.default_rng([seed, count]).integers(0, 256, (count, *shape), dtype=np.uint8)


def write_idx(root, folder, prefixes, parts, *, packed=False):
    """Write (images, labels) of every prefix to ``root/folder/raw``, packed or not."""
    raw = root / folder / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    for prefix, (x, y) in zip(prefixes, parts, strict=True):
        for kind, array in (("images-idx3-ubyte", x), ("labels-idx1-ubyte", y)):
            data = idx(np.asarray(array))
            name = f"{prefix}-{kind}"
            if packed:
                (raw / f"{name}.gz").write_bytes(gzip.compress(data))
            else:
                (raw / name).write_bytes(data)
    return root


def write_cifar(root, folder, files, labels_key, meta, names_key, names):
    """Write pickled batches: rows of 1,024 red, 1,024 green and 1,024 blue bytes.

    Args:
        root: where the folder is made.
        folder: of the data set.
        files: name -> (rows ``(N, 3072)``, labels).
        labels_key: "labels" or "fine_labels".
        meta: name of the file with the names.
        names_key: their key.
        names: of the classes.
    """
    place = root / folder
    place.mkdir(parents=True)
    for name, (rows, labels) in files.items():
        content = {"data": rows, labels_key: list(labels), "filenames": ["x.png"] * len(labels)}
        (place / name).write_bytes(pickle.dumps(content))
    (place / meta).write_bytes(pickle.dumps({names_key: list(names)}))
    return root
