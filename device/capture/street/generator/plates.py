"""Where the number plates are seen, and what stands before them.

Per frame every plate that faces the camera and lies in the picture is listed with its corners in pixels; rays from the
camera to a grid of points on it tell which points something hides. Run inside Blender, by render.py.
"""

import json

import bpy
from mathutils import Vector

import street_model as street

COLUMNS, ROWS = 52, 11  # one point a square centimetre
LIFT = 0.004  # points stand this far before the plate, metres, so that no ray meets the plate itself
CORNERS = ((-0.5, 0.5), (0.5, 0.5), (0.5, -0.5), (-0.5, -0.5))


def _point(vehicle, t, plate, u, v, lift=0.0):
    """Road point on a plate: `u` from -0.5 (the left of the text) to 0.5, `v` from -0.5 (below) to 0.5."""
    right = -plate.facing * u * street.PLATE_WIDTH
    return vehicle.to_road(t, right, plate.forward + plate.facing * lift, plate.z + v * street.PLATE_HEIGHT)


def _corners(camera, vehicle, t, plate):
    """Pixels of the corners, clockwise from above the text's first character; None behind the camera."""
    found = [camera.project(*_point(vehicle, t, plate, u, v)) for u, v in CORNERS]
    return None if None in found else [[round(p[0], 3), round(p[1], 3)] for p in found]


def _seen(camera, corners):
    """Whether the plate shows its face, and any of it lies within the picture."""
    (ax, ay), (bx, by), _, (dx, dy) = corners
    if (bx - ax) * (dy - ay) - (by - ay) * (dx - ax) <= 0:
        return False
    xs, ys = [p[0] for p in corners], [p[1] for p in corners]
    return max(xs) > 0 and max(ys) > 0 and min(xs) < camera.width and min(ys) < camera.height


def _open_points(graph, camera, vehicle, t, plate):
    """Rows from above, one character per point: `1` where nothing stands between the camera and the plate."""
    eye = Vector((0.0, 0.0, camera.z))
    rows = []
    for row in range(ROWS):
        line = ""
        for column in range(COLUMNS):
            target = Vector(_point(vehicle, t, plate, (column + 0.5) / COLUMNS - 0.5, 0.5 - (row + 0.5) / ROWS, LIFT))
            way = target - eye
            hit = bpy.context.scene.ray_cast(graph, eye, way.normalized(), distance=way.length)
            line += "0" if hit[0] else "1"
        rows.append(line)
    return rows


def write(stage, scenario, path):
    camera = street.Camera(scenario)
    frames = []
    for frame in range(scenario["frame"]["count"]):
        t = street.frame_time(scenario, frame)
        stage.pose(t)
        bpy.context.view_layer.update()
        graph = bpy.context.evaluated_depsgraph_get()
        listed = []
        for vehicle in stage.vehicles:
            for plate in vehicle.plates() if street.drawn(vehicle, t) else ():
                corners = _corners(camera, vehicle, t, plate)
                if corners is None or not _seen(camera, corners):
                    continue
                rows = _open_points(graph, camera, vehicle, t, plate)
                if any("1" in row for row in rows):
                    listed.append({"vehicle": vehicle.id, "side": plate.side, "corners": corners, "open": rows})
        frames.append(listed)
        if frame % 40 == 0:
            print("plates: frame", frame, flush=True)
    texts = {vehicle.id: vehicle.spec["plate"] for vehicle in stage.vehicles}
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"columns": COLUMNS, "rows": ROWS, "texts": texts, "frames": frames}, file)
