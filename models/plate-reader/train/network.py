"""The plate reader's network: a small depthwise-separable trunk, two light attention blocks over the columns, and a CTC
head of 37 columns.

The shape is that of PP-OCRv4's recogniser (PP-LCNetV3 trunk, SVTR neck), so that its published weights can be the
starting point, with three changes that make it smaller and quicker: the learnable affine layers are folded into the
neighbouring convolutions (but for one shift per block), hard-swish is `x * hard_sigmoid(x)` (two operators instead of
four), and the last layer has 37 columns instead of 6625.
"""
import torch
from torch import nn
from torch.nn import functional as F

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""Column k + 1 of the output is ALPHABET[k]; column 0 is the CTC blank."""

HEIGHT = 48
"""Height of the input in pixels."""

STRIDE = 8
"""Pixels of width per output step."""

# (channels in, channels out, kernel, stride, squeeze-and-excite) of each trunk block.
TRUNK = (
    (16, 32, 3, (1, 1), False),
    (32, 64, 3, (1, 1), False),
    (64, 64, 3, (1, 1), False),
    (64, 128, 3, (2, 1), False),
    (128, 128, 3, (1, 1), False),
    (128, 240, 3, (1, 2), False),
    (240, 240, 5, (1, 1), False),
    (240, 240, 5, (1, 1), False),
    (240, 240, 5, (1, 1), False),
    (240, 240, 5, (1, 1), False),
    (240, 480, 5, (2, 1), True),
    (480, 480, 5, (1, 1), True),
    (480, 480, 5, (2, 1), False),
    (480, 480, 5, (1, 1), False),
)


def hard_swish(x):
    """x * clip(x / 6 + 1 / 2, 0, 1)."""
    return F.hardswish(x)


class SqueezeExcite(nn.Module):
    """Scales each channel by a gate computed from the channel means; the input is first scaled and shifted by two
    learnt numbers.
    """

    def __init__(self, channels):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.shift = nn.Parameter(torch.zeros(1))
        self.down = nn.Conv2d(channels, channels // 4, 1)
        self.up = nn.Conv2d(channels // 4, channels, 1)

    def forward(self, x):
        x = x * self.scale + self.shift
        gate = x.mean((2, 3), keepdim=True)
        return x * F.hardsigmoid(self.up(F.relu(self.down(gate))))


class Block(nn.Module):
    """Depthwise convolution, optional squeeze-and-excite, pointwise convolution; hard-swish after each convolution, and
    a learnt shift of the sum.

    The shift cannot be folded into the next convolution: that one pads with zeros, and on a map 3 to 12 rows high the
    border is most of it.
    """

    def __init__(self, into, out, kernel, stride, excite):
        super().__init__()
        self.depth = nn.Conv2d(into, into, kernel, stride, kernel // 2, groups=into)
        self.excite = SqueezeExcite(into) if excite else None
        self.point = nn.Conv2d(into, out, 1)
        self.shift = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        x = hard_swish(self.depth(x))
        if self.excite is not None:
            x = self.excite(x)
        return hard_swish(self.point(x)) + self.shift


class Mixer(nn.Module):
    """One pre-norm transformer block over the columns: 8 heads of 15 channels, then a two-layer perceptron with swish.
    """

    def __init__(self, width=120, heads=8):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width, 1e-5)
        self.qkv = nn.Linear(width, 3 * width)
        self.join = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width, 1e-5)
        self.grow = nn.Linear(width, 2 * width)
        self.shrink = nn.Linear(2 * width, width)

    def forward(self, x):
        n, t, c = x.shape
        per_head = c // self.heads
        qkv = self.qkv(self.norm1(x)).reshape(n, t, 3, self.heads, per_head).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        weights = torch.softmax((q * per_head**-0.5) @ k.transpose(2, 3), -1)
        x = x + self.join((weights @ v).transpose(1, 2).reshape(n, t, c))
        return x + self.shrink(F.silu(self.grow(self.norm2(x))))


class Neck(nn.Module):
    """Mixes the columns: 480 channels narrowed to 120, two Mixers, widened again, joined with the input and narrowed to
    120.
    """

    def __init__(self):
        super().__init__()
        self.narrow1 = nn.Conv2d(480, 60, (1, 3), padding=(0, 1))
        self.narrow2 = nn.Conv2d(60, 120, 1)
        self.mixers = nn.ModuleList([Mixer(), Mixer()])
        self.norm = nn.LayerNorm(120, 1e-6)
        self.widen = nn.Conv2d(120, 480, 1)
        self.join1 = nn.Conv2d(960, 60, (1, 3), padding=(0, 1))
        self.join2 = nn.Conv2d(60, 120, 1)

    def forward(self, x):
        y = F.silu(self.narrow2(F.silu(self.narrow1(x))))
        y = y.squeeze(2).transpose(1, 2)
        for mixer in self.mixers:
            y = mixer(y)
        y = self.norm(y).transpose(1, 2).unsqueeze(2)
        y = torch.cat([x, F.silu(self.widen(y))], 1)
        return F.silu(self.join2(F.silu(self.join1(y))))


class PlateReader(nn.Module):
    """Pictures uint8 [N, 48, W, 3] RGB, W a multiple of 8, to logits float32 [N, W / 8, 37]."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, 2, 1)
        self.trunk = nn.Sequential(*[Block(*row) for row in TRUNK])
        self.neck = Neck()
        self.head = nn.Linear(120, 1 + len(ALPHABET))

    def features(self, x):
        """Pictures in -1..1, float32 [N, 3, 48, W], to float32 [N, W / 8, 120]."""
        x = self.trunk(self.stem(x))
        x = F.avg_pool2d(x, (3, 2), count_include_pad=False)
        return self.neck(x).squeeze(2).transpose(1, 2)

    def forward(self, pictures):
        x = pictures.permute(0, 3, 1, 2).float() * (1 / 127.5) - 1.0
        return self.head(self.features(x))


class Prepared(nn.Module):
    """The reader on pictures float32 [N, 3, 48, W] in -1..1, RGB: what is exported, so that whoever makes bundles of it
    can fold the preparation into the first convolution as suits the engine.
    """

    def __init__(self, reader):
        super().__init__()
        self.reader = reader

    def forward(self, image):
        return self.reader.head(self.reader.features(image))
