"""Draws the street with Blender's Cycles. Run inside Blender:

    blender -b --factory-startup -P render.py -- --out FOLDER [--backgrounds] [--frames A-B[:STEP]] [--part I/N]
            [--samples N] [--threads N] [--full] [--meshes] [--plates]

The camera stands still, so the empty street is drawn once with many samples (`background.png`), per signal phase
the signal heads, and per frame only the rectangles that hold a moving vehicle and its shadow. A rectangle's file is named after a hash
of all that is visible in it; equal rectangles (a car that waits) are drawn once. Files that exist are not drawn
again, so the run can be cut off and taken up. `--full` draws whole frames instead, `--meshes` writes the triangles,
`--plates` where each number plate is seen and what hides it.
"""

import argparse
import hashlib
import json
import math
import os
import sys
import time

import bpy

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cars  # noqa: E402
import materials as material_library  # noqa: E402
import plates  # noqa: E402
import scenery  # noqa: E402
import street_model as street  # noqa: E402

DESIGN_VERSION = 2  # raise it when the looks change, so that old rectangles are not reused
GLOW = {"red": 5.0, "amber": 4.5, "green": 4.0}


def arguments():
    own = sys.argv[sys.argv.index("--") + 1:] if "--" in sys.argv else []
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    parser.add_argument("--backgrounds", action="store_true")
    parser.add_argument("--frames", default="")
    parser.add_argument("--part", default="0/1")
    parser.add_argument("--samples", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--meshes", action="store_true")
    parser.add_argument("--plates", action="store_true")
    return parser.parse_args(own)


class Stage:
    """The scene in Blender: one object group per vehicle, posed for a time."""

    def __init__(self, scenario):
        self.scenario = scenario
        self.vehicles = street.vehicles_of(scenario)
        for thing in list(bpy.data.objects):
            bpy.data.objects.remove(thing)
        self.materials = material_library.make_all()
        scenery.build(scenario, self.materials)
        self.groups = {}
        for vehicle in self.vehicles:
            self.groups[vehicle.id] = self._vehicle(vehicle)
        self._light_and_camera()

    def _vehicle(self, vehicle):
        spec = vehicle.spec
        if vehicle.model["class"] == "bus":
            meshes = cars.bus(vehicle.model, spec["colour"], self.materials)
        else:
            meshes = cars.car(spec["model"], vehicle.model, spec["colour"], self.materials)
        parent = bpy.data.objects.new(vehicle.id, None)
        bpy.context.scene.collection.objects.link(parent)
        children = []
        for name, mesh in zip(("body", "details", "lamps"), meshes):
            child = bpy.data.objects.new(vehicle.id + "." + name, mesh)
            child.parent = parent
            bpy.context.scene.collection.objects.link(child)
            children.append(child)
        return parent, children

    def _light_and_camera(self):
        scene = bpy.context.scene
        scenario, picture = self.scenario, self.scenario["frame"]
        scene.render.engine = "CYCLES"
        scene.cycles.device = "CPU"
        scene.cycles.use_denoising = False
        scene.cycles.use_adaptive_sampling = False
        scene.cycles.max_bounces = 4
        scene.cycles.diffuse_bounces = 2
        scene.cycles.glossy_bounces = 2
        scene.cycles.transmission_bounces = 0
        scene.cycles.sample_clamp_indirect = 3.0
        scene.cycles.sample_clamp_direct = 12.0
        scene.cycles.blur_glossy = 1.0
        scene.cycles.caustics_reflective = False
        scene.cycles.caustics_refractive = False
        scene.cycles.debug_bvh_type = "DYNAMIC_BVH"
        scene.render.use_persistent_data = True
        scene.render.resolution_x, scene.render.resolution_y = picture["width"], picture["height"]
        scene.render.resolution_percentage = 100
        scene.render.image_settings.file_format = "PNG"
        scene.render.image_settings.color_mode = "RGB"
        scene.render.image_settings.compression = 20
        scene.render.use_file_extension = False
        scene.view_settings.view_transform = "Filmic"
        scene.view_settings.look = "Medium High Contrast"
        scene.view_settings.exposure = 0.35

        sun = bpy.data.lights.new("sun", "SUN")
        sun.energy = 2.0
        sun.angle = math.radians(0.9)
        sun.color = (1.0, 0.95, 0.87)
        thing = bpy.data.objects.new("sun", sun)
        scene.collection.objects.link(thing)
        elevation, azimuth = street.SUN_ELEVATION, street.SUN_AZIMUTH
        thing.rotation_euler = (math.pi / 2 - elevation, 0, -azimuth)

        world = bpy.data.worlds.new("sky")
        scene.world = world
        world.use_nodes = True
        nodes, links = world.node_tree.nodes, world.node_tree.links
        where = nodes.new("ShaderNodeTexCoord")
        split = nodes.new("ShaderNodeSeparateXYZ")
        ramp = nodes.new("ShaderNodeValToRGB")
        ramp.color_ramp.elements[0].position = 0.0
        ramp.color_ramp.elements[0].color = (0.62, 0.68, 0.74, 1)
        ramp.color_ramp.elements[1].position = 0.7
        ramp.color_ramp.elements[1].color = (0.16, 0.30, 0.62, 1)
        links.new(where.outputs["Generated"], split.inputs[0])
        links.new(split.outputs["Z"], ramp.inputs["Fac"])
        links.new(ramp.outputs["Color"], nodes["Background"].inputs["Color"])
        nodes["Background"].inputs["Strength"].default_value = 1.5

        model = street.Camera(scenario)
        data = bpy.data.cameras.new("camera")
        data.sensor_fit = "HORIZONTAL"
        data.sensor_width = 36
        data.lens = model.focal * 36 / model.width
        data.clip_end = 600
        camera = bpy.data.objects.new("camera", data)
        camera.location = (0, 0, model.z)
        camera.rotation_euler = (math.pi / 2 - model.pitch, 0, 0)
        scene.collection.objects.link(camera)
        scene.camera = camera

    def phase(self, phase):
        for lamp in ("red", "amber", "green"):
            material_library.set_glow(self.materials["signal_" + lamp], GLOW[lamp] if lamp == phase else 0.0)

    def pose(self, t, only_standing=False):
        self.phase(street.phase_at(self.scenario, t))
        for vehicle in self.vehicles:
            parent, children = self.groups[vehicle.id]
            shown = street.drawn(vehicle, t) and (vehicle.motion["kind"] == "standing" or not only_standing)
            x, y, heading = vehicle.pose(t)
            parent.location = (x, y, 0)
            parent.rotation_euler = (0, 0, heading)
            lamps = children[2]
            wanted = self.materials["brake" if vehicle.braking(t) else "tail"]
            if lamps.data.materials[0] != wanted:
                lamps.data.materials[0] = wanted
            for child in children:
                child.hide_render = not shown
                child.hide_viewport = not shown  # rays meet what the viewport shows


def draw(path, rectangle=None):
    scene = bpy.context.scene
    width, height = scene.render.resolution_x, scene.render.resolution_y
    scene.render.use_border = rectangle is not None
    scene.render.use_crop_to_border = rectangle is not None
    if rectangle is not None:
        left, top, right, bottom = rectangle
        # A tiny inset keeps Blender's rounding from taking one pixel more or less.
        scene.render.border_min_x, scene.render.border_max_x = (left + 0.01) / width, (right + 0.01) / width
        scene.render.border_min_y, scene.render.border_max_y = 1 - (bottom - 0.01) / height, 1 - (top - 0.01) / height
    own = "%s.%d.part" % (path, os.getpid())  # another process may draw the same rectangle
    scene.render.filepath = own
    bpy.ops.render.render(write_still=True)
    os.replace(own, path)


def rectangle_name(stage, t, rectangle):
    """Hash of everything that the rectangle shows."""
    scenario = stage.scenario
    camera = street.Camera(scenario)
    content = [DESIGN_VERSION, bpy.context.scene.cycles.samples, list(rectangle), street.phase_at(scenario, t)]
    for vehicle in stage.vehicles:
        if not street.drawn(vehicle, t):
            continue
        own = vehicle.picture_rectangle(camera, t)
        if own and own[0] < rectangle[2] and rectangle[0] < own[2] and own[1] < rectangle[3] and rectangle[1] < own[3]:
            content.append([vehicle.id, [round(v, 5) for v in vehicle.pose(t)], vehicle.braking(t)])
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:20]


def write_meshes(stage, path):
    """Triangles of every vehicle in its own frame and of the things that can hide a vehicle, in road metres."""
    result = {"vehicles": {}, "static": {}}

    def triangles(mesh):
        mesh.calc_loop_triangles()
        vertices = [[round(c, 4) for c in v.co] for v in mesh.vertices]
        return {"vertices": vertices, "triangles": [list(t.vertices) for t in mesh.loop_triangles]}

    for vehicle in stage.vehicles:
        key = vehicle.spec["model"]
        if key not in result["vehicles"]:
            result["vehicles"][key] = [triangles(child.data) for child in stage.groups[vehicle.id][1]]
    for name in ("signals", "furniture", "planting"):
        result["static"][name] = triangles(bpy.data.objects[name].data)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(result, file)


def backgrounds(stage, out):
    """The empty street once, and per phase the rectangles around the signal heads."""
    camera = street.Camera(stage.scenario)
    for piece in stage.scenario["phases"]:
        phase = piece["phase"]
        stage.pose(piece["from"] + 0.001, only_standing=True)
        path = os.path.join(out, "background.png")
        if not os.path.exists(path):
            draw(path)
        listed = []
        for k, (x, y, z) in enumerate(scenery.signal_places(stage.scenario)):
            corners = [camera.project(x + dx, y, z + dz) for dx in (-0.45, 0.45) for dz in (-0.85, 0.85)]
            rectangle = (
                math.floor(min(c[0] for c in corners)), max(0, math.floor(min(c[1] for c in corners))),
                math.ceil(max(c[0] for c in corners)), math.ceil(max(c[1] for c in corners)),
            )
            name = "signal-%s-%d.png" % (phase, k)
            if not os.path.exists(os.path.join(out, name)):
                draw(os.path.join(out, name), rectangle)
            listed.append({"rectangle": rectangle, "file": name})
        with open(os.path.join(out, "phase-%s.json" % phase), "w", encoding="utf-8") as file:
            json.dump({"patches": listed}, file)


def main():
    options = arguments()
    scenario = street.load_scenario()
    stage = Stage(scenario)
    scene = bpy.context.scene
    scene.render.threads_mode = "FIXED"
    scene.render.threads = options.threads
    scene.cycles.samples = options.samples
    os.makedirs(options.out, exist_ok=True)
    if options.meshes:
        write_meshes(stage, os.path.join(options.out, "meshes.json"))
    if options.plates:
        plates.write(stage, scenario, os.path.join(options.out, "plates.json"))
    if options.backgrounds:
        backgrounds(stage, options.out)
    if not options.frames:
        return
    span, _, step = options.frames.partition(":")
    first, _, last = span.partition("-")
    index, count = (int(v) for v in options.part.split("/"))
    camera = street.Camera(scenario)
    for frame in range(int(first), int(last or first) + 1, int(step or 1)):
        if frame % count != index:
            continue
        t = street.frame_time(scenario, frame)
        started = time.time()
        stage.pose(t)
        if options.full:
            path = os.path.join(options.out, "full-%04d.png" % frame)
            if not os.path.exists(path):
                draw(path)
            continue
        listed = []
        for rectangle in street.rectangles(scenario, camera, stage.vehicles, t):
            name = rectangle_name(stage, t, rectangle)
            path = os.path.join(options.out, "patch-%s.png" % name)
            if not os.path.exists(path):
                draw(path, rectangle)
            listed.append({"rectangle": rectangle, "file": os.path.basename(path)})
        with open(os.path.join(options.out, "frame-%04d.json" % frame), "w", encoding="utf-8") as file:
            json.dump({"phase": street.phase_at(scenario, t), "patches": listed}, file)
        print("frame %d: %d rectangles, %.1f s" % (frame, len(listed), time.time() - started), flush=True)


if __name__ == "__main__":
    main()
