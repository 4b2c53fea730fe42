"""Small folders of photographs for the tests."""

from __future__ import annotations

import cv2
import numpy as np

FILES = [
    "Ada/img_1.jpg",
    "Ada/img_2.JPEG",
    "Ada/img_10.png",
    "Bob 2/2019/x.bmp",
    "Bob 2/2020/x.pgm",
    "Bob 2/a.webp",
    "Bob 10/1.Jpg",
    "Bob 10/01.png",
    "Çelik/deep/er/p.q.PNG",
]
"""In natural order; every format, three depths, blanks, dots and a name beyond ASCII."""


def write(path, number=0, side=12, grey=False):
    """An image of noise, wider than high."""
    shape = (side, side + 4) if grey else (side, side + 4, 3)
    image = np.random.default_rng(number).integers(0, 256, shape, np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix.lower(), image)[1].tobytes())
    return image


def write_folder(root, files=FILES):
    for number, name in enumerate(files):
        write(root / name, number, grey=name.endswith(".pgm"))
    return root
