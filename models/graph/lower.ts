import { AtalayaError } from '../../device/kernel/errors.ts';
import type { Recipe } from '../recipe/ssdlite-mobilenet-v2.ts';
import { epsilonAttribute } from '../tfjs/attributes.ts';
import { requireNode, requireScalar, requireWeight, type TfGraph, type TfNode } from '../tfjs/read-graph.ts';
import { type ConvolutionDraft, draftConvolution, finish, scaleChannels, shiftChannels } from './convolution.ts';
import { type Detector, type Head, type Layer, pictureName, type Shape } from './layers.ts';

/**
 * Turns a TensorFlow graph into layers, walking back from the two outputs, so the pre- and postprocessing loops are never looked at.
 *
 * Mul, Add, BiasAdd and FusedBatchNorm with constants are folded into the convolution before them; a constant that is added after a
 * residual sum is folded into the branch that ends in a convolution, which gives the same total. Throws `bundle-invalid`, naming the
 * node, for anything that cannot be folded exactly.
 */
export function lower(graph: TfGraph, recipe: Recipe): Detector {
  const walk = new Walk(graph, recipe);
  const boxHeads = walk.heads(recipe.nodes.boxes);
  const scoreHeads = walk.heads(recipe.nodes.scores);
  const anchors = requireWeight(graph, recipe.nodes.anchors);
  if (!(anchors.data instanceof Float32Array)) throw refusal(recipe.nodes.anchors, 'is not float32');
  return {
    layers: walk.layers(),
    boxHeads: boxHeads.map((layer) => ({ layer, valuesPerAnchor: 4 })),
    scoreHeads: scoreHeads.map((layer): Head => ({ layer, valuesPerAnchor: recipe.sourceClasses })),
    normalisation: {
      scale: requireScalar(graph, recipe.nodes.scale),
      offset: requireScalar(graph, recipe.nodes.offset),
    },
    inputShape: [3, recipe.input.height, recipe.input.width],
    anchors: anchors.data,
    boxCoding: {
      centreScale: reciprocal(requireScalar(graph, recipe.nodes.centreReciprocal)),
      sizeScale: reciprocal(requireScalar(graph, recipe.nodes.sizeReciprocal)),
    },
  };
}

interface SumDraft {
  readonly kind: 'sum';
  readonly name: string;
  readonly inputs: readonly [Draft, Draft];
  readonly shape: Shape;
}

interface Picture {
  readonly kind: 'picture';
  readonly name: string;
  readonly shape: Shape;
}

type Draft = ConvolutionDraft | SumDraft | Picture;

class Walk {
  private readonly graph: TfGraph;
  private readonly recipe: Recipe;
  private readonly drafts = new Map<string, Draft>();
  private readonly order: (ConvolutionDraft | SumDraft)[] = [];
  private readonly consumers: ReadonlyMap<string, number>;

  constructor(graph: TfGraph, recipe: Recipe) {
    this.graph = graph;
    this.recipe = recipe;
    this.consumers = countConsumers(graph, [recipe.nodes.boxes, recipe.nodes.scores]);
  }

  /** Names of the layers whose reshaped outputs the concatenation joins, in its order. */
  heads(concatenation: string): string[] {
    const node = requireNode(this.graph, concatenation);
    if (node.op !== 'ConcatV2') throw refusal(concatenation, `is ${node.op}, not ConcatV2`);
    return node.inputs.slice(0, -1).map((name) => {
      const reshape = requireNode(this.graph, name);
      if (reshape.op !== 'Reshape') throw refusal(name, `is ${reshape.op}, not Reshape`);
      return this.visit(first(reshape)).name;
    });
  }

  layers(): Layer[] {
    return this.order.map((draft): Layer => {
      if (draft.kind === 'convolution') return finish(draft);
      const [a, b] = draft.inputs;
      return { kind: 'sum', name: draft.name, inputs: [a.name, b.name], outputShape: draft.shape };
    });
  }

  private visit(name: string): Draft {
    const known = this.drafts.get(name);
    if (known !== undefined) return known;
    const draft = this.lowerNode(requireNode(this.graph, name));
    this.drafts.set(name, draft);
    return draft;
  }

  private lowerNode(node: TfNode): Draft {
    if (node.name === this.recipe.nodes.normalised) {
      return { kind: 'picture', name: pictureName, shape: [3, this.recipe.input.height, this.recipe.input.width] };
    }
    switch (node.op) {
      case 'Conv2D':
      case 'DepthwiseConv2dNative':
        return this.convolution(node);
      case 'Mul':
        return this.multiply(node);
      case 'Add':
      case 'AddN':
      case 'BiasAdd':
        return this.add(node);
      case 'FusedBatchNorm':
        return this.normalise(node);
      case 'Relu6': {
        const draft = this.foldable(node);
        draft.activation = 'relu6';
        return draft;
      }
      default:
        throw refusal(node.name, `has an operation that is not known here: ${node.op}`);
    }
  }

  private convolution(node: TfNode): ConvolutionDraft {
    const input = this.visit(first(node));
    const draft = draftConvolution(node, requireWeight(this.graph, second(node)), input.name, input.shape);
    this.order.push(draft);
    return draft;
  }

  private multiply(node: TfNode): Draft {
    const draft = this.foldable(node);
    scaleChannels(draft, this.channels(second(node), draft.shape[0]));
    return draft;
  }

  private add(node: TfNode): Draft {
    const constant = node.inputs.find((name) => this.graph.weights.has(name));
    if (constant === undefined) return this.sum(node);
    const other = node.inputs.find((name) => name !== constant);
    if (other === undefined || node.inputs.length !== 2)
      throw refusal(node.name, 'does not add a constant to one tensor');
    const draft = this.visit(other);
    this.requireSoleConsumer(other);
    const target = draft.kind === 'sum' ? draft.inputs.find((input) => this.isOpen(input)) : draft;
    if (target?.kind !== 'convolution') throw refusal(node.name, 'adds a constant to something that is no convolution');
    this.requireLinear(target, node);
    shiftChannels(target, this.channels(constant, target.shape[0]));
    return draft;
  }

  private sum(node: TfNode): SumDraft {
    if (node.inputs.length !== 2) throw refusal(node.name, `sums ${node.inputs.length} tensors, not 2`);
    const a = this.visit(first(node));
    const b = this.visit(second(node));
    if (a.shape.join() !== b.shape.join()) throw refusal(node.name, `sums shapes ${a.shape} and ${b.shape}`);
    const draft: SumDraft = { kind: 'sum', name: `${blockName(node.name)}/sum`, inputs: [a, b], shape: a.shape };
    this.order.push(draft);
    return draft;
  }

  private normalise(node: TfNode): ConvolutionDraft {
    const draft = this.foldable(node);
    const [, gamma, beta, mean, variance] = node.inputs.map((name, i) =>
      i === 0 ? undefined : this.channels(name, draft.shape[0]),
    );
    if (!gamma || !beta || !mean || !variance) throw refusal(node.name, 'lacks one of its four constants');
    const epsilon = epsilonAttribute(node);
    const scale = gamma.map((g, i) => g / Math.sqrt(at(variance, i) + epsilon));
    scaleChannels(draft, scale);
    shiftChannels(
      draft,
      beta.map((b, i) => b - at(mean, i) * at(scale, i)),
    );
    return draft;
  }

  /** The convolution before a node, where nobody else sees its output. */
  private foldable(node: TfNode): ConvolutionDraft {
    const draft = this.visit(first(node));
    this.requireSoleConsumer(first(node));
    if (draft.kind !== 'convolution') throw refusal(node.name, 'does not follow a convolution');
    this.requireLinear(draft, node);
    return draft;
  }

  /** True where a draft is a convolution without activation that only one sum reads. */
  private isOpen(draft: Draft): boolean {
    if (draft.kind !== 'convolution' || draft.activation !== 'none') return false;
    const names = [...this.drafts].filter(([, known]) => known === draft).map(([name]) => name);
    return names.every((name) => this.consumers.get(name) === 1);
  }

  private requireSoleConsumer(name: string): void {
    const count = this.consumers.get(name);
    if (count !== 1) throw refusal(name, `is read by ${count} nodes and cannot be folded into`);
  }

  private requireLinear(draft: ConvolutionDraft, node: TfNode): void {
    if (draft.activation !== 'none') throw refusal(node.name, `comes after the activation of ${draft.name}`);
  }

  private channels(name: string, count: number): Float32Array {
    const { data } = requireWeight(this.graph, name);
    if (data.length !== count) throw refusal(name, `has ${data.length} values for ${count} channels`);
    return Float32Array.from(data);
  }
}

function countConsumers(graph: TfGraph, outputs: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  const seen = new Set<string>();
  const pending = [...outputs];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const node = requireNode(graph, name);
    // A Shape node reads sizes, not values: it never sees what folding changes.
    if (node.op === 'Shape') continue;
    for (const input of node.inputs) {
      const reader = graph.nodes.get(input);
      if (reader === undefined) continue;
      counts.set(input, (counts.get(input) ?? 0) + 1);
      pending.push(input);
    }
  }
  return counts;
}

const first = (node: TfNode): string => required(node.inputs[0], node);
const second = (node: TfNode): string => required(node.inputs[1], node);

function required(name: string | undefined, node: TfNode): string {
  if (name === undefined) throw refusal(node.name, 'lacks an input');
  return name;
}

function at(values: Float32Array, i: number): number {
  return values[i] ?? Number.NaN;
}

/** Scale factors of the box coder are small integers; their float32 reciprocals are not exact. */
function reciprocal(value: number): number {
  const exact = 1 / value;
  const rounded = Math.round(exact);
  return Math.abs(exact - rounded) < 1e-5 ? rounded : exact;
}

function blockName(name: string): string {
  return name.replace('FeatureExtractor/MobilenetV2/', '').split('/')[0] ?? name;
}

function refusal(node: string, what: string): AtalayaError {
  return new AtalayaError('bundle-invalid', `graph node ${node} ${what}`);
}
