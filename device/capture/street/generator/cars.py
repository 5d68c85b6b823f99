"""Cars and buses, lofted from cross-sections. Body frame: x right, y forward, z up, origin below the centre."""

import math

import bpy

from shapes import Parts
from street_model import PLATE_HEIGHT, PLATE_WIDTH, plate_mounts

# Cross-sections from the rear to the front, in metres for a car 4.6 m long, 1.46 m high and 1.82 m wide:
# (y, sill z, belt z, roof z, half width at the belt, half width at the roof, kind of the piece that follows)
# Kinds: body, rear (rear window), cabin (side windows), pillar, front (windscreen).
SECTIONS = {
    "sedan": [
        (-2.30, 0.36, 0.74, 0.78, 0.80, 0.72, "body"),
        (-2.25, 0.27, 0.96, 1.03, 0.86, 0.76, "body"),
        (-1.78, 0.24, 0.95, 1.06, 0.90, 0.72, "rear"),
        (-1.08, 0.22, 0.94, 1.39, 0.91, 0.62, "pillar"),
        (-0.98, 0.22, 0.93, 1.41, 0.91, 0.63, "cabin"),
        (-0.14, 0.22, 0.92, 1.45, 0.91, 0.65, "pillar"),
        (-0.04, 0.22, 0.92, 1.45, 0.91, 0.65, "cabin"),
        (0.42, 0.22, 0.91, 1.42, 0.91, 0.63, "front"),
        (1.18, 0.22, 0.95, 1.00, 0.90, 0.72, "body"),
        (1.90, 0.24, 0.82, 0.89, 0.88, 0.70, "body"),
        (2.22, 0.28, 0.68, 0.74, 0.82, 0.66, "body"),
        (2.30, 0.36, 0.58, 0.62, 0.74, 0.62, "body"),
    ],
    "hatch": [
        (-2.30, 0.36, 0.78, 0.84, 0.80, 0.74, "body"),
        (-2.24, 0.27, 0.90, 1.00, 0.87, 0.76, "rear"),
        (-1.90, 0.24, 0.94, 1.38, 0.90, 0.64, "pillar"),
        (-1.45, 0.23, 0.94, 1.43, 0.91, 0.65, "cabin"),
        (-0.30, 0.22, 0.92, 1.47, 0.91, 0.66, "pillar"),
        (-0.20, 0.22, 0.92, 1.47, 0.91, 0.66, "cabin"),
        (0.50, 0.22, 0.91, 1.43, 0.91, 0.63, "front"),
        (1.34, 0.22, 0.95, 1.00, 0.90, 0.72, "body"),
        (1.98, 0.24, 0.84, 0.90, 0.87, 0.70, "body"),
        (2.24, 0.28, 0.68, 0.74, 0.81, 0.66, "body"),
        (2.30, 0.36, 0.58, 0.62, 0.73, 0.62, "body"),
    ],
    "estate": [
        (-2.30, 0.36, 0.76, 0.82, 0.80, 0.74, "body"),
        (-2.26, 0.27, 0.90, 1.00, 0.87, 0.76, "rear"),
        (-1.84, 0.24, 0.94, 1.39, 0.90, 0.64, "pillar"),
        (-1.70, 0.24, 0.94, 1.41, 0.90, 0.65, "cabin"),
        (-1.02, 0.22, 0.93, 1.44, 0.91, 0.65, "pillar"),
        (-0.94, 0.22, 0.93, 1.44, 0.91, 0.65, "cabin"),
        (-0.10, 0.22, 0.92, 1.46, 0.91, 0.66, "pillar"),
        (0.0, 0.22, 0.92, 1.46, 0.91, 0.66, "cabin"),
        (0.46, 0.22, 0.91, 1.43, 0.91, 0.63, "front"),
        (1.20, 0.22, 0.95, 1.00, 0.90, 0.72, "body"),
        (1.92, 0.24, 0.83, 0.90, 0.88, 0.70, "body"),
        (2.22, 0.28, 0.68, 0.74, 0.82, 0.66, "body"),
        (2.30, 0.36, 0.58, 0.62, 0.74, 0.62, "body"),
    ],
    "suv": [
        (-2.30, 0.40, 0.74, 0.80, 0.82, 0.76, "body"),
        (-2.25, 0.30, 0.87, 0.98, 0.88, 0.78, "rear"),
        (-2.02, 0.28, 0.93, 1.38, 0.91, 0.68, "pillar"),
        (-1.70, 0.26, 0.93, 1.43, 0.91, 0.68, "cabin"),
        (-1.00, 0.26, 0.93, 1.45, 0.91, 0.69, "pillar"),
        (-0.90, 0.26, 0.93, 1.45, 0.91, 0.69, "cabin"),
        (-0.10, 0.26, 0.92, 1.46, 0.91, 0.69, "pillar"),
        (0.0, 0.26, 0.92, 1.46, 0.91, 0.69, "cabin"),
        (0.56, 0.26, 0.92, 1.42, 0.91, 0.66, "front"),
        (1.24, 0.26, 0.97, 1.02, 0.90, 0.74, "body"),
        (1.96, 0.28, 0.90, 0.96, 0.88, 0.72, "body"),
        (2.24, 0.32, 0.76, 0.82, 0.83, 0.68, "body"),
        (2.30, 0.40, 0.62, 0.66, 0.76, 0.64, "body"),
    ],
}


def _ring(section, sx, sz):
    """Half cross-section from below the middle to the top of the middle: nine points (x, z)."""
    _, sill, belt, roof, wide, narrow, _ = section
    middle = sill + 0.52 * (belt - sill)
    low = sill + 0.14
    points = [
        (0.0, sill), (wide * 0.86, sill), (wide * 0.985, low), (wide, middle), (wide * 0.955, belt),
        (narrow + (wide * 0.955 - narrow) * 0.16, belt + (roof - belt) * 0.86), (narrow, roof),
        (narrow * 0.55, roof + 0.025), (0.0, roof + 0.032),
    ]
    return [(x * sx, z * sz) for x, z in points]


def _body(parts, model_name, model, paint):
    sections = SECTIONS[model_name]
    sx, sy, sz = model["width"] / 1.82, model["length"] / 4.60, model["height"] / 1.46
    if model_name in ("hatch", "estate"):
        sz = model["height"] / 1.49
    half = 9
    vertices, faces, kinds = [], [], []
    for section in sections:
        ring = _ring(section, sx, sz)
        y = section[0] * sy
        vertices.extend((-x, y, z) for x, z in ring)
        vertices.extend((x, y, z) for x, z in ring)
    stride = 2 * half
    for i in range(len(sections) - 1):
        kind = sections[i][6]
        for side in (0, 1):
            for k in range(half - 1):
                a = i * stride + side * half + k
                quad = (a, a + 1, a + stride + 1, a + stride)
                faces.append(quad if side == 0 else tuple(reversed(quad)))
                glass = (kind == "cabin" and k == 4) or (kind in ("rear", "front") and k >= 6)
                if kind in ("pillar",) and k == 4:
                    kinds.append("trim")
                else:
                    kinds.append("glass" if glass else ("trim" if k in (0,) else paint))
    for i, flip in ((0, False), (len(sections) - 1, True)):
        for side in (0, 1):
            for k in range(half - 1):
                if k + 1 >= half:
                    continue
                centre = len(vertices)
                a = i * stride + side * half + k
                vertices.append((0, sections[i][0] * sy, vertices[a][2]))
                vertices.append((0, sections[i][0] * sy, vertices[a + 1][2]))
                quad = (a, a + 1, centre + 1, centre)
                faces.append(quad if (side == 0) == flip else tuple(reversed(quad)))
                kinds.append(paint)
    for kind in (paint, "glass", "trim"):
        own = [f for f, k in zip(faces, kinds) if k == kind]
        slot = parts.slot(kind)
        if kind == paint:
            base = len(parts.vertices)
            parts.vertices.extend(vertices)
        for face in own:
            parts.faces.append([base + i for i in face])
            parts.slots.append(slot)


def _smoothed(mesh, levels):
    """The mesh after subdivision, so that drawing and truth use the same triangles."""
    thing = bpy.data.objects.new("smoothing", mesh)
    bpy.context.scene.collection.objects.link(thing)
    weld = thing.modifiers.new("weld", "WELD")
    weld.merge_threshold = 0.0005
    modifier = thing.modifiers.new("subdivision", "SUBSURF")
    modifier.levels = levels
    modifier.render_levels = levels
    graph = bpy.context.evaluated_depsgraph_get()
    result = bpy.data.meshes.new_from_object(thing.evaluated_get(graph))
    bpy.data.objects.remove(thing)
    return result


def _wheels(parts, model, radius):
    outer = model["width"] / 2 + 0.004
    front = model["length"] / 2 - model["frontOverhang"]
    for y in (front, front - model["wheelbase"]):
        for side in (-1, 1):
            arch = []
            for k in range(13):
                a = math.pi * k / 12
                arch.append((side * (outer - 0.012), y + (radius + 0.07) * math.cos(a), radius + (radius + 0.07) * math.sin(a)))
            parts.add(arch, [tuple(range(13)) if side < 0 else tuple(reversed(range(13)))], "seam")
            parts.cylinder((side * (outer - 0.24), y, radius), (side * outer, y, radius), radius, "rubber", 28)
            parts.cylinder((side * (outer - 0.02), y, radius), (side * (outer + 0.008), y, radius), radius * 0.66, "rim", 18)
            parts.cylinder((side * outer, y, radius), (side * (outer + 0.016), y, radius), radius * 0.2, "trim", 10)
            for spoke in range(5):
                a = 2 * math.pi * (spoke + 0.5) / 5
                parts.box((side * (outer + 0.01), y + radius * 0.44 * math.cos(a), radius + radius * 0.44 * math.sin(a)),
                          (0.006, radius * 0.17, radius * 0.30), "seam", tilt=a - math.pi / 2)


def _plates(parts, model_name, model):
    """Blank plates on dark holders; compose.ts prints what stands on them."""
    for _, facing, ahead, z in plate_mounts(model_name, model["class"] == "bus"):
        face = facing * (model["length"] / 2 + ahead)
        parts.box((0, face - facing * 0.017, z), (PLATE_WIDTH + 0.02, 0.02, PLATE_HEIGHT + 0.02), "trim")
        parts.box((0, face - facing * 0.005, z), (PLATE_WIDTH, 0.01, PLATE_HEIGHT), "plate")


def car(model_name, model, colour, materials):
    """Meshes of a car: (body with everything on it, lamps that brake)."""
    paint = "paint_" + colour
    shell = Parts(materials)
    _body(shell, model_name, model, paint)
    body = shell.mesh("shell")
    for polygon in body.polygons:
        polygon.use_smooth = True
    body = _smoothed(body, 2)
    for polygon in body.polygons:
        polygon.use_smooth = True

    half, hw = model["length"] / 2, model["width"] / 2
    tall = model["height"] / 1.46
    details = Parts(materials)
    lamp = (0.72 if model_name == "suv" else 0.62) * tall
    _wheels(details, model, model["wheelRadius"])
    rear_deck = {"sedan": 0.86, "hatch": 0.84, "estate": 0.84, "suv": 0.86}[model_name] * tall
    # Bumpers, lower edge, plate, seams
    details.box((0, -half + 0.10, 0.40), (hw * 1.72, 0.16, 0.17), "trim")
    details.box((0, -half + 0.07, 0.58), (hw * 1.78, 0.15, 0.13), paint)
    details.box((0, half - 0.12, 0.36), (hw * 1.62, 0.16, 0.14), "trim")
    details.box((0, half - 0.07, 0.56), (0.9, 0.10, 0.12), "trim")
    details.box((0, -half + 0.30, 0.25), (hw * 1.2, 0.4, 0.08), "seam")
    _plates(details, model_name, model)
    details.box((0, -half + 0.012, rear_deck - 0.14), (hw * 1.30, 0.02, 0.018), "seam")
    for y in (-0.20, 0.98):
        for side in (-1, 1):
            details.box((side * (hw * 0.992), y * model["length"] / 4.6, 0.66 * tall), (0.012, 0.014, 0.52), "seam")
            details.box((side * (hw * 0.990), (y - 0.22) * model["length"] / 4.6, 0.87 * tall), (0.035, 0.2, 0.035), "trim")
    for side in (-1, 1):
        details.box((side * (hw * 0.985), 0.1, 0.33), (0.02, model["wheelbase"] - 0.9, 0.1), "trim")
        details.box((side * (hw + 0.005), 0.78 * model["length"] / 4.6, 0.99 * tall), (0.15, 0.09, 0.11), "trim")
        # Headlamps and indicators
        details.box((side * (hw - 0.30), half - 0.12, lamp), (0.36, 0.2, 0.15), "headlamp", turn=side * -0.35)
        details.box((side * (hw - 0.30), half - 0.015, lamp), (0.16, 0.03, 0.09), "lamp_lit", turn=side * -0.35)
    details.box((0, half - 0.045, lamp - 0.01), (0.80, 0.1, 0.11), "seam")
    if model_name in ("hatch", "estate", "suv"):
        details.box((0, -half + 0.42 * model["length"] / 4.6, model["height"] * 0.955), (hw * 1.28, 0.24, 0.035), paint)

    lamps = Parts(materials)
    for side in (-1, 1):
        if model_name == "sedan":
            lamps.box((side * (hw - 0.33), -half + 0.065, rear_deck), (0.38, 0.12, 0.16), "tail", turn=side * 0.20)
        else:
            lamps.box((side * (hw - 0.235), -half + 0.085, rear_deck + 0.02), (0.22, 0.14, 0.30), "tail", turn=side * 0.25)
    return body, details.mesh("details", smooth=True), lamps.mesh("lamps")


def bus(model, colour, materials):
    paint = "paint_" + colour
    length, width, height = model["length"], model["width"], model["height"]
    half, hw = length / 2, width / 2
    shell = Parts(materials)
    shell.box((0, 0, 0.32 + (height - 0.32) / 2), (width, length, height - 0.32), paint)
    body = shell.mesh("bus")
    thing = bpy.data.objects.new("rounding", body)
    bpy.context.scene.collection.objects.link(thing)
    bevel = thing.modifiers.new("bevel", "BEVEL")
    bevel.width = 0.16
    bevel.segments = 5
    graph = bpy.context.evaluated_depsgraph_get()
    body = bpy.data.meshes.new_from_object(thing.evaluated_get(graph))
    bpy.data.objects.remove(thing)
    for polygon in body.polygons:
        polygon.use_smooth = True
    body.use_auto_smooth = True
    body.auto_smooth_angle = math.radians(30)

    d = Parts(materials)
    _wheels(d, model, model["wheelRadius"])
    d.box((0, 0, 0.36), (width - 0.06, length - 0.3, 0.28), "trim")
    # Rear: window, engine grille, bumper, route number, plate
    d.box((0, -half - 0.002, 2.15), (width - 0.5, 0.03, 0.85), "glass")
    d.box((0, -half - 0.004, 2.78), (width - 0.7, 0.03, 0.24), "seam")
    d.box((-0.55, -half - 0.016, 2.78), (0.34, 0.02, 0.17), "indicator")
    d.box((0, -half - 0.004, 1.15), (width - 0.9, 0.03, 0.62), "trim")
    for k in range(5):
        d.box((0, -half - 0.022, 0.92 + 0.115 * k), (width - 1.0, 0.012, 0.025), "seam")
    d.box((0, -half - 0.02, 0.50), (width - 0.1, 0.10, 0.26), "trim")
    # Front
    d.box((0, half + 0.002, 1.95), (width - 0.3, 0.03, 1.35), "glass")
    d.box((0, half + 0.004, 2.82), (width - 0.6, 0.03, 0.22), "seam")
    d.box((0, half + 0.02, 0.5), (width - 0.1, 0.1, 0.26), "trim")
    _plates(d, "bus", model)
    for side in (-1, 1):
        d.box((side * 0.95, half + 0.01, 0.86), (0.36, 0.04, 0.2), "headlamp")
        d.box((side * (hw + 0.002), -0.15, 1.98), (0.03, length - 0.75, 0.95), "glass")
        for k in range(7):
            d.box((side * (hw + 0.010), -half + 1.0 + k * (length - 1.6) / 6, 1.98), (0.025, 0.09, 0.95), "trim")
        d.box((side * (hw + 0.003), 0, 1.22), (0.012, length - 0.4, 0.10), "plate")
        d.box((side * (hw + 0.18), half + 0.1, 2.2), (0.16, 0.1, 0.4), "trim")
    for y in (half - 1.3, half - 5.4):
        d.box((hw + 0.004, y, 1.45), (0.03, 1.15, 2.0), "glass")
        d.box((hw + 0.012, y, 1.45), (0.03, 0.05, 2.0), "trim")
    # Roof: air conditioning, hatches
    d.box((0, -2.6, height + 0.09), (1.7, 2.6, 0.2), "plate")
    d.box((0, 2.2, height + 0.03), (0.8, 0.8, 0.07), "kerb")
    d.box((0, -0.2, height + 0.02), (0.7, 0.7, 0.05), "trim")

    lamps = Parts(materials)
    for side in (-1, 1):
        lamps.box((side * (hw - 0.16), -half - 0.004, 1.12), (0.17, 0.04, 0.46), "tail")
        lamps.box((side * (hw - 0.2), -half - 0.004, 2.84), (0.14, 0.04, 0.08), "tail")
    return body, d.mesh("details", smooth=True), lamps.mesh("lamps")
