"""Writes truth.json and the times of the clip's frames.

    python3 write_truth.py FOLDER/meshes.json OUTPUT-FOLDER

Motion, crossings and boxes follow from scenario.json alone; occlusion from the drawn meshes (see silhouettes.py).
"""

import json
import os
import sys

import street_model as street
from silhouettes import Silhouettes

STANDING_SECONDS = 10.0  # standing longer than this in the zone is an infraction
CLEAR_FRACTION = 0.9
CLEAR_FAR = 62.0


def rounded(values, digits=2):
    return [round(v, digits) for v in values]


def pixel(camera, x, y, z=0.0):
    return rounded(camera.project(x, y, z)[:2])


def shape(camera, points):
    return {"road": [rounded(p, 3) for p in points], "px": [pixel(camera, *p) for p in points]}


def rectangle(camera, left, right, near, far):
    return shape(camera, [(left, near), (right, near), (right, far), (left, far)])


def control_points(scenario, camera):
    road = scenario["road"]
    stop, box, zone = road["stopLine"], road["junctionBox"], road["noStopping"]
    dash = 0.5
    marks = [
        ("stop-line-left", "left end of the stop line, near edge", stop["left"], stop["y"]),
        ("stop-line-right", "right end of the stop line, near edge", stop["right"], stop["y"]),
        ("dash-near", "near end of a lane dash, middle of its width", dash, 22.0),
        ("dash-middle", "near end of a lane dash, middle of its width", dash, 30.0),
        ("arrow-left", "tip of the arrow in lane A1", -1.125, 29.6),
        ("arrow-right", "tip of the arrow in lane A2", 2.125, 29.6),
        ("zone-near", "near outer corner of the yellow zone", zone["right"] + 0.06, zone["near"]),
        ("zone-far", "far outer corner of the yellow zone", zone["right"] + 0.06, zone["far"]),
        ("box-near-left", "near left outer corner of the junction box", box["left"], box["near"]),
        ("box-near-right", "near right outer corner of the junction box", box["right"], box["near"]),
        ("box-far-left", "far left outer corner of the junction box", box["left"], box["far"]),
        ("box-far-right", "far right outer corner of the junction box", box["right"], box["far"]),
        ("far-stop-left", "left end of the far stop line, near edge", -6.25, road["crossStreet"]["far"] + 3.6),
        ("far-dash", "near end of the first dash beyond the junction", dash, road["crossStreet"]["far"] + 5),
        ("far-dash-2", "near end of the second dash beyond the junction", dash, road["crossStreet"]["far"] + 12),
        ("far-bus-line", "near end of the bus lane's line beyond the junction, middle", 3.75, road["crossStreet"]["far"] + 4.2),
    ]
    return [{"id": name, "what": what, "px": pixel(camera, x, y), "road": rounded((x, y), 3)} for name, what, x, y in marks]


def signal_heads(scenario, camera):
    road = scenario["road"]
    near, far = road["stopLine"]["y"] + 1.0, road["crossStreet"]["far"] + 2.0
    heads = []
    for name, x, y, z in (
        ("near-right", road["kerbs"]["right"] + 0.75, near, 3.0),
        ("far-left", road["kerbs"]["left"] - 0.8, far, 3.05),
        ("far-right", road["kerbs"]["right"] + 0.8, far, 3.05),
    ):
        lamps = {}
        for k, lamp in enumerate(("green", "amber", "red")):
            u, v, depth = camera.project(x, y - 0.135, z - 0.36 + 0.36 * k)
            lamps[lamp] = {"centre": rounded((u, v)), "radius": round(0.145 * camera.focal / depth, 2)}
        heads.append({"id": name, "lamps": lamps})
    return heads


def survey(scenario, camera):
    road = scenario["road"]
    stop, zone, box = road["stopLine"], road["noStopping"], road["junctionBox"]
    lanes = []
    for lane in road["lanes"]:
        lanes.append({
            "id": lane["id"], "direction": lane["direction"], "classes": lane["classes"],
            **rectangle(camera, lane["left"], lane["right"], max(lane["near"], 20.0), lane["far"]),
        })
    left, right = road["kerbs"]["left"], road["kerbs"]["right"]
    return {
        "controlPoints": control_points(scenario, camera),
        "lanes": lanes,
        "busLane": "BUS",
        "kerbs": {side: shape(camera, [(x, 20.0), (x, 46.0)]) for side, x in (("left", left), ("right", right))},
        "stopLine": {
            "lanes": ["A1", "A2", "BUS"], "thickness": stop["thickness"],
            **shape(camera, [(stop["left"], stop["y"]), (stop["right"], stop["y"])]),
        },
        "noStopping": rectangle(camera, zone["left"], zone["right"], zone["near"], zone["far"]),
        "junctionBox": rectangle(camera, box["left"], box["right"], box["near"], box["far"]),
        "countingLines": [
            {"id": line["id"], "y": line["y"], **shape(camera, [(-6.25, line["y"]), (7.15, line["y"])])}
            for line in road["countingLines"]
        ],
        "signalHeads": signal_heads(scenario, camera),
    }


def crossings(scenario, vehicle, end):
    lines = [{"id": "stop", "y": scenario["road"]["stopLine"]["y"]}] + scenario["road"]["countingLines"]
    front = vehicle.model["frontOverhang"]
    points = {"frontBumper": 0.0, "frontWheels": front, "rearWheels": front + vehicle.model["wheelbase"], "rearBumper": vehicle.model["length"]}
    result = []
    for line in lines:
        times = {}
        for name, behind in points.items():
            t = vehicle.time_when_at(line["y"], behind)
            times[name] = round(t, 4) if t is not None and 0 <= t <= end else None
        if any(t is not None for t in times.values()):
            result.append({"line": line["id"], "y": line["y"], "direction": vehicle.spec["direction"], **times})
    return sorted(result, key=lambda c: min(t for k, t in c.items() if k in points and t is not None))


def speed(vehicle):
    m = vehicle.motion
    if m["kind"] == "standing":
        return {"kind": "standing", "kmh": 0, "frontY": m["frontY"]}
    if m["kind"] == "constant":
        return {"kind": "constant", "kmh": m["kmh"], "at": m["at"], "frontY": m["frontY"]}
    braking = m["kmh"] / 3.6 / m["decel"]
    return {
        "kind": "stop", "kmh": m["kmh"], "decelMetresPerSecond2": m["decel"],
        "brakesFrom": round(m["at"] - braking, 4), "standsFrom": m["at"], "frontY": m["frontY"],
    }


def infractions(scenario, vehicle, clear, rate):
    result = []
    for expected in vehicle.spec.get("expect", []):
        at = expected["at"]
        entry = {"rule": expected["rule"]}
        if "time" in at:
            entry["time"] = at["time"]
        elif "standing" in at:
            entry["time"] = at["standing"]
            entry["note"] = "stands since before the clip; %g s of standing in view end here" % STANDING_SECONDS
        elif "frontY" in at:
            entry["time"] = round(vehicle.time_when_front_at(at["frontY"]), 4)
            entry["kmh"] = vehicle.motion["kmh"]
            entry["limitKmh"] = scenario["limitKmh"]
        else:
            wheels = vehicle.model["frontOverhang"]
            entry["frontWheels"] = round(vehicle.time_when_at(at["rearAxleY"], wheels), 4)
            entry["time"] = round(vehicle.time_when_at(at["rearAxleY"], wheels + vehicle.model["wheelbase"]), 4)
            red = next(p["from"] for p in scenario["phases"] if p["phase"] == "red")
            entry["secondsIntoRed"] = round(entry["frontWheels"] - red, 4)
        entry["frame"] = round(entry["time"] * rate)
        entry["window"] = {"first": clear[0], "last": clear[1]}
        result.append(entry)
    return result


def rows(scenario, camera, silhouettes, vehicles):
    frame = scenario["frame"]
    table = {vehicle.id: [] for vehicle in vehicles}
    for index in range(frame["count"]):
        t = street.frame_time(scenario, index)
        for vehicle, whole, box, fraction in silhouettes.frame([v for v in vehicles if street.drawn(v, t)], t):
            if fraction < 0.005:
                continue
            row = {"frame": index, "box": rounded(box, 1)}
            inside = whole == box
            for name in ("front", "rear"):
                (xa, ya, _), (xb, yb, _) = vehicle.contacts(t, name)
                p = camera.project((xa + xb) / 2, (ya + yb) / 2)
                row[name] = rounded(p[:2], 1) if p else None
            row["frontY"] = round(vehicle.front_y(t), 3)
            row["kmh"] = round(vehicle.speed(t) * 3.6, 2)
            row["visible"] = round(fraction, 3)
            row["whole"] = inside
            table[vehicle.id].append(row)
        if index % 40 == 0:
            print("truth: frame", index, flush=True)
    return table


def line(value):
    return json.dumps(value, separators=(", ", ": "), ensure_ascii=False)


def main():
    meshes, out = sys.argv[1], sys.argv[2]
    scenario = street.load_scenario()
    camera = street.Camera(scenario)
    vehicles = street.vehicles_of(scenario)
    frame = scenario["frame"]
    end = frame["count"] / frame["rate"]
    table = rows(scenario, camera, Silhouettes(camera, meshes), vehicles)
    listed = []
    for vehicle in vehicles:
        own = table[vehicle.id]
        clear = [r["frame"] for r in own if r["whole"] and r["visible"] >= CLEAR_FRACTION and r["frontY"] <= CLEAR_FAR]
        m = vehicle.model
        listed.append(({
            "id": vehicle.id, "class": m["class"], "model": vehicle.model_name, "colour": vehicle.spec["colour"],
            "plate": vehicle.spec["plate"],
            "lane": vehicle.spec["lane"], "direction": vehicle.spec["direction"], "x": vehicle.lane_x,
            "lengthMetres": m["length"], "widthMetres": m["width"], "heightMetres": m["height"],
            "wheelbaseMetres": m["wheelbase"], "frontOverhangMetres": m["frontOverhang"],
            "speed": speed(vehicle), "path": vehicle.spec.get("path", []),
            "visible": {"first": own[0]["frame"], "last": own[-1]["frame"]},
            "clear": {"first": clear[0], "last": clear[-1]},
            "crossings": crossings(scenario, vehicle, end),
            "infractions": infractions(scenario, vehicle, (clear[0], clear[-1]), frame["rate"]),
        }, own))
    head = {
        "schema": "atalaya/street-truth/1",
        "clip": "street.mjpeg",
        "frame": frame,
        "camera": {
            **scenario["camera"], "focalPixels": round(camera.focal, 4), "centre": [camera.width / 2, camera.height / 2],
            "model": "pinhole without distortion, roll or yaw, above road point (0, 0)",
            "pixels": "continuous: pixel i covers i to i + 1; x to the right, y down",
        },
        "road": "metres: x to the right, y away from the camera, z up",
        "limitKmh": scenario["limitKmh"],
        "phases": [{**p, "to": round(p["to"], 4)} for p in scenario["phases"]],
        "occlusion": "masks of the drawn meshes at a quarter of the resolution, nearer vehicles and street furniture in front",
        "clearMeans": "whole in the picture, at least %g visible, front bumper at %g m or nearer" % (CLEAR_FRACTION, CLEAR_FAR),
        "survey": survey(scenario, camera),
    }
    with open(os.path.join(out, "truth.json"), "w", encoding="utf-8") as file:
        file.write("{\n")
        for key, value in head.items():
            file.write("  %s: %s,\n" % (line(key), line(value)))
        file.write('  "vehicles": [\n')
        for k, (vehicle, own) in enumerate(listed):
            text = ",\n".join("      %s: %s" % (line(key), line(value)) for key, value in vehicle.items())
            body = ",\n".join("        " + line(row) for row in own)
            file.write("    {\n%s,\n      \"frames\": [\n%s\n      ]\n    }%s\n" % (text, body, "," if k + 1 < len(listed) else ""))
        file.write("  ]\n}\n")
    times = [round(1000 * k / frame["rate"], 3) for k in range(frame["count"])]
    with open(os.path.join(out, "street.mjpeg.times.json"), "w", encoding="utf-8") as file:
        file.write(line({"schema": "atalaya/mjpeg-times/1", "start": frame["start"], "times": times}) + "\n")


main()
