"""Makes training samples: a line crop as the unit's text finder would cut it, uint8 [48, W, 3] RGB with W a multiple of
8, and its label.
"""
import cv2
import numpy as np

import damage
from formats import LOOKS, WORDS, draw_text, label_of
from network import HEIGHT
from plate import TALL, draw_plate, near, shape_char, paint

NARROWEST, WIDEST = 96, 208
SHARES = np.array([look.weight for look in LOOKS]) / sum(look.weight for look in LOOKS)


def load_grounds(paths, each=30):
    """Street pictures for the surroundings of the plates: `each` frames of every video, RGB uint8."""
    grounds = []
    for path in paths:
        video = cv2.VideoCapture(path)
        count = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
        for at in np.linspace(0, count - 2, each).astype(int):
            video.set(cv2.CAP_PROP_POS_FRAMES, int(at))
            good, frame = video.read()
            if good:
                grounds.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
    return grounds


def cut_ground(grounds, tall, wide, rng):
    """A piece of street, or a flat or shaded surface, float32 [tall, wide, 3]."""
    if grounds and rng.random() < 0.6:
        frame = grounds[rng.integers(len(grounds))]
        h = int(rng.uniform(0.05, 0.4) * frame.shape[0])
        w = min(frame.shape[1] - 1, max(8, int(h * wide / tall)))
        y, x = int(rng.integers(0, frame.shape[0] - h)), int(rng.integers(0, frame.shape[1] - w))
        return cv2.resize(frame[y : y + h, x : x + w], (wide, tall), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    first, second = rng.uniform(10, 240, 3), rng.uniform(10, 240, 3)
    ramp = np.linspace(0, 1, tall, dtype=np.float32)[:, None, None]
    if rng.random() < 0.5:
        ramp = ramp * 0
    return np.broadcast_to(first * (1 - ramp) + second * ramp, (tall, wide, 3)).astype(np.float32)


def line_quad(boxes, rng):
    """The crop's corners in plate pixels (top left, top right, bottom right, bottom left) and its size, from the boxes
    of the characters.
    """
    x0, y0, x1, y1 = boxes[:, 0].min(), boxes[:, 1].min(), boxes[:, 2].max(), boxes[:, 3].max()
    tall = y1 - y0
    roll = rng.random()
    if roll < 0.75:
        margins = rng.uniform(-0.05, 0.25, 4)
    elif roll < 0.9:
        margins = np.concatenate([rng.uniform(0.1, 0.75, 2), rng.uniform(0.0, 0.5, 2)])
    else:
        margins = rng.uniform(-0.02, 0.5, 4)
    if rng.random() < 0.05:
        margins[2 + int(rng.random() < 0.5)] = -rng.uniform(0.2, 1.4)
    top, bottom, left, right = (
        y0 - margins[0] * tall,
        y1 + margins[1] * tall,
        x0 - margins[2] * tall,
        x1 + margins[3] * tall,
    )
    quad = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    wide, high = right - left, bottom - top
    centre = quad.mean(0)
    degrees = rng.uniform(-12, 12) if rng.random() < 0.12 else rng.normal(0, 2.0)
    angle, shear = np.radians(degrees), rng.normal(0, 0.08)
    rel = quad - centre
    rel[:, 0] += rel[:, 1] * shear
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    # A turned line needs a taller crop to hold it, which is what a finder's box gives.
    grow = 1 + 0.6 * abs(np.tan(angle)) * wide / high
    rel[:, 1] *= grow
    quad = (rel @ turn.T + centre).astype(np.float32)
    quad += rng.normal(0, 0.025 * tall, (4, 2)).astype(np.float32)
    return quad, wide, high * grow


def seen_share(boxes, quad):
    """For each character box, the share of its width that lies inside the crop's left and right edges (at mid height).
    """
    mid_left, mid_right = (quad[0] + quad[3]) / 2, (quad[1] + quad[2]) / 2
    axis = mid_right - mid_left
    length = float(axis @ axis)
    y = (boxes[:, 1] + boxes[:, 3]) / 2
    start = ((np.stack([boxes[:, 0], y], 1) - mid_left) @ axis) / length
    end = ((np.stack([boxes[:, 2], y], 1) - mid_left) @ axis) / length
    return np.clip((np.minimum(end, 1) - np.maximum(start, 0)) / (end - start), 0, 1)


def film(canvas, quad, wide, high, char_tall, rng):
    """Photographs the quad of a canvas: warp, light, camera; the result is `char_tall / TALL`-sized as given by the
    caller through wide and high.
    """
    small_h, small_w = max(7, int(round(high))), max(12, int(round(wide)))
    up = 2 if small_h < 48 else 1
    target = np.array([[0, 0], [small_w * up, 0], [small_w * up, small_h * up], [0, small_h * up]], np.float32)
    matrix = cv2.getPerspectiveTransform(quad, target)
    picture = cv2.warpPerspective(
        canvas, matrix, (small_w * up, small_h * up), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    if rng.random() < 0.35:
        picture = damage.dirt(picture, rng)
    picture = damage.light(picture, rng)
    if rng.random() < 0.15:
        picture = damage.night(picture, rng)
    if up > 1:
        picture = cv2.resize(picture, (small_w, small_h), interpolation=cv2.INTER_AREA)
    picture = damage.blur(picture, char_tall, rng)
    picture = damage.sensor(picture, rng)
    if rng.random() < 0.12:
        picture = np.repeat(picture.mean(2, keepdims=True), 3, 2)
    if rng.random() < 0.8:
        picture = damage.compress(picture, rng)
    return np.clip(picture, 0, 255).astype(np.uint8)


def fit(picture, rng):
    """Scales a crop to 48 rows and a width of 62 to 100 % of the natural one, between NARROWEST and WIDEST; sometimes
    ends it with a grey or black filling.
    """
    natural = HEIGHT * picture.shape[1] / picture.shape[0]
    wide = int(np.clip(round(natural * rng.uniform(0.62, 1.0) / 8) * 8, NARROWEST, WIDEST))
    if rng.random() < 0.08:
        used = int(wide * rng.uniform(0.7, 0.98))
        out = np.full((HEIGHT, wide, 3), int(rng.choice([0, 127, 128])), np.uint8)
        out[:, :used] = cv2.resize(picture, (used, HEIGHT), interpolation=cv2.INTER_LINEAR)
        return out
    return cv2.resize(picture, (wide, HEIGHT), interpolation=cv2.INTER_LINEAR)


def char_height(rng):
    """Character height on the sensor in pixels: log-uniform 9 to 55, one in twelve 6 to 9."""
    low, high = (6, 9) if rng.random() < 0.08 else (9, 55)
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def make_plate(faces, grounds, rng):
    """A plate's line crop and its label."""
    look = LOOKS[rng.choice(len(LOOKS), p=SHARES)]
    text = draw_text(look, rng)
    plate, boxes = draw_plate(look, text, faces, rng)
    pad = 40
    canvas = cut_ground(grounds, TALL + 2 * pad, plate.shape[1] + 2 * pad, rng)
    canvas[pad : pad + TALL, pad : pad + plate.shape[1]] = plate
    boxes = boxes + pad
    for _ in range(6):
        quad, wide, high = line_quad(boxes, rng)
        seen = seen_share(boxes, quad)
        if not np.any((seen > 0.3) & (seen < 0.75)):
            break
    else:
        return None
    label = "".join(c for c, s in zip(label_of(text), seen) if s >= 0.75)
    tall = char_height(rng)
    scale = tall / float(boxes[0, 3] - boxes[0, 1])
    picture = film(canvas, quad, wide * scale, high * scale, tall, rng)
    # Light and night together can leave nothing to read; a label on such a crop would teach guessing.
    if picture[:, :, 1].std() < 5:
        return None
    return fit(picture, rng), label


def make_empty(faces, grounds, rng):
    """A crop without a plate: street, stripes, blobs or a word; its label is the empty string."""
    tall, wide = 96, int(96 * rng.uniform(2.2, 5))
    canvas = cut_ground(grounds, tall, wide, rng)
    roll = rng.random()
    if roll < 0.2:
        step, ink = int(rng.integers(4, 30)), near(rng.uniform(0, 255, 3), rng, 10)
        for at in range(0, wide if rng.random() < 0.5 else tall, step):
            if rng.random() < 0.97 and wide > tall:
                canvas[at : at + step // 2] = ink if rng.random() < 0.97 else canvas[at : at + step // 2]
            canvas[:, at * 3 : at * 3 + step // 3] = ink
    elif roll < 0.35:
        canvas = cv2.GaussianBlur(
            (canvas + rng.normal(0, 60, canvas.shape)).astype(np.float32), (0, 0), rng.uniform(3, 14)
        )
    elif roll < 0.6:
        word, face, ink = WORDS[rng.integers(len(WORDS))], faces.pick(rng, 0.0), near(rng.uniform(0, 255, 3), rng, 10)
        size, x = int(rng.uniform(30, 80)), rng.uniform(4, 30)
        for char in word:
            if char == " ":
                x += size * 0.4
                continue
            mask = shape_char(face, char, size, 0.9, 0, "plain")
            paint(canvas, mask, ink.astype(np.float32), x, (tall - size) / 2)
            x += mask.shape[1] + 4
        canvas = canvas[:, : max(120, min(wide, int(x) + 10))]
    h, w = canvas.shape[:2]
    quad = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32) + rng.normal(0, 3, (4, 2)).astype(np.float32)
    size = char_height(rng) * 1.2
    return fit(film(canvas, quad, size * w / h, size, size / 1.2, rng), rng), ""


def make_sample(faces, grounds, rng):
    """One sample: seven in a hundred are empty."""
    while True:
        made = make_empty(faces, grounds, rng) if rng.random() < 0.07 else make_plate(faces, grounds, rng)
        if made is not None:
            return made
