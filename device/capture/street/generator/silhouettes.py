"""Boxes and occlusion of the vehicles, from the meshes that were drawn.

Box: all vertices of a vehicle through the pinhole. Occlusion: the surface is sampled every 1.6 cm, the samples make a
mask of cells of CELL pixels (holes of one cell closed), and nearer vehicles and street furniture take cells away, in the
order of their distance. Needs numpy.
"""

import json
import math

import numpy as np

SPACING = 0.016
CELL = 4


def _samples(parts):
    """Points on the triangles, about SPACING apart."""
    result = []
    for part in parts:
        v = np.array(part["vertices"])
        t = np.array(part["triangles"])
        a, b, c = v[t[:, 0]], v[t[:, 1]], v[t[:, 2]]
        result.append(v)
        edge = np.sqrt(np.maximum(((b - a) ** 2).sum(1), np.maximum(((c - a) ** 2).sum(1), ((c - b) ** 2).sum(1))))
        steps = np.minimum(np.ceil(edge / SPACING).astype(int), 400)
        for n in np.unique(steps):
            chosen = steps == n
            if n <= 1:
                result.append((a[chosen] + b[chosen] + c[chosen]) / 3)
                continue
            i, j = np.meshgrid(np.arange(n + 1), np.arange(n + 1))
            keep = (i + j) <= n
            u, w = (i[keep] / n)[:, None, None], (j[keep] / n)[:, None, None]
            points = a[chosen] + u * (b - a)[chosen] + w * (c - a)[chosen]
            result.append(points.reshape(-1, 3))
    points = np.concatenate(result)
    cells = np.unique(np.round(points / (SPACING * 0.8)).astype(np.int32), axis=0)
    return cells * (SPACING * 0.8)


def _close(mask):
    """Fills holes of one cell."""
    grown = mask.copy()
    grown[1:] |= mask[:-1]
    grown[:-1] |= mask[1:]
    wide = grown.copy()
    wide[:, 1:] |= grown[:, :-1]
    wide[:, :-1] |= grown[:, 1:]
    shrunk = wide.copy()
    shrunk[1:] &= wide[:-1]
    shrunk[:-1] &= wide[1:]
    final = shrunk.copy()
    final[:, 1:] &= shrunk[:, :-1]
    final[:, :-1] &= shrunk[:, 1:]
    return final | mask


class Silhouettes:
    def __init__(self, camera, meshes_path):
        with open(meshes_path, encoding="utf-8") as file:
            meshes = json.load(file)
        self.camera = camera
        self.vertices = {
            name: np.concatenate([np.array(part["vertices"]) for part in parts])
            for name, parts in meshes["vehicles"].items()
        }
        self.samples = {name: _samples(parts) for name, parts in meshes["vehicles"].items()}
        fixed = np.concatenate([_samples([meshes["static"][name]]) for name in ("signals", "furniture")])
        px, py, depth = self._project(fixed)
        self.fixed = np.full((camera.height // CELL, camera.width // CELL), np.inf)
        ix, iy, d = self._cells(px, py, depth)
        np.minimum.at(self.fixed, (iy, ix), d)

    def _project(self, points):
        camera = self.camera
        c, s = math.cos(camera.pitch), math.sin(camera.pitch)
        drop = camera.z - points[:, 2]
        depth = points[:, 1] * c + drop * s
        ahead = depth > 0.5
        safe = np.where(ahead, depth, np.nan)
        px = camera.width / 2 + camera.focal * points[:, 0] / safe
        py = camera.height / 2 + camera.focal * (drop * c - points[:, 1] * s) / safe
        return px[ahead], py[ahead], depth[ahead]

    def _cells(self, px, py, depth, margin=0):
        ix, iy = np.floor(px / CELL).astype(int) + margin, np.floor(py / CELL).astype(int) + margin
        inside = (ix >= 0) & (iy >= 0) & (ix < self.camera.width // CELL + 2 * margin) & (iy < self.camera.height // CELL + 2 * margin)
        return ix[inside], iy[inside], depth[inside]

    def _placed(self, vehicle, t, points):
        x, y, h = vehicle.pose(t)
        c, s = math.cos(h), math.sin(h)
        return np.stack([x + points[:, 0] * c - points[:, 1] * s, y + points[:, 0] * s + points[:, 1] * c, points[:, 2]], axis=1)

    def frame(self, vehicles, t):
        """List of (vehicle, whole box, box within the picture, visible fraction), nearest first.

        The visible fraction counts the cells that are inside the picture and not hidden, over all cells of the
        vehicle, those outside of the picture included.
        """
        camera = self.camera
        margin = 150
        taken = np.zeros((camera.height // CELL, camera.width // CELL), dtype=bool)
        result = []
        for vehicle in sorted(vehicles, key=lambda v: v.pose(t)[1]):
            px, py, _ = self._project(self._placed(vehicle, t, self.vertices[vehicle.model_name]))
            if len(px) == 0:
                continue
            whole = (float(px.min()), float(py.min()), float(px.max()), float(py.max()))
            box = (max(0.0, whole[0]), max(0.0, whole[1]), min(float(camera.width), whole[2]), min(float(camera.height), whole[3]))
            if box[2] - box[0] < 1 or box[3] - box[1] < 1:
                continue
            px, py, depth = self._project(self._placed(vehicle, t, self.samples[vehicle.model_name]))
            ix, iy, _ = self._cells(px, py, depth, margin)
            large = np.zeros((camera.height // CELL + 2 * margin, camera.width // CELL + 2 * margin), dtype=bool)
            large[iy, ix] = True
            large = _close(large)
            own = large[margin:-margin, margin:-margin]
            total = int(large.sum())
            free = own & ~taken & ~(self.fixed < vehicle.pose(t)[1])
            outside = total - int(own.sum())
            # Cells beyond the wide margin are lost for both counts; such a vehicle is almost out of the picture.
            fraction = int(free.sum()) / max(1, int(own.sum()) + outside)
            taken |= own
            result.append((vehicle, whole, box, fraction))
        return result
