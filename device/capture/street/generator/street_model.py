"""The street as mathematics: motion, camera and shadow of every vehicle at any time.

Pure Python without packages, so that Blender's interpreter and the truth writer share one definition.
Units: metres, seconds, radians, pixels. Road: x to the right, y away from the camera, z up, camera above (0, 0).
Pixels are continuous: pixel i covers [i, i + 1), the picture's centre is (width / 2, height / 2).
"""

import collections
import json
import math
import os

HERE = os.path.dirname(os.path.abspath(__file__))

# Direction of the sun's light (towards the ground). It comes over the camera's left shoulder, so the sides that
# the camera sees are lit.
SUN_ELEVATION = math.radians(40)
SUN_AZIMUTH = math.radians(16)  # where the light travels to: 0 = away from the camera, positive = to the right
SUN = (
    math.cos(SUN_ELEVATION) * math.sin(SUN_AZIMUTH),
    math.cos(SUN_ELEVATION) * math.cos(SUN_AZIMUTH),
    -math.sin(SUN_ELEVATION),
)


def load_scenario():
    with open(os.path.join(HERE, "scenario.json"), encoding="utf-8") as file:
        return json.load(file)


class Camera:
    """Pinhole without distortion, no roll, no yaw."""

    def __init__(self, scenario):
        frame, camera = scenario["frame"], scenario["camera"]
        self.width, self.height = frame["width"], frame["height"]
        self.z = camera["height"]
        self.pitch = math.radians(camera["pitchDegrees"])
        self.fov = math.radians(camera["horizontalFieldOfViewDegrees"])
        self.focal = self.width / 2 / math.tan(self.fov / 2)

    def project(self, x, y, z=0.0):
        c, s = math.cos(self.pitch), math.sin(self.pitch)
        drop = self.z - z
        depth = y * c + drop * s
        if depth < 0.5:
            return None
        return (
            self.width / 2 + self.focal * x / depth,
            self.height / 2 + self.focal * (drop * c - y * s) / depth,
            depth,
        )


def lane_centre(scenario, lane_id):
    for lane in scenario["road"]["lanes"]:
        if lane["id"] == lane_id:
            return (lane["left"] + lane["right"]) / 2
    raise KeyError(lane_id)


# The plate of Spanish cars since 2000, in metres.
PLATE_WIDTH, PLATE_HEIGHT = 0.52, 0.11
Plate = collections.namedtuple("Plate", "side forward z facing")


def plate_mounts(model_name, bus):
    """(side, facing, metres from the body's end to the plate's outer face, z of the middle) of the plates of a model."""
    if bus:
        return (("rear", -1, 0.047, 0.72), ("front", 1, 0.092, 0.50))
    return (("rear", -1, 0.022, 0.66 if model_name == "sedan" else 0.60), ("front", 1, 0.022, 0.45))


class Vehicle:
    def __init__(self, scenario, spec):
        self.spec = spec
        self.id = spec["id"]
        self.model_name = spec["model"]
        self.model = scenario["models"][spec["model"]]
        self.sign = 1 if spec["direction"] == "away" else -1
        self.lane_x = spec["x"] if "x" in spec else lane_centre(scenario, spec["lane"])
        self.motion = spec["motion"]

    # Along the road

    def front_y(self, t):
        """Road y of the front bumper."""
        m = self.motion
        if m["kind"] == "standing":
            return m["frontY"]
        v = m["kmh"] / 3.6
        if m["kind"] == "constant":
            return m["frontY"] + self.sign * v * (t - m["at"])
        left = m["at"] - t  # time until standstill
        if left <= 0:
            return m["frontY"]
        braking = v / m["decel"]
        if left <= braking:
            return m["frontY"] - self.sign * 0.5 * m["decel"] * left * left
        return m["frontY"] - self.sign * (0.5 * v * braking + v * (left - braking))

    def speed(self, t):
        """Metres per second along the road's axis, never negative."""
        m = self.motion
        if m["kind"] == "standing":
            return 0.0
        v = m["kmh"] / 3.6
        if m["kind"] == "constant":
            return v
        return max(0.0, min(v, m["decel"] * (m["at"] - t)))

    def braking(self, t):
        m = self.motion
        return m["kind"] == "stop" and self.speed(t) < m["kmh"] / 3.6 - 1e-9

    def time_when_front_at(self, y):
        """Time at which the front bumper reaches road y, or None where it never does."""
        m = self.motion
        if m["kind"] == "standing":
            return None
        v = m["kmh"] / 3.6
        ahead = self.sign * (m["frontY"] - y)  # metres still to go to the reference point
        if m["kind"] == "constant":
            return m["at"] - ahead / v
        if ahead < 0:
            return None
        braking = v / m["decel"]
        if ahead <= 0.5 * v * braking:
            return m["at"] - math.sqrt(2 * ahead / m["decel"])
        return m["at"] - braking - (ahead - 0.5 * v * braking) / v

    def time_when_at(self, y, behind_front):
        """Time at which the point `behind_front` metres behind the front bumper reaches road y, or None."""
        return self.time_when_front_at(y + self.sign * behind_front)

    # Across the road

    def x_at(self, y):
        for piece in self.spec.get("path", []):
            high, low = max(piece["fromY"], piece["toY"]), min(piece["fromY"], piece["toY"])
            if low <= y <= high:
                u = (y - piece["fromY"]) / (piece["toY"] - piece["fromY"])
                return piece["fromX"] + (piece["toX"] - piece["fromX"]) * u**3 * (10 - 15 * u + 6 * u * u)
        pieces = self.spec.get("path", [])
        if pieces and y > max(pieces[0]["fromY"], pieces[0]["toY"]):
            return pieces[0]["fromX"]
        if pieces and y < min(pieces[-1]["fromY"], pieces[-1]["toY"]):
            return pieces[-1]["toX"]
        return self.lane_x

    def pose(self, t):
        """(x, y, heading) of the body's centre on the ground; heading 0 = away, pi = towards, counter-clockwise."""
        y = self.front_y(t) - self.sign * self.model["length"] / 2
        x = self.x_at(y)
        slope = (self.x_at(y + 0.05) - self.x_at(y - 0.05)) / 0.1
        heading = -math.atan(slope) + (0 if self.sign > 0 else math.pi)
        return x, y, heading

    def to_road(self, t, right, forward, z=0.0):
        """Road coordinates of a point given in the body's own frame."""
        x, y, h = self.pose(t)
        return (
            x + right * math.cos(h) - forward * math.sin(h),
            y + right * math.sin(h) + forward * math.cos(h),
            z,
        )

    def axle(self, name):
        """Forward coordinate of an axle in the body's frame, metres from the centre."""
        m = self.model
        front = m["length"] / 2 - m["frontOverhang"]
        return front if name == "front" else front - m["wheelbase"]

    def contacts(self, t, name):
        """Ground points of the left and right wheel of an axle."""
        half = self.model["width"] / 2 - 0.12
        f = self.axle(name)
        return self.to_road(t, -half, f), self.to_road(t, half, f)

    def plates(self):
        """Outer faces of the number plates in the body's frame: side, forward, z of the middle, the way it faces (1 = forward)."""
        half, bus = self.model["length"] / 2, self.model["class"] == "bus"
        return [Plate(side, facing * (half + ahead), z, facing) for side, facing, ahead, z in plate_mounts(self.model_name, bus)]

    def footprint(self, t):
        hw, hl = self.model["width"] / 2, self.model["length"] / 2
        return [self.to_road(t, r, f)[:2] for r, f in ((-hw, -hl), (hw, -hl), (hw, hl), (-hw, hl))]

    def picture_rectangle(self, camera, t, margin=20):
        """Pixel rectangle (left, top, right, bottom) that holds the vehicle and its shadow, or None if unseen."""
        m = self.model
        hw, hl = m["width"] / 2 + 0.12, m["length"] / 2
        points = []
        for right in (-hw, hw):
            for forward in (-hl, hl):
                x, y, _ = self.to_road(t, right, forward)
                points.append((x, y, 0.0))
                points.append((x, y, m["height"]))
                reach = m["height"] / -SUN[2]
                points.append((x + SUN[0] * reach, y + SUN[1] * reach, 0.0))
        seen = [camera.project(*p) for p in points if p[1] > 3]
        seen = [p for p in seen if p is not None]
        if len(seen) < 2:
            return None
        left = max(0, math.floor(min(p[0] for p in seen)) - margin)
        right = min(camera.width, math.ceil(max(p[0] for p in seen)) + margin)
        top = max(0, math.floor(min(p[1] for p in seen)) - margin)
        bottom = min(camera.height, math.ceil(max(p[1] for p in seen)) + margin)
        if right - left < 4 or bottom - top < 4:
            return None
        return left, top, right, bottom


def frame_time(scenario, frame):
    return frame / scenario["frame"]["rate"]


def phase_at(scenario, t):
    for piece in scenario["phases"]:
        if piece["from"] <= t < piece["to"]:
            return piece["phase"]
    return scenario["phases"][-1]["phase"]


def vehicles_of(scenario):
    return [Vehicle(scenario, spec) for spec in scenario["vehicles"]]


# Farther away than this no vehicle is drawn (it is hidden, and absent from the truth).
DRAW_LIMIT = 170.0


def drawn(vehicle, t):
    y = vehicle.pose(t)[1]
    return 0 < y < DRAW_LIMIT


def _area(rectangle):
    return (rectangle[2] - rectangle[0]) * (rectangle[3] - rectangle[1])


def rectangles(scenario, camera, vehicles, t):
    """Rectangles to draw for a frame; two are merged where that costs no more than drawing both.

    Each holds everything that is visible in it, so rectangles that overlap may be pasted in any order.
    """
    found = []
    for vehicle in vehicles:
        if vehicle.motion["kind"] == "standing" or not drawn(vehicle, t):
            continue
        rectangle = vehicle.picture_rectangle(camera, t)
        if rectangle is not None:
            found.append(rectangle)
    merged = True
    while merged:
        merged = False
        for i in range(len(found)):
            for j in range(i + 1, len(found)):
                a, b = found[i], found[j]
                union = (min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3]))
                if _area(union) <= 1.05 * (_area(a) + _area(b)):
                    found[i] = union
                    del found[j]
                    merged = True
                    break
            if merged:
                break
    return sorted(found)
