import { z } from 'zod';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { parse } from '../../device/kernel/schema.ts';

/** Reads a TensorFlow.js graph model: `model.json` (topology and weight list) and its weight shards. */

const node = z.object({
  name: z.string(),
  op: z.string(),
  input: z.array(z.string()).default([]),
  attr: z.record(z.string(), z.unknown()).default({}),
});

const weight = z.object({
  name: z.string(),
  shape: z.array(z.int().nonnegative()),
  dtype: z.enum(['float32', 'int32']),
  quantization: z.object({ dtype: z.enum(['uint8', 'uint16']), scale: z.number(), min: z.number() }).optional(),
});

const model = z.object({
  modelTopology: z.object({ node: z.array(node) }),
  weightsManifest: z.array(z.object({ paths: z.array(z.string()), weights: z.array(weight) })),
});

export interface TfNode {
  readonly name: string;
  readonly op: string;
  /** Names of the producing nodes, without output numbers and without control inputs. */
  readonly inputs: readonly string[];
  readonly attr: Readonly<Record<string, unknown>>;
}

export interface TfTensor {
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32';
  readonly data: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;
}

export interface TfGraph {
  readonly nodes: ReadonlyMap<string, TfNode>;
  readonly weights: ReadonlyMap<string, TfTensor>;
}

/** `files` maps names inside the model's folder to bytes. Throws `bundle-invalid` or `bundle-file-missing`. */
export function readGraph(files: ReadonlyMap<string, Uint8Array>): TfGraph {
  const json = new TextDecoder().decode(requireFile(files, 'model.json'));
  const document = parse(model, JSON.parse(json), 'model.json', 'bundle-invalid');
  const nodes = new Map<string, TfNode>();
  for (const { name, op, input, attr } of document.modelTopology.node) {
    const inputs = input.filter((entry) => !entry.startsWith('^')).map((entry) => entry.replace(/:\d+$/, ''));
    nodes.set(name, { name, op, inputs, attr });
  }
  const weights = new Map<string, TfTensor>();
  for (const group of document.weightsManifest) {
    const bytes = Buffer.concat(group.paths.map((path) => requireFile(files, path)));
    let offset = 0;
    for (const entry of group.weights) {
      const { tensor, size } = readTensor(entry, bytes, offset);
      weights.set(entry.name, tensor);
      offset += size;
    }
    if (offset !== bytes.byteLength) {
      throw new AtalayaError(
        'bundle-invalid',
        `model.json: ${group.paths.join(', ')} hold ${bytes.byteLength} bytes, the weight list ${offset}`,
      );
    }
  }
  return { nodes, weights };
}

function readTensor(
  entry: z.infer<typeof weight>,
  bytes: Uint8Array,
  offset: number,
): { tensor: TfTensor; size: number } {
  const length = entry.shape.reduce((product, side) => product * side, 1);
  const { shape, dtype, quantization } = entry;
  const width = quantization === undefined ? 4 : quantization.dtype === 'uint8' ? 1 : 2;
  const size = length * width;
  if (offset + size > bytes.byteLength)
    throw new AtalayaError('bundle-invalid', `model.json: the shards end inside ${entry.name}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, size);
  const at = (i: number): number => {
    if (quantization !== undefined) {
      return quantization.min + quantization.scale * (width === 1 ? view.getUint8(i) : view.getUint16(i * 2, true));
    }
    return dtype === 'float32' ? view.getFloat32(i * 4, true) : view.getInt32(i * 4, true);
  };
  const data =
    dtype === 'float32' ? Float32Array.from({ length }, (_, i) => at(i)) : Int32Array.from({ length }, (_, i) => at(i));
  return { tensor: { shape, dtype, data }, size };
}

function requireFile(files: ReadonlyMap<string, Uint8Array>, name: string): Uint8Array {
  const bytes = files.get(name);
  if (bytes === undefined) throw new AtalayaError('bundle-file-missing', `${name} is not in the model's folder`);
  return bytes;
}

/** The weight of that name. Throws `bundle-invalid` where the graph has none. */
export function requireWeight(graph: TfGraph, name: string): TfTensor {
  const tensor = graph.weights.get(name);
  if (tensor === undefined) throw new AtalayaError('bundle-invalid', `the graph has no weight ${name}`);
  return tensor;
}

/** The node of that name. Throws `bundle-invalid` where the graph has none. */
export function requireNode(graph: TfGraph, name: string): TfNode {
  const found = graph.nodes.get(name);
  if (found === undefined) throw new AtalayaError('bundle-invalid', `the graph has no node ${name}`);
  return found;
}

/** A weight without dimensions. */
export function requireScalar(graph: TfGraph, name: string): number {
  const { data } = requireWeight(graph, name);
  const value = data[0];
  if (value === undefined || data.length !== 1) throw new AtalayaError('bundle-invalid', `${name} is not a scalar`);
  return value;
}
