"""Gathers samples into batches of equal width, in a process of its own for training, and makes the fixed set that
checkpoints are judged on.
"""
import cv2
import numpy as np

from glyphs import Faces
from sample import load_grounds, make_sample


def gather(faces, grounds, rng, size, cost=160):
    """Batches without end: (pictures uint8 [n, 48, W, 3], labels). n is `size` at width 160 and grows as W shrinks."""
    shelves = {}
    while True:
        picture, label = make_sample(faces, grounds, rng)
        shelf = shelves.setdefault(picture.shape[1], [])
        shelf.append((picture, label))
        if len(shelf) * picture.shape[1] >= size * cost:
            yield np.stack([p for p, _ in shelf]), [l for _, l in shelf]
            shelves[picture.shape[1]] = []


def produce(out, seed, fonts, videos, size):
    """The generator process: fills a queue with batches."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng(seed)
    faces, grounds = Faces(rng, fonts), load_grounds(videos)
    for batch in gather(faces, grounds, rng, size):
        out.put(batch)


def held_out(fonts, videos, count):
    """The fixed synthetic set: its random numbers are never used for training."""
    rng = np.random.default_rng(20_000_000)
    faces, grounds = Faces(rng, fonts), load_grounds(videos, 10)
    return [make_sample(faces, grounds, rng) for _ in range(count)]
