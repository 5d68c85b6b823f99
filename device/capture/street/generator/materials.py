"""Procedural materials of the street. No image is loaded from anywhere."""

import bpy

PAINTS = {
    "blue": (0.02, 0.09, 0.36), "red": (0.42, 0.012, 0.012), "burgundy": (0.17, 0.008, 0.02),
    "black": (0.012, 0.012, 0.014), "grey": (0.10, 0.105, 0.115), "silver": (0.40, 0.41, 0.43),
    "navy": (0.010, 0.022, 0.10), "yellow": (0.62, 0.40, 0.02), "orange": (0.58, 0.13, 0.012),
    "green": (0.012, 0.15, 0.05), "teal": (0.01, 0.17, 0.22), "busYellow": (0.66, 0.40, 0.015),
    "busRed": (0.48, 0.015, 0.012),
}

_SIMPLE = {
    # name: (colour, roughness, metallic)
    "glass": ((0.025, 0.028, 0.030), 0.12, 0.0),
    "rubber": ((0.012, 0.012, 0.012), 0.85, 0.0),
    "trim": ((0.018, 0.018, 0.020), 0.55, 0.0),
    "rim": ((0.45, 0.46, 0.48), 0.32, 0.8),
    "seam": ((0.006, 0.006, 0.006), 0.8, 0.0),
    "headlamp": ((0.75, 0.78, 0.82), 0.08, 0.3),
    "plate": ((0.74, 0.74, 0.70), 0.5, 0.0),
    "chrome": ((0.6, 0.6, 0.62), 0.15, 1.0),
    "white_mark": ((0.66, 0.66, 0.63), 0.7, 0.0),
    "yellow_mark": ((0.60, 0.38, 0.03), 0.7, 0.0),
    "kerb": ((0.36, 0.35, 0.33), 0.85, 0.0),
    "pole": ((0.10, 0.105, 0.11), 0.5, 0.2),
    "signal_box": ((0.012, 0.013, 0.012), 0.6, 0.0),
    "trunk": ((0.09, 0.06, 0.04), 0.95, 0.0),
    "leaf": ((0.045, 0.11, 0.018), 0.7, 0.0),
    "leaf_dark": ((0.025, 0.07, 0.014), 0.7, 0.0),
    "frame": ((0.09, 0.09, 0.095), 0.5, 0.0),
    "awning_red": ((0.35, 0.04, 0.03), 0.8, 0.0),
    "awning_green": ((0.03, 0.16, 0.07), 0.8, 0.0),
    "sign": ((0.05, 0.12, 0.40), 0.5, 0.0),
    "sign_red": ((0.45, 0.02, 0.02), 0.5, 0.0),
    "wood": ((0.22, 0.12, 0.06), 0.8, 0.0),
    "facade_brick": ((0.26, 0.11, 0.075), 0.9, 0.0),
    "facade_sand": ((0.44, 0.36, 0.26), 0.9, 0.0),
    "facade_grey": ((0.30, 0.30, 0.30), 0.9, 0.0),
    "facade_cream": ((0.52, 0.46, 0.36), 0.9, 0.0),
}


def _principled(material):
    material.use_nodes = True
    return material.node_tree.nodes["Principled BSDF"]


def simple(name, colour, roughness, metallic=0.0, specular=0.5):
    material = bpy.data.materials.new(name)
    node = _principled(material)
    node.inputs["Base Color"].default_value = (*colour, 1)
    node.inputs["Roughness"].default_value = roughness
    node.inputs["Metallic"].default_value = metallic
    node.inputs["Specular"].default_value = specular
    return material


def glowing(name, colour, strength):
    material = bpy.data.materials.new(name)
    node = _principled(material)
    node.inputs["Base Color"].default_value = (*[0.5 * c for c in colour], 1)
    node.inputs["Roughness"].default_value = 0.2
    node.inputs["Emission"].default_value = (*colour, 1)
    node.inputs["Emission Strength"].default_value = strength
    return material


def set_glow(material, strength):
    material.node_tree.nodes["Principled BSDF"].inputs["Emission Strength"].default_value = strength


def paint(name, colour):
    material = bpy.data.materials.new("paint_" + name)
    node = _principled(material)
    grey = sum(colour) / 3
    colour = tuple(0.78 * c + 0.22 * grey for c in colour)
    node.inputs["Base Color"].default_value = (*colour, 1)
    node.inputs["Roughness"].default_value = 0.28
    node.inputs["Metallic"].default_value = 0.25 if name in ("silver", "grey") else 0.0
    node.inputs["Clearcoat"].default_value = 0.8
    node.inputs["Clearcoat Roughness"].default_value = 0.06
    return material


def _speckled(name, dark, light, fine, coarse, roughness):
    """Colour between `dark` and `light` from a fine and a coarse noise, in metres of the scene."""
    material = bpy.data.materials.new(name)
    node = _principled(material)
    tree = material.node_tree
    where = tree.nodes.new("ShaderNodeTexCoord")
    grain = tree.nodes.new("ShaderNodeTexNoise")
    grain.inputs["Scale"].default_value = fine
    grain.inputs["Detail"].default_value = 3
    patch = tree.nodes.new("ShaderNodeTexNoise")
    patch.inputs["Scale"].default_value = coarse
    patch.inputs["Detail"].default_value = 5
    mix = tree.nodes.new("ShaderNodeMath")
    mix.operation = "MULTIPLY_ADD"
    mix.inputs[1].default_value = 0.45
    ramp = tree.nodes.new("ShaderNodeValToRGB")
    ramp.color_ramp.elements[0].position = 0.50
    ramp.color_ramp.elements[0].color = (*dark, 1)
    ramp.color_ramp.elements[1].position = 0.98
    ramp.color_ramp.elements[1].color = (*light, 1)
    tree.links.new(where.outputs["Object"], grain.inputs["Vector"])
    tree.links.new(where.outputs["Object"], patch.inputs["Vector"])
    tree.links.new(grain.outputs["Fac"], mix.inputs[0])
    tree.links.new(patch.outputs["Fac"], mix.inputs[2])
    tree.links.new(mix.outputs[0], ramp.inputs["Fac"])
    tree.links.new(ramp.outputs["Color"], node.inputs["Base Color"])
    node.inputs["Roughness"].default_value = roughness
    node.inputs["Specular"].default_value = 0.25
    return material


def _paving(name):
    material = bpy.data.materials.new(name)
    node = _principled(material)
    tree = material.node_tree
    where = tree.nodes.new("ShaderNodeTexCoord")
    brick = tree.nodes.new("ShaderNodeTexBrick")
    brick.inputs["Scale"].default_value = 1.0
    brick.inputs["Brick Width"].default_value = 0.8
    brick.inputs["Row Height"].default_value = 0.8
    brick.inputs["Mortar Size"].default_value = 0.015
    brick.inputs["Color1"].default_value = (0.33, 0.31, 0.28, 1)
    brick.inputs["Color2"].default_value = (0.38, 0.36, 0.33, 1)
    brick.inputs["Mortar"].default_value = (0.16, 0.15, 0.14, 1)
    tree.links.new(where.outputs["Object"], brick.inputs["Vector"])
    tree.links.new(brick.outputs["Color"], node.inputs["Base Color"])
    node.inputs["Roughness"].default_value = 0.9
    return material


def make_all():
    table = {name: simple(name, *values) for name, values in _SIMPLE.items()}
    for name, colour in PAINTS.items():
        table["paint_" + name] = paint(name, colour)
    table["asphalt"] = _speckled("asphalt", (0.062, 0.063, 0.066), (0.135, 0.133, 0.130), 26.0, 0.33, 0.85)
    table["bus_asphalt"] = _speckled("bus_asphalt", (0.125, 0.050, 0.042), (0.21, 0.092, 0.075), 26.0, 0.4, 0.85)
    table["grass"] = _speckled("grass", (0.03, 0.06, 0.015), (0.09, 0.14, 0.035), 9.0, 0.7, 0.95)
    table["paving"] = _paving("paving")
    table["tail"] = glowing("tail", (0.55, 0.008, 0.006), 0.12)
    table["brake"] = glowing("brake", (1.0, 0.02, 0.01), 2.6)
    table["indicator"] = glowing("indicator", (0.9, 0.32, 0.02), 0.05)
    table["lamp_lit"] = glowing("lamp_lit", (1.0, 0.95, 0.82), 1.8)
    table["signal_red"] = glowing("signal_red", (1.0, 0.02, 0.015), 0.0)
    table["signal_amber"] = glowing("signal_amber", (1.0, 0.42, 0.01), 0.0)
    table["signal_green"] = glowing("signal_green", (0.01, 0.95, 0.35), 0.0)
    return table
