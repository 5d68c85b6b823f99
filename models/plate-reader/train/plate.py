"""Draws one plate: ground, band, border, words, bolts and stickers, and the line of characters with the box of each."""
import cv2
import numpy as np

from formats import label_of

TALL = 128
"""Height of a drawn plate in pixels."""


def near(colour, rng, spread):
    """A colour near the given one, each channel moved by at most about `spread`."""
    return np.clip(np.array(colour, np.float32) + rng.normal(0, spread, 3), 0, 255)


def paint(canvas, mask, colour, x, y, alpha=1.0):
    """Blends a colour through a uint8 mask placed at (x, y) into a float32 canvas, cut at the canvas's edges."""
    x, y = int(round(x)), int(round(y))
    top, left = max(0, -y), max(0, -x)
    h, w = min(mask.shape[0], canvas.shape[0] - y), min(mask.shape[1], canvas.shape[1] - x)
    if h <= top or w <= left:
        return
    part = mask[top:h, left:w, None].astype(np.float32) * (alpha / 255)
    view = canvas[y + top : y + h, x + left : x + w]
    view += (colour - view) * part


def ornament(sign, tall, rng):
    """Mask of a separator: a dash, a dot, or a shield, star or disc for '*'."""
    if sign == "-":
        mask = np.zeros((tall, max(3, int(tall * rng.uniform(0.14, 0.36)))), np.uint8)
        thick, at = max(2, int(tall * rng.uniform(0.07, 0.16))), tall // 2
        mask[at - thick // 2 : at - thick // 2 + thick] = 255
        return mask
    if sign == ".":
        size = max(3, int(tall * rng.uniform(0.1, 0.2)))
        mask = np.zeros((tall, size + 2), np.uint8)
        at = int(tall * (0.5 if rng.random() < 0.75 else 0.92)) - size // 2
        if rng.random() < 0.5:
            mask[max(0, at) : at + size, 1:-1] = 255
        else:
            cv2.circle(
                mask, (size // 2 + 1, min(tall - size // 2 - 1, at + size // 2)), size // 2, 255, -1, cv2.LINE_AA
            )
        return mask
    wide = max(6, int(tall * rng.uniform(0.3, 0.6)))
    mask = np.zeros((tall, wide), np.uint8)
    high = int(tall * rng.uniform(0.3, 0.75))
    points = rng.uniform(0.1, 1.0, (int(rng.integers(3, 9)), 1))
    angle = np.sort(rng.uniform(0, 2 * np.pi, len(points)))[:, None]
    shape = np.concatenate(
        [
            np.cos(angle) * points * wide / 2 + wide / 2,
            np.sin(angle) * points * high / 2 + tall * rng.uniform(0.4, 0.6),
        ],
        1,
    )
    if rng.random() < 0.4:
        cv2.ellipse(
            mask,
            (wide // 2, tall // 2),
            (wide // 2 - 1, high // 2),
            0,
            0,
            360,
            255,
            -1 if rng.random() < 0.5 else 2,
            cv2.LINE_AA,
        )
    else:
        cv2.fillPoly(mask, [shape.astype(np.int32)], 255, cv2.LINE_AA)
    return mask


def bar(face):
    """Mask of a plain upright bar as thick as the face's strokes, measured at the upright of its L."""
    thick = int(np.count_nonzero(face.mask("L")[30] > 128))
    mask = np.zeros((face.mask("L").shape[0], thick + 4), np.uint8)
    mask[:, 2:-2] = 255
    return mask


def shape_char(face, char, tall, stretch, weight, zero, twins=""):
    """Mask of one character, `tall` pixels high: stretched in width, thickened or thinned, the zero slashed or dotted
    on request.

    `twins` names pairs that many stamping dies do not tell apart: with "1", 1 and I are the same bar; with "0", 0 and O
    have one shape.
    """
    if char in "1I" and "1" in twins:
        mask = bar(face)
    else:
        mask = face.mask("O" if char == "0" and "o" in twins else "0" if char == "O" and "0" in twins else char)
    if char == "0" and zero != "plain":
        mask, (h, w) = mask.copy(), mask.shape
        if zero == "slash":
            cv2.line(mask, (int(w * 0.2), int(h * 0.85)), (int(w * 0.8), int(h * 0.15)), 255, 8, cv2.LINE_AA)
        else:
            cv2.circle(mask, (w // 2, h // 2), 7, 255, -1, cv2.LINE_AA)
    wide = max(2, int(round(mask.shape[1] * tall / mask.shape[0] * stretch)))
    mask = cv2.resize(mask, (wide, tall), interpolation=cv2.INTER_AREA if tall < mask.shape[0] else cv2.INTER_LINEAR)
    if weight:
        kernel = np.ones((2, 2), np.uint8) if abs(weight) == 1 else np.ones((3, 3), np.uint8)
        mask = cv2.dilate(np.pad(mask, 1), kernel)[1:-1, 1:-1] if weight > 0 else cv2.erode(mask, kernel)
    return mask


def pick_twins(look, rng):
    """Which of the pairs 1 I and 0 O the die draws alike: often 1 I in Brazil's old series, 0 O in North America."""
    one = {"brazil old": 0.65, "north america": 0.3}.get(look.name, 0.15)
    zero = {"north america": 0.5}.get(look.name, 0.25)
    return ("1" if rng.random() < one else "") + ("o0"[int(rng.random() < 0.5)] if rng.random() < zero else "")


def lay_line(text, face, tall, twins, rng):
    """Masks and x positions of a line's signs from x = 0: a list of (sign, mask, x, y offset), and the line's width."""
    stretch, zero = rng.uniform(0.72, 1.25), rng.choice(["plain", "slash", "dot"], p=[0.86, 0.1, 0.04])
    weight = int(rng.choice([-1, 0, 1, 2], p=[0.1, 0.55, 0.25, 0.1]))
    gap = tall * rng.uniform(0.05, 0.22)
    fixed = rng.random() < 0.35
    pieces, x = [], 0.0
    cell = face.mask("H").shape[1] / face.mask("H").shape[0] * tall * stretch * rng.uniform(1.0, 1.15)
    for sign in text:
        if sign == " ":
            x += tall * rng.uniform(0.12, 0.5)
        elif sign == "=":
            for row in (0, 1):
                letter = "ABCDEFGHKLMPRSTVXYZ"[rng.integers(19)]
                mask = shape_char(face, letter, int(tall * 0.4), stretch, 0, "plain")
                pieces.append(("", mask, x, int(row * tall * 0.55)))
            x += mask.shape[1] + gap
        elif sign in "-.*":
            mask = ornament(sign, tall, rng)
            pieces.append(("", mask, x, 0))
            x += mask.shape[1] + gap
        else:
            mask = shape_char(face, sign, tall, stretch, weight, zero, twins)
            pad = max(0.0, (cell - mask.shape[1]) / 2) if fixed else 0.0
            pieces.append((sign, mask, x + pad, 0))
            x += mask.shape[1] + 2 * pad + gap
    return pieces, x - gap


def picture_ground(canvas, rng):
    """Soft shapes behind the characters, as on plates with scenery: blobs, hills and gradients of moderate contrast."""
    h, w = canvas.shape[:2]
    for _ in range(int(rng.integers(1, 6))):
        mask = np.zeros((h, w), np.uint8)
        centre = (int(rng.uniform(0, w)), int(rng.uniform(0.2, 1.1) * h))
        cv2.ellipse(
            mask,
            centre,
            (int(rng.uniform(0.05, 0.5) * w), int(rng.uniform(0.08, 0.5) * h)),
            float(rng.uniform(0, 180)),
            0,
            360,
            255,
            -1,
        )
        if rng.random() < 0.6:
            mask = cv2.blur(mask, (int(rng.integers(3, 30)),) * 2)
        paint(canvas, mask, rng.uniform(60, 255, 3).astype(np.float32), 0, 0, float(rng.uniform(0.1, 0.45)))
    if rng.random() < 0.5:
        ramp = np.linspace(0, 255, h).astype(np.uint8)[:, None].repeat(w, 1)
        paint(
            canvas,
            ramp[::-1] if rng.random() < 0.5 else ramp,
            rng.uniform(100, 255, 3).astype(np.float32),
            0,
            0,
            float(rng.uniform(0.1, 0.6)),
        )


def words(canvas, text, colour, y, tall, faces, rng):
    """A word line centred at height y, letters `tall` pixels high; shrunk until it fits."""
    face = faces.pick(rng, 0.0)
    masks = [None if c == " " else shape_char(face, c, tall, rng.uniform(0.9, 1.1), 0, "plain") for c in text]
    wide = sum(tall // 2 if m is None else m.shape[1] + max(1, tall // 8) for m in masks)
    scale = min(1.0, canvas.shape[1] * 0.85 / max(1, wide))
    x = (canvas.shape[1] - wide * scale) * rng.uniform(0.3, 0.7)
    for mask in masks:
        if mask is None:
            x += tall * scale / 2
            continue
        if scale < 1:
            mask = cv2.resize(
                mask, (max(1, int(mask.shape[1] * scale)), max(3, int(tall * scale))), interpolation=cv2.INTER_AREA
            )
        paint(canvas, mask, colour, x, y)
        x += mask.shape[1] + max(1, tall * scale / 8)


def draw_plate(look, text, faces, rng):
    """A plate as (float32 picture [TALL, W, 3] in RGB 0..255, boxes float32 [n, 4] of the label's characters as x0 y0
    x1 y1).
    """
    wide = int(TALL * rng.uniform(*look.aspect))
    dark, light = look.colours[rng.integers(len(look.colours))]
    if rng.random() < 0.05:
        dark, light = light, dark
    dark, light = near(dark, rng, 14), near(light, rng, 12)
    canvas = np.empty((TALL, wide, 3), np.float32)
    canvas[:] = light
    if rng.random() < look.picture:
        picture_ground(canvas, rng)
    if rng.random() < 0.6:
        inset, thick = int(rng.integers(0, 7)), int(rng.integers(1, 5))
        cv2.rectangle(
            canvas, (inset, inset), (wide - 1 - inset, TALL - 1 - inset), [float(v) for v in dark], thick, cv2.LINE_AA
        )
    left, top, bottom = 6, 4, TALL - 4
    blue = near((25, 60, 150), rng, 15)
    if look.band == "left" and rng.random() < 0.75:
        left = int(TALL * rng.uniform(0.3, 0.42))
        canvas[:, :left] = blue
        words(
            canvas[:, :left],
            "EFDIPB"[rng.integers(6)],
            near((240, 240, 240), rng, 8),
            TALL * 0.62,
            int(TALL * 0.25),
            faces,
            rng,
        )
    if look.band == "top" and rng.random() < 0.85:
        top = int(TALL * rng.uniform(0.18, 0.27))
        canvas[:top] = blue
    tall = int(TALL * rng.uniform(*look.text))
    free = bottom - top - tall
    y = top + free * rng.uniform(0.25, 0.75)
    if look.above and rng.random() < 0.8:
        size = int(min(TALL * rng.uniform(0.12, 0.24), max(8, free * 0.7)))
        at, ink = (top - size) / 2 if look.band == "top" else top + 2, near(
            (240, 240, 240), rng, 8
        ) if look.band == "top" and top > 8 else near(dark, rng, 30)
        if look.band == "top":
            size = max(8, int(top * 0.6))
            at = (top - size) / 2
        else:
            y = max(y, top + size + 2)
        words(canvas, look.above[rng.integers(len(look.above))], ink, at, size, faces, rng)
    if look.below and rng.random() < 0.8:
        size = int(min(TALL * rng.uniform(0.1, 0.18), max(7, bottom - y - tall)))
        words(
            canvas, look.below[rng.integers(len(look.below))], near(dark, rng, 30), bottom - size - 1, size, faces, rng
        )
    pieces, length = lay_line(text, faces.pick(rng), tall, pick_twins(look, rng), rng)
    room = wide - left - 8
    squeeze = min(1.0, room / length) if length > room else min(rng.uniform(0.8, 1.35), room / length)
    squeeze = min(squeeze, 1.45)
    x0 = left + (room - length * squeeze) * rng.uniform(0.2, 0.8) + 2
    relief = rng.random() < 0.3
    boxes = []
    for sign, mask, x, dy in pieces:
        w = max(2, int(round(mask.shape[1] * squeeze)))
        if w != mask.shape[1]:
            mask = cv2.resize(
                mask, (w, mask.shape[0]), interpolation=cv2.INTER_AREA if squeeze < 1 else cv2.INTER_LINEAR
            )
        at = x0 + x * squeeze
        jitter = rng.normal(0, 0.6)
        if relief:
            paint(canvas, mask, np.float32(255), at - 1.5, y + dy + jitter - 1.5, 0.5)
            paint(canvas, mask, np.float32(20), at + 1.5, y + dy + jitter + 1.5, 0.5)
        ink = dark if sign else near(dark, rng, 25)
        paint(canvas, mask, ink, at, y + dy + jitter)
        if sign:
            boxes.append((at, y, at + w, y + tall))
    assert len(boxes) == len(label_of(text))
    decorate(canvas, boxes, dark, rng)
    return canvas, np.array(boxes, np.float32)


def decorate(canvas, boxes, dark, rng):
    """Bolts, stickers and a frame over the plate's edge; never over more than the outer rim of a character."""
    h, w = canvas.shape[:2]
    if rng.random() < 0.5:
        y = int(rng.uniform(0.04, 0.14) * h) if rng.random() < 0.6 else int(rng.uniform(0.4, 0.6) * h)
        for x in (int(w * rng.uniform(0.02, 0.25)), int(w * rng.uniform(0.75, 0.98))):
            if any(b[0] - 4 < x < b[2] + 4 and b[1] - 4 < y < b[3] + 4 for b in boxes):
                continue
            cv2.circle(
                canvas, (x, y), int(rng.integers(3, 7)), [float(v) for v in rng.uniform(20, 200, 3)], -1, cv2.LINE_AA
            )
    for _ in range(int(rng.integers(0, 3)) if rng.random() < 0.4 else 0):
        sw, sh = int(rng.uniform(0.06, 0.14) * w), int(rng.uniform(0.12, 0.24) * h)
        x, y = (2 if rng.random() < 0.5 else w - sw - 2), (2 if rng.random() < 0.6 else h - sh - 2)
        if not any(b[0] - 2 < x + sw and b[2] + 2 > x and b[1] - 2 < y + sh and b[3] + 2 > y for b in boxes):
            canvas[y : y + sh, x : x + sw] = rng.uniform(40, 255, 3)
    if rng.random() < 0.25:
        thick, ink = int(rng.uniform(0.03, 0.1) * h), near(rng.choice([20.0, 60.0, 190.0]) * np.ones(3), rng, 10)
        edge = rng.random()
        top, bottom = boxes[0][1], boxes[0][3]
        if edge < 0.7:
            canvas[: int(min(thick * rng.uniform(1, 3), top + 0.06 * (bottom - top)))] = ink
        if edge > 0.3:
            canvas[int(max(h - thick * rng.uniform(1, 3), bottom - 0.06 * (bottom - top))) :] = ink
