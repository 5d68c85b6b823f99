import { AtalayaError } from '../../device/kernel/errors.ts';
import { keptChannels } from '../graph/keep-classes.ts';
import { tensorNames } from '../onnx/names.ts';
import type { Recipe } from '../recipe/ssdlite-mobilenet-v2.ts';
import { requireNode, requireWeight, type TfGraph, type TfNode, type TfTensor } from './read-graph.ts';

export const tfjsFiles = { graph: 'model.json', weights: 'weights.bin' } as const;

/**
 * The TensorFlow.js graph itself, cut at the same outputs and down to the same classes, with nothing folded: batch normalisation, bias
 * and activation nodes stay as they came, so that it can be held against the ONNX files as a second opinion.
 *
 * Input `image` is int32 `[1, h, w, 3]` (TensorFlow.js has no uint8), outputs `boxes` and `scores` as in the ONNX files.
 */
export function writeTfjs(graph: TfGraph, recipe: Recipe): Map<string, Uint8Array> {
  const { nodes } = recipe;
  const sliced = sliceScoreHeads(graph, recipe);
  const { height, width } = recipe.input;
  const wanted = reachable(graph, [nodes.boxes, nodes.scores, nodes.scale, nodes.offset], nodes.normalised);
  const constants = [...wanted].filter((name) => graph.weights.has(name)).sort();
  const topology = [
    placeholder(tensorNames.input, [1, height, width, 3]),
    plain('picture/float', 'Cast', [tensorNames.input], { SrcT: { type: 'DT_INT32' }, DstT: { type: 'DT_FLOAT' } }),
    plain('picture/scaled', 'Mul', [nodes.scale, 'picture/float']),
    plain(nodes.normalised, 'Sub', ['picture/scaled', nodes.offset]),
    ...[...wanted].filter((name) => !constants.includes(name)).map((name) => describe(requireNode(graph, name))),
    ...constants.map((name) => plain(name, 'Const', [])),
    plain(tensorNames.boxes, 'Squeeze', [nodes.boxes], { squeeze_dims: { list: { i: ['2'] } } }),
    plain(tensorNames.scores, 'Identity', [nodes.scores]),
  ];
  const tensors = constants.map((name) => ({ name, tensor: sliced.get(name) ?? requireWeight(graph, name) }));
  const model = {
    format: 'graph-model',
    generatedBy: 'atalaya-models',
    convertedBy: null,
    modelTopology: { node: topology, versions: {} },
    weightsManifest: [
      {
        paths: [tfjsFiles.weights],
        weights: tensors.map(({ name, tensor }) => ({ name, shape: tensor.shape, dtype: tensor.dtype })),
      },
    ],
  };
  const bytes = Buffer.concat(
    tensors.map(({ tensor: { data } }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  );
  return new Map<string, Uint8Array>([
    [tfjsFiles.graph, new TextEncoder().encode(`${JSON.stringify(model)}\n`)],
    [tfjsFiles.weights, new Uint8Array(bytes)],
  ]);
}

/** Names that the outputs depend on, the normalised picture and what lies before it left out; in the order of a depth-first walk. */
function reachable(graph: TfGraph, outputs: readonly string[], stop: string): Set<string> {
  const seen = new Set<string>();
  const walk = (name: string): void => {
    if (name === stop || seen.has(name)) return;
    for (const input of requireNode(graph, name).inputs) walk(input);
    seen.add(name);
  };
  for (const name of outputs) walk(name);
  return seen;
}

/** New weights, biases and row widths for the convolutions whose channels are `anchor * sourceClasses + class`. */
function sliceScoreHeads(graph: TfGraph, recipe: Recipe): Map<string, TfTensor> {
  const columns = recipe.classes.map((kept) => kept.cocoId);
  const result = new Map<string, TfTensor>();
  for (const reshape of requireNode(graph, recipe.nodes.scores).inputs.slice(0, -1)) {
    const [bias = '', shape = ''] = requireNode(graph, reshape).inputs;
    const [convolution = '', biases = ''] = requireNode(graph, bias).inputs;
    const [, weights = ''] = requireNode(graph, convolution).inputs;
    for (const name of [weights, biases])
      result.set(name, keepLast(requireWeight(graph, name), recipe.sourceClasses, columns));
    const width = requireNode(graph, shape).inputs.at(-1) ?? '';
    if (requireWeight(graph, width).data[0] !== recipe.sourceClasses) {
      throw new AtalayaError(
        'bundle-invalid',
        `graph node ${width} is not the number of classes, ${recipe.sourceClasses}`,
      );
    }
    result.set(width, { shape: [], dtype: 'int32', data: Int32Array.of(columns.length) });
  }
  return result;
}

function keepLast(tensor: TfTensor, valuesPerAnchor: number, columns: readonly number[]): TfTensor {
  const channels = tensor.shape.at(-1) ?? 0;
  const kept = keptChannels(channels, valuesPerAnchor, columns);
  const rows = tensor.data.length / channels;
  const data = Float32Array.from(
    { length: rows * kept.length },
    (_, i) => tensor.data[Math.floor(i / kept.length) * channels + kept[i % kept.length]!]!,
  );
  return { shape: [...tensor.shape.slice(0, -1), kept.length], dtype: 'float32', data };
}

interface JsonNode {
  readonly name: string;
  readonly op: string;
  readonly input: readonly string[];
  readonly attr: Readonly<Record<string, unknown>>;
}

function plain(name: string, op: string, input: readonly string[], attr: JsonNode['attr'] = {}): JsonNode {
  return { name, op, input, attr };
}

function describe({ name, op, inputs, attr }: TfNode): JsonNode {
  return { name, op, input: inputs, attr };
}

function placeholder(name: string, shape: readonly number[]): JsonNode {
  return plain(name, 'Placeholder', [], {
    dtype: { type: 'DT_INT32' },
    shape: { shape: { dim: shape.map((size) => ({ size: String(size) })) } },
  });
}
