"""Small mesh builder: parts of one object are gathered, then become one mesh with a material per face."""

import math

import bpy


class Parts:
    def __init__(self, materials):
        self.materials = materials
        self.vertices = []
        self.faces = []
        self.slots = []
        self.names = []

    def slot(self, name):
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)

    def add(self, vertices, faces, material):
        base = len(self.vertices)
        self.vertices.extend(vertices)
        slot = self.slot(material)
        for face in faces:
            self.faces.append([base + i for i in face])
            self.slots.append(slot)

    def box(self, centre, size, material, tilt=0.0, turn=0.0):
        """Box; `tilt` turns about x, `turn` about z (radians), both about its own centre."""
        ct, st, cz, sz = math.cos(tilt), math.sin(tilt), math.cos(turn), math.sin(turn)
        vertices = []
        for dx in (-0.5, 0.5):
            for dy in (-0.5, 0.5):
                for dz in (-0.5, 0.5):
                    x, y, z = dx * size[0], dy * size[1], dz * size[2]
                    y, z = y * ct - z * st, y * st + z * ct
                    x, y = x * cz - y * sz, x * sz + y * cz
                    vertices.append((centre[0] + x, centre[1] + y, centre[2] + z))
        faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
        self.add(vertices, faces, material)

    def cylinder(self, start, end, radius, material, sides=20, top_radius=None):
        """Closed cylinder or cone between two points along x, y or z."""
        top_radius = radius if top_radius is None else top_radius
        axis = max(range(3), key=lambda i: abs(end[i] - start[i]))
        u, v = [(1, 2), (2, 0), (0, 1)][axis]
        vertices = []
        for point, r in ((start, radius), (end, top_radius)):
            for k in range(sides):
                a = 2 * math.pi * k / sides
                p = list(point)
                p[u] += r * math.cos(a)
                p[v] += r * math.sin(a)
                vertices.append(tuple(p))
        faces = [(k, (k + 1) % sides, sides + (k + 1) % sides, sides + k) for k in range(sides)]
        faces.append(tuple(reversed(range(sides))))
        faces.append(tuple(range(sides, 2 * sides)))
        if end[axis] < start[axis]:
            faces = [tuple(reversed(f)) for f in faces]
        self.add(vertices, faces, material)

    def plate(self, points, z, material):
        """Flat polygon on the ground, counter-clockwise points (x, y)."""
        self.add([(x, y, z) for x, y in points], [tuple(range(len(points)))], material)

    def rectangle(self, left, right, near, far, z, material):
        self.plate([(left, near), (right, near), (right, far), (left, far)], z, material)

    def mesh(self, name, smooth=False):
        mesh = bpy.data.meshes.new(name)
        mesh.from_pydata(self.vertices, [], self.faces)
        for material in self.names:
            mesh.materials.append(self.materials[material])
        mesh.polygons.foreach_set("material_index", self.slots)
        if smooth:
            mesh.polygons.foreach_set("use_smooth", [True] * len(mesh.polygons))
            mesh.use_auto_smooth = True
            mesh.auto_smooth_angle = math.radians(38)
        mesh.update()
        return mesh

    def object(self, name, smooth=False):
        thing = bpy.data.objects.new(name, self.mesh(name, smooth))
        bpy.context.scene.collection.objects.link(thing)
        return thing
