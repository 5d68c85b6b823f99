"""Reads samples with a model and says how often the whole plate is right, and how well the confidence tells right from
wrong.
"""
import numpy as np
import torch

from network import ALPHABET


def collapse(scores):
    """Greedy CTC reading of one [T, 37] matrix of probabilities: (text, confidence), the confidence being the lowest
    peak of any character, or 0 for no text.
    """
    best = scores.argmax(1)
    text, peaks, last = [], [], 0
    for step, column in enumerate(best):
        if column != 0:
            if column != last:
                text.append(ALPHABET[column - 1])
                peaks.append(scores[step, column])
            else:
                peaks[-1] = max(peaks[-1], scores[step, column])
        last = column
    return "".join(text), float(min(peaks)) if peaks else 0.0


def accepted_at(confidences, right, precision):
    """The largest share of all samples that can be stated, most confident first, with at least that share of the
    statements right.
    """
    order = np.argsort(-np.asarray(confidences))
    share = np.cumsum(np.asarray(right)[order]) / np.arange(1, len(order) + 1)
    good = np.nonzero(share >= precision)[0]
    return (good[-1] + 1) / len(order) if len(good) else 0.0


def read(model, pictures):
    """Reads uint8 [n, 48, W, 3] pictures: a list of (text, confidence)."""
    with torch.no_grad():
        scores = model(torch.from_numpy(pictures)).softmax(-1).numpy()
    return [collapse(s) for s in scores]


def judge(model, samples, size=32):
    """One line on (picture, label) samples: exact share of plates, silence on empties, and
    accepted share at 98 % precision.
    """
    shelves = {}
    for picture, label in samples:
        shelves.setdefault(picture.shape[1], []).append((picture, label))
    reads, labels = [], []
    for shelf in shelves.values():
        for at in range(0, len(shelf), size):
            part = shelf[at : at + size]
            reads += read(model, np.stack([p for p, _ in part]))
            labels += [l for _, l in part]
    plates = [(r, l) for r, l in zip(reads, labels) if l]
    empties = [r for r, l in zip(reads, labels) if not l]
    exact = np.mean([r[0] == l for r, l in plates])
    silent = np.mean([r[0] == "" or r[1] < 0.5 for r in empties]) if empties else 1.0
    stated = [(r, l) for r, l in zip(reads, labels) if r[0]]
    share = (
        accepted_at([r[1] for r, _ in stated], [r[0] == l for r, l in stated], 0.98) * len(stated) / len(plates)
        if stated
        else 0.0
    )
    return (
        f"exact {exact:.4f} of {len(plates)} plates; accepted at 98 % precision {share:.4f}; "
        f"silent on {silent:.3f} of {len(empties)} empties"
    )
