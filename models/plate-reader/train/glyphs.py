"""Character shapes: masks from installed fonts, and a stroke alphabet of our own in the manner of stamped plates."""
import glob
import os

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

CAP = 80
"""Height in pixels of a cached mask."""

PREFERRED = (
    "din",
    "osifont",
    "routed",
    "roadgeek",
    "rg2014",
    "narrow",
    "condensed",
    "mono",
    "oswald",
    "saira",
    "barlow",
    "bigshoulders",
    "overpass",
    "antonio",
    "rajdhani",
    "bebas",
    "gothic",
    "quantico",
    "share",
    "league",
    "liberationsans",
    "nimbussans",
    "nimbusmono",
    "d050000l",
)
REFUSED = (
    "italic",
    "oblique",
    "thin",
    "light",
    "hairline",
    "serif",
    "symbol",
    "dingbat",
    "emoji",
    "d050000l",
    "standardsymbols",
    "chancery",
    "kinnari",
    "noto",
    "monofur",
    "jura",
    "beteckna",
    "roman",
    "slab",
    "bookman",
    "c059",
    "p052",
    "z003",
    "urwbookman",
    "termes",
    "eurofur",
    "millimetre",
    "icons",
    "math",
    "braille",
)

# Strokes of each character on a box of width 1 and height 1, y downwards; corners are rounded after, a doubled point
# keeps its corner sharp.
_O = "0,.5 0,0 1,0 1,1 0,1 0,.5"
STROKES = {
    "0": [_O],
    "O": [_O],
    "Q": [_O, ".6,.7 1.05,1.05"],
    "1": [".15,.2 .15,.2 .55,0 .55,0 .55,1"],
    "I": [".5,0 .5,1"],
    "2": ["0,.28 0,0 1,0 1,.42 0,1 0,1 1,1"],
    "3": ["0,.22 0,0 1,0 1,.48 .35,.48", ".35,.48 1,.48 1,1 0,1 0,.78"],
    "4": [".72,1 .72,0 .72,0 0,.72 0,.72 1,.72"],
    "5": ["1,0 .08,0 .08,0 .04,.42 .04,.42 1,.36 1,1 0,1 0,.78"],
    "6": [".9,.12 .8,0 0,0 0,1 1,1 1,.42 0,.42"],
    "7": ["0,0 1,0 1,0 .4,1"],
    "8": [".5,.46 .05,.46 .05,0 .95,0 .95,.46 .5,.46", ".5,.46 0,.46 0,1 1,1 1,.46 .5,.46"],
    "9": [".1,.88 .2,1 1,1 1,0 0,0 0,.58 1,.58"],
    "A": ["0,1 .5,0 .5,0 1,1", ".2,.66 .8,.66"],
    "B": ["0,.47 0,0 0,0 .92,0 .92,.47 0,.47 0,.47", "0,.47 0,.47 1,.47 1,1 0,1 0,1 0,.47"],
    "C": ["1,.26 1,0 0,0 0,1 1,1 1,.74"],
    "D": ["0,.5 0,0 0,0 1,0 1,1 0,1 0,1 0,.5"],
    "E": ["1,0 0,0 0,0 0,1 0,1 1,1", "0,.48 .8,.48"],
    "F": ["1,0 0,0 0,0 0,1", "0,.48 .8,.48"],
    "G": ["1,.26 1,0 0,0 0,1 1,1 1,.52 1,.52 .55,.52"],
    "H": ["0,0 0,1", "1,0 1,1", "0,.48 1,.48"],
    "J": ["1,0 1,1 0,1 0,.7"],
    "K": ["0,0 0,1", "1,0 .05,.55", ".3,.42 1,1"],
    "L": ["0,0 0,1 0,1 1,1"],
    "M": ["0,1 0,0 0,0 .5,.6 .5,.6 1,0 1,0 1,1"],
    "N": ["0,1 0,0 0,0 1,1 1,1 1,0"],
    "P": ["0,1 0,0 0,0 1,0 1,.55 0,.55"],
    "R": ["0,1 0,0 0,0 1,0 1,.52 0,.52", ".5,.52 1,1"],
    "S": ["1,.22 1,0 0,0 0,.47 1,.47 1,1 0,1 0,.78"],
    "T": ["0,0 1,0", ".5,0 .5,1"],
    "U": ["0,0 0,1 1,1 1,0"],
    "V": ["0,0 .5,1 .5,1 1,0"],
    "W": ["0,0 .25,1 .25,1 .5,.3 .5,.3 .75,1 .75,1 1,0"],
    "X": ["0,0 1,1", "1,0 0,1"],
    "Y": ["0,0 .5,.5 .5,.5 1,0", ".5,.5 .5,1"],
    "Z": ["0,0 1,0 1,0 0,1 0,1 1,1"],
}
NARROW = {"1": 0.55, "I": 0.25, "M": 1.15, "W": 1.2}


def find_fonts(extra=()):
    """Paths of the usable installed fonts and of those under the extra folders: upright, not thin, without serifs where
    the name tells. Preferred ones come three times.
    """
    paths = []
    for root in ("/usr/share/fonts", *extra):
        paths += glob.glob(os.path.join(root, "**", "*.[to]tf"), recursive=True)
    kept = []
    for path in sorted(set(paths)):
        name = os.path.basename(path).lower().replace("-", "").replace("_", "")
        if any(w in name for w in REFUSED):
            continue
        try:
            font = ImageFont.truetype(path, 40)
            if font.getmask("A").getbbox() is None or bytes(font.getmask("A")) == bytes(font.getmask("a")) == bytes(
                font.getmask("7")
            ):
                continue
        except OSError:
            continue
        kept += [path] * (3 if any(w in name for w in PREFERRED) else 1)
    return kept


def rounded(points, cuts, ratio):
    """Chaikin's corner cutting, `cuts` times; doubled points keep their corner."""
    for _ in range(cuts):
        out = [points[0]]
        for a, b in zip(points, points[1:]):
            out += [a + (b - a) * ratio, b + (a - b) * ratio]
        out.append(points[-1])
        points = out
    return np.array(points)


class FontGlyphs:
    """Masks of a font's characters, uint8 [CAP, width], cut to the capitals' height."""

    def __init__(self, path):
        self.font = ImageFont.truetype(path, 100)
        top, bottom = self._extent("H")
        self.font = ImageFont.truetype(path, max(20, int(100 * CAP / max(8, bottom - top))))
        self.top, self.bottom = self._extent("H")
        self.cache = {}

    def _extent(self, char):
        box = self.font.getbbox(char)
        return box[1], box[3]

    def mask(self, char):
        if char not in self.cache:
            box = self.font.getbbox(char)
            # A tail below the line (Q, J) is squeezed into the capitals' height, as plates do; cutting it off would
            # make an O of the Q.
            top, bottom = min(self.top, box[1]), max(self.bottom, box[3])
            picture = Image.new("L", (max(4, box[2] - box[0]) + 2, bottom - top))
            ImageDraw.Draw(picture).text((1 - box[0], -top), char, fill=255, font=self.font)
            mask = np.array(picture)
            if len(mask) != CAP:
                mask = cv2.resize(mask, (mask.shape[1], CAP), interpolation=cv2.INTER_AREA)
            self.cache[char] = mask
        return self.cache[char]


class StrokeGlyphs:
    """Masks drawn from STROKES with one thickness, one width and one corner radius."""

    def __init__(self, rng):
        self.thick = int(rng.integers(8, 17))
        self.wide = float(rng.uniform(0.42, 0.66))
        self.cuts, self.ratio = int(rng.integers(1, 4)), float(rng.uniform(0.12, 0.36))
        self.zero_narrow = float(rng.uniform(0.8, 1.0)) if rng.random() < 0.5 else 1.0
        self.cache = {}

    def mask(self, char):
        if char not in self.cache:
            wide = CAP * self.wide * NARROW.get(char, 1.0) * (self.zero_narrow if char == "0" else 1.0)
            t = self.thick
            size = np.array([max(1.0, wide - t), CAP - t - 1.0])
            picture = np.zeros((CAP, int(wide) + 3), np.uint8)
            for line in STROKES[char]:
                points = [np.array([float(v) for v in p.split(",")]) for p in line.split()]
                points = rounded(points, self.cuts, self.ratio) * size + t / 2 + 0.5
                cv2.polylines(picture, [np.round(points * 8).astype(np.int32)], False, 255, t, cv2.LINE_AA, 3)
            self.cache[char] = picture
        return self.cache[char]


class Faces:
    """Hands out a face at random: a font or a stroke alphabet. Holds at most 60 of each kind, renewed slowly."""

    def __init__(self, rng, extra=()):
        self.paths = find_fonts(extra)
        self.fonts, self.strokes = {}, [StrokeGlyphs(rng) for _ in range(60)]

    def pick(self, rng, stroke_share=0.3):
        if rng.random() < stroke_share:
            at = int(rng.integers(len(self.strokes)))
            if rng.random() < 0.05:
                self.strokes[at] = StrokeGlyphs(rng)
            return self.strokes[at]
        path = self.paths[rng.integers(len(self.paths))]
        if path not in self.fonts:
            if len(self.fonts) > 300:
                self.fonts.clear()
            self.fonts[path] = FontGlyphs(path)
        return self.fonts[path]
