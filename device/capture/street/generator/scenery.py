"""Everything that stands still: road, markings, pavements, signals, trees, houses."""

import math
import random

from shapes import Parts

FAR = 215.0


def _dashes(parts, x, near, far, length, gap, width, material="white_mark"):
    y = near
    while y < far - 0.5:
        parts.rectangle(x - width / 2, x + width / 2, y, min(y + length, far), 0.012, material)
        y += length + gap


def _arrow(parts, x, y):
    parts.rectangle(x - 0.08, x + 0.08, y, y + 2.2, 0.012, "white_mark")
    parts.plate([(x - 0.38, y + 2.2), (x + 0.38, y + 2.2), (x, y + 3.6)], 0.012, "white_mark")


_LETTERS = {
    "B": ["1110", "1001", "1110", "1001", "1110"], "U": ["1001", "1001", "1001", "1001", "1111"],
    "S": ["1111", "1000", "1111", "0001", "1111"],
}


def _word(parts, text, x, y, cell_x=0.17, cell_y=0.52):
    left = x - (len(text) * 5 - 1) * cell_x / 2
    for n, letter in enumerate(text):
        for row, line in enumerate(_LETTERS[letter]):
            for column, cell in enumerate(line):
                if cell == "1":
                    x0 = left + (n * 5 + column) * cell_x
                    y0 = y + (4 - row) * cell_y
                    parts.rectangle(x0, x0 + cell_x, y0, y0 + cell_y, 0.012, "white_mark")


def road(scenario, materials):
    r = scenario["road"]
    left, right = r["kerbs"]["left"], r["kerbs"]["right"]
    cross = r["crossStreet"]
    stop = r["stopLine"]
    lanes = {lane["id"]: lane for lane in r["lanes"]}
    g = Parts(materials)
    g.rectangle(-120, 120, -60, FAR + 60, -0.02, "grass")
    g.object("land")
    g = Parts(materials)
    g.rectangle(left, right, -60, FAR, 0.0, "asphalt")
    g.rectangle(-120, left, cross["near"], cross["far"], 0.0, "asphalt")
    g.rectangle(right, 120, cross["near"], cross["far"], 0.0, "asphalt")
    bus = lanes["BUS"]
    g.rectangle(bus["left"] + 0.16, right, -60, stop["y"], 0.006, "bus_asphalt")
    g.rectangle(bus["left"] + 0.16, right, cross["far"] + 4, FAR, 0.006, "bus_asphalt")
    # A patch of newer asphalt and a few covers: a real road is never clean.
    g.object("road")

    m = Parts(materials)
    # Stop line, zebra, far zebra
    m.rectangle(stop["left"], stop["right"], stop["y"], stop["y"] + stop["thickness"], 0.012, "white_mark")
    zebra = r["crossing"]
    x = left + 0.5
    while x < right - 0.4:
        m.rectangle(x, x + 0.5, zebra["near"], zebra["far"], 0.012, "white_mark")
        x += 1.0
    for near, far in ((-60, stop["y"] - 0.0), (cross["far"] + 4.2, FAR)):
        # Double centre line
        for offset in (-0.13, 0.13):
            m.rectangle(-2.85 + offset - 0.06, -2.85 + offset + 0.06, near, far, 0.012, "white_mark")
        m.rectangle(bus["left"] - 0.13, bus["left"] + 0.13, near, far, 0.013, "white_mark")
    _dashes(m, 0.5, 14, 34, 2.0, 2.0, 0.13)
    m.rectangle(0.435, 0.565, 34, stop["y"], 0.012, "white_mark")
    _dashes(m, 0.5, cross["far"] + 5, FAR, 3.0, 4.0, 0.13)
    # Stop line of the other side
    m.rectangle(-6.25, -2.98, cross["far"] + 3.6, cross["far"] + 4.1, 0.012, "white_mark")
    for lane, y in (("A1", 26.0), ("A2", 26.0), ("A1", 72.0), ("A2", 72.0)):
        _arrow(m, (lanes[lane]["left"] + lanes[lane]["right"]) / 2, y)
    for y in (26.0, 70.0):
        _word(m, "BUS", (bus["left"] + bus["right"]) / 2 + 0.05, y)
    # No-stopping zone: yellow edge, zigzag
    zone = r["noStopping"]
    m.rectangle(zone["right"] - 0.06, zone["right"] + 0.06, zone["near"], zone["far"], 0.012, "yellow_mark")
    for y in (zone["near"], zone["far"] - 0.12):
        m.rectangle(zone["left"] + 0.3, zone["right"] + 0.06, y, y + 0.12, 0.012, "yellow_mark")
    y, low = zone["near"], True
    a, b = zone["left"] + 0.35, zone["right"] - 0.25
    while y < zone["far"] - 1.9:
        x0, x1 = (a, b) if low else (b, a)
        m.plate([(x0, y), (x1, y + 2), (x1, y + 2.25), (x0, y + 0.25)] if low else
                [(x1, y + 2), (x0, y), (x0, y + 0.25), (x1, y + 2.25)], 0.012, "yellow_mark")
        y += 2
        low = not low
    m.rectangle(left + 0.12, left + 0.24, -60, zone["near"] - 1, 0.012, "yellow_mark")
    # Junction box: frame and diagonals
    box = r["junctionBox"]
    for x0, x1, y0, y1 in (
        (box["left"], box["right"], box["near"], box["near"] + 0.14),
        (box["left"], box["right"], box["far"] - 0.14, box["far"]),
        (box["left"], box["left"] + 0.14, box["near"], box["far"]),
        (box["right"] - 0.14, box["right"], box["near"], box["far"]),
    ):
        m.rectangle(x0, x1, y0, y1, 0.012, "yellow_mark")
    # No diagonals: yellow hatching behind a car cost the detector up to a third of the cars seen against it.
    # Covers and repairs
    random.seed(7)
    for cx, cy in ((-0.4, 29.0), (2.9, 46.0), (-5.2, 21.5), (1.4, 63.0), (-4.4, 74.0)):
        m.cylinder((cx, cy, 0.0), (cx, cy, 0.008), 0.33, "trim", 20)
    m.object("markings")


def pavements(scenario, materials):
    r = scenario["road"]
    left, right = r["kerbs"]["left"], r["kerbs"]["right"]
    cross = r["crossStreet"]
    p = Parts(materials)
    for x0, x1, edge in ((left - 6.5, left, left), (right, right + 6.0, right)):
        for near, far in ((-60, cross["near"]), (cross["far"], FAR)):
            p.box(((x0 + x1) / 2, (near + far) / 2, 0.06), (x1 - x0, far - near, 0.12), "paving")
            p.box((edge, (near + far) / 2, 0.065), (0.28, far - near, 0.135), "kerb")
            for y in (near, far):
                p.box(((x0 + x1) / 2, y, 0.065), (x1 - x0, 0.28, 0.135), "kerb")
    p.object("pavements")


def _signal_head(p, x, y, z, facing=-1):
    """Three lamps, red above, on a dark box with hoods; `facing` -1 looks towards the camera."""
    p.box((x, y, z), (0.42, 0.24, 1.16), "signal_box")
    p.box((x, y + 0.05, z), (0.72, 0.03, 1.46), "signal_box")
    for k, lamp in enumerate(("signal_green", "signal_amber", "signal_red")):
        zz = z - 0.36 + 0.36 * k
        p.cylinder((x, y + facing * 0.11, zz), (x, y + facing * 0.135, zz), 0.145, lamp, 20)
        p.box((x, y + facing * 0.22, zz + 0.15), (0.32, 0.2, 0.02), "signal_box")


def signal_places(scenario):
    """Middle of each signal head, in road metres."""
    r = scenario["road"]
    left, right = r["kerbs"]["left"], r["kerbs"]["right"]
    near_y, far_y = r["stopLine"]["y"] + 1.0, r["crossStreet"]["far"] + 2.0
    return (right + 0.75, near_y, 3.0), (left - 0.8, far_y, 3.05), (right + 0.8, far_y, 3.05)


def signals(scenario, materials):
    p = Parts(materials)
    for x, y, z in signal_places(scenario):
        p.cylinder((x, y + 0.16, 0.1), (x, y + 0.16, z + 0.9), 0.075, "pole", 14)
        _signal_head(p, x, y, z)
    p.object("signals", smooth=True)


def _tree(p, x, y, height, seed):
    rnd = random.Random(seed)
    p.cylinder((x, y, 0.1), (x, y, height * 0.55), 0.16, "trunk", 10, top_radius=0.10)
    blobs = [(x + rnd.uniform(-0.9, 0.9), y + rnd.uniform(-0.9, 0.9), height * rnd.uniform(0.55, 0.9), rnd.uniform(0.7, 1.2))
             for _ in range(8)]
    vertices, faces, dark_v, dark_f = [], [], [], []
    for _ in range(1500):
        bx, by, bz, br = blobs[rnd.randrange(len(blobs))]
        while True:
            ux, uy, uz = rnd.uniform(-1, 1), rnd.uniform(-1, 1), rnd.uniform(-1, 1)
            n = ux * ux + uy * uy + uz * uz
            if 0.35 < n < 1:
                break
        cx, cy, cz = bx + ux * br, by + uy * br, bz + uz * br * 0.85
        s = rnd.uniform(0.10, 0.19)
        a = [rnd.uniform(-1, 1) for _ in range(3)]
        b = [rnd.uniform(-1, 1) for _ in range(3)]
        v, f = (vertices, faces) if rnd.random() < 0.6 else (dark_v, dark_f)
        i = len(v)
        v.extend([
            (cx - s * a[0], cy - s * a[1], cz - s * a[2]), (cx + s * b[0], cy + s * b[1], cz + s * b[2]),
            (cx + s * a[0], cy + s * a[1], cz + s * a[2]), (cx - s * b[0], cy - s * b[1], cz - s * b[2]),
        ])
        f.append((i, i + 1, i + 2, i + 3))
    p.add(vertices, faces, "leaf")
    p.add(dark_v, dark_f, "leaf_dark")


def _hedge(p, x, near, far, seed):
    rnd = random.Random(seed)
    p.box((x, (near + far) / 2, 0.45), (0.7, far - near, 0.75), "leaf_dark")
    vertices, faces = [], []
    for _ in range(int((far - near) * 130)):
        cx, cy, cz = x + rnd.uniform(-0.42, 0.42), rnd.uniform(near, far), rnd.uniform(0.2, 0.95)
        s = rnd.uniform(0.05, 0.1)
        a = [rnd.uniform(-1, 1) for _ in range(3)]
        b = [rnd.uniform(-1, 1) for _ in range(3)]
        i = len(vertices)
        vertices.extend([
            (cx - s * a[0], cy - s * a[1], cz - s * a[2]), (cx + s * b[0], cy + s * b[1], cz + s * b[2]),
            (cx + s * a[0], cy + s * a[1], cz + s * a[2]), (cx - s * b[0], cy - s * b[1], cz - s * b[2]),
        ])
        faces.append((i, i + 1, i + 2, i + 3))
    p.add(vertices, faces, "leaf")


def planting(scenario, materials):
    r = scenario["road"]
    left, right = r["kerbs"]["left"], r["kerbs"]["right"]
    p = Parts(materials)
    n = 0
    for x in (left - 1.7, right + 1.7):
        for y in (64, 75, 87, 101, 116, 133, 152, 172):
            n += 1
            _tree(p, x + 0.2 * math.sin(n * 7), y + (3 if x > 0 else 0), 6.6 + 0.8 * math.sin(n * 3), n)
    for x in (left - 2.2, right + 2.4):
        _hedge(p, x, 19, 37, 40 + int(x))
    _tree(p, left - 3.4, 31.5, 6.0, 91)
    # The end of the street
    for k in range(12):
        _tree(p, -24 + 4.2 * k, FAR + 4 + (k % 3), 8.5, 200 + k)
    _hedge(p, left - 0.5, FAR - 2, FAR + 2, 300)
    for k in range(9):
        p.box((left + 1 + 2 * k, FAR + 1, 0.6), (1.9, 1.0, 1.2), "leaf_dark")
    p.object("planting")


def _shop(p, side_x, near, far, outward, facade, awning, seed):
    """House with shop front along the street; `outward` +1: to the right of the road."""
    rnd = random.Random(seed)
    depth, height = 10.0, 9.0
    cx = side_x + outward * depth / 2
    p.box((cx, (near + far) / 2, height / 2), (depth, far - near, height), facade)
    face = side_x - outward * 0.02
    y = near + 0.6
    while y + 3.0 < far:
        width = rnd.choice((2.2, 2.8, 3.2))
        if y + width > far - 0.4:
            break
        p.box((face, y + width / 2, 1.55), (0.10, width, 2.3), "frame")
        p.box((face - outward * 0.05, y + width / 2, 1.6), (0.06, width - 0.24, 2.05), "glass")
        if rnd.random() < 0.6:
            p.box((face - outward * 0.55, y + width / 2, 2.95), (1.2, width, 0.06), awning)
        p.box((face, y + width / 2, 5.2), (0.1, 1.3, 1.6), "frame")
        p.box((face - outward * 0.05, y + width / 2, 5.2), (0.06, 1.1, 1.4), "glass")
        y += width + 0.7
    p.box((face - outward * 0.04, (near + far) / 2, 3.45), (0.12, far - near - 0.6, 0.5), "sign" if seed % 2 else "wood")
    # Gable towards the junction
    p.box((cx, near - 0.02, 1.6), (depth * 0.6, 0.1, 2.2), "frame")
    p.box((cx, near - 0.06, 1.65), (depth * 0.56, 0.06, 1.95), "glass")
    p.box((cx, near - 0.05, 3.45), (depth - 0.6, 0.12, 0.5), "sign_red" if seed % 2 else "sign")


def houses(scenario, materials):
    r = scenario["road"]
    left, right = r["kerbs"]["left"] - 6.4, r["kerbs"]["right"] + 5.9
    p = Parts(materials)
    facades = ("facade_brick", "facade_sand", "facade_grey", "facade_cream", "facade_brick", "facade_sand", "facade_cream")
    y, k = 61.0, 0
    while y < FAR - 5:
        length = (17, 22, 15, 25, 19, 21, 24)[k % 7]
        for side, outward, shift in ((left, -1, 0), (right, 1, 3)):
            _shop(p, side, y, y + length - 0.4, outward, facades[(k + shift) % 7], ("awning_red", "awning_green")[(k + shift) % 2], k + shift)
        y += length
        k += 1
    # Walls before the junction, far outside the lanes
    p.box((left - 4.5, 20, 1.4), (0.3, 48, 2.6), "facade_brick")
    p.box((right + 3.0, 20, 1.4), (0.3, 48, 2.6), "facade_sand")
    p.object("houses")


def furniture(scenario, materials):
    r = scenario["road"]
    left, right = r["kerbs"]["left"], r["kerbs"]["right"]
    p = Parts(materials)
    for x, y in ((right + 0.7, 62), (left - 0.7, 60), (right + 0.7, 88), (left - 0.7, 90), (right + 0.7, 120), (left - 0.7, 125)):
        p.cylinder((x, y, 0.1), (x, y, 8.5), 0.09, "pole", 12, top_radius=0.06)
    for k in range(5):
        for x in (left - 0.45, right + 0.45):
            p.cylinder((x, 57.2 + 1.5 * k, 0.1), (x, 57.2 + 1.5 * k, 0.95), 0.06, "pole", 10)
    # No-stopping sign at the kerb
    p.cylinder((left - 0.6, 36.6, 0.1), (left - 0.6, 36.6, 2.5), 0.035, "pole", 10)
    p.cylinder((left - 0.6, 36.57, 2.35), (left - 0.6, 36.53, 2.35), 0.32, "sign_red", 24)
    p.cylinder((left - 0.6, 36.55, 2.35), (left - 0.6, 36.51, 2.35), 0.25, "sign", 24)
    # Litter bin, bench, letter box
    p.cylinder((right + 1.2, 35.0, 0.1), (right + 1.2, 35.0, 1.0), 0.24, "frame", 16)
    p.box((left - 1.6, 27.5, 0.5), (0.45, 1.7, 0.08), "wood")
    p.box((left - 1.85, 27.5, 0.75), (0.06, 1.7, 0.4), "wood")
    p.object("furniture", smooth=True)


def build(scenario, materials):
    road(scenario, materials)
    pavements(scenario, materials)
    signals(scenario, materials)
    planting(scenario, materials)
    houses(scenario, materials)
    furniture(scenario, materials)
