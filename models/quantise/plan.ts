import { isConvolution } from '../network/convolutions.ts';
import { pictureNames } from '../network/ends.ts';
import { inputOf, type Network, type Operator, outputOf, textOf } from '../network/network.ts';
import { requireRange } from '../onnx/quantised-parts.ts';
import { type Affine, affineFor, type Range } from './affine.ts';

/** Which tensors of a network are kept as bytes, and how their bytes are read. */

/**
 * Tensors that are stored as bytes. Convolutions, what bends, sums and joins their outputs, and averages are; the small networks of a
 * squeeze-and-excitation (Hu et al. 2018) are not. The convolutions that `floatLayers` names by their outputs are computed in float32,
 * and what they give is stored.
 */
export function storedTensors(network: Network, floatLayers: ReadonlySet<string>): Set<string> {
  const stored = new Set<string>();
  const takesFloat = network.consumers(pictureNames.centred).some((node) => floatLayers.has(outputOf(node)));
  if (!takesFloat) stored.add(pictureNames.centred);
  const averaged = new Set<string>();
  for (const node of network.nodes) {
    const output = outputOf(node);
    const isNarrow = node.op !== 'Mul' && node.inputs.some((name) => averaged.has(name));
    if (node.op === 'GlobalAveragePool' || isNarrow) averaged.add(output);
    if (isNarrow) continue;
    if (node.op === 'Mul') for (const gate of gatesOf(network, node, stored, averaged)) stored.add(gate);
    if (floatLayers.has(output) ? !feedsFloatLayer(network, output, floatLayers) : storable(network, node, stored))
      stored.add(output);
  }
  return stored;
}

/** Between two layers in float32 nothing is stored. */
function feedsFloatLayer(network: Network, tensor: string, floatLayers: ReadonlySet<string>): boolean {
  return network.consumers(tensor).every((node) => floatLayers.has(outputOf(node)));
}

/** The operand of a product of a stored tensor and a few averaged values: it is stored for the product's sake. */
function gatesOf(
  network: Network,
  { inputs }: Operator,
  stored: ReadonlySet<string>,
  averaged: ReadonlySet<string>,
): string[] {
  if (!inputs.some((name) => stored.has(name))) return [];
  return inputs.filter((name) => averaged.has(name) && !stored.has(name) && !network.constants.has(name));
}

function storable(network: Network, node: Operator, stored: ReadonlySet<string>): boolean {
  const reads = (...names: readonly string[]) => names.every((name) => stored.has(name));
  switch (node.op) {
    case 'Conv':
      return isConvolution(network, node) && reads(inputOf(node, 0));
    case 'Mul':
    case 'Add':
      return reads(...node.inputs) || recodes(network, node, stored) !== undefined;
    case 'Resize':
      return reads(inputOf(node, 0)) && textOf(node, 'mode') === 'nearest';
    case 'Clip':
      return reads(inputOf(node, 0)) && network.scalar(inputOf(node, 1)) === 0;
    case 'MaxPool':
      return reads(inputOf(node, 0)) && node.outputs.length === 1;
    case 'HardSwish':
    case 'Relu':
    case 'Sigmoid':
    case 'GlobalAveragePool':
    case 'AveragePool':
    case 'Concat':
      return reads(...node.inputs);
    default:
      return false;
  }
}

export interface Recoding {
  readonly input: string;
  readonly factor: number;
  readonly term: number;
}

/** A product of a stored tensor with a positive constant, or its sum with any, for which the same bytes are only read differently. */
export function recodes(network: Network, node: Operator, stored: ReadonlySet<string>): Recoding | undefined {
  for (const at of [0, 1]) {
    const value = network.scalar(inputOf(node, at));
    const input = inputOf(node, 1 - at);
    if (value === undefined || !stored.has(input) || network.soleConsumer(input) !== node) continue;
    if (node.op === 'Mul' && value > 0) return { input, factor: value, term: 0 };
    if (node.op === 'Add') return { input, factor: 1, term: value };
  }
  return undefined;
}

/** Operators that move bytes and compute nothing: what they take and give has one coding. */
export function moves({ op }: Operator): boolean {
  return op === 'Resize' || op === 'Concat' || op === 'MaxPool';
}

/** The Relu, or Clip from zero, into which a convolution's output goes and nowhere else: saturation does its work. */
export function absorbedRelu(network: Network, node: Operator): Operator | undefined {
  const next = node.op === 'Conv' ? network.soleConsumer(outputOf(node)) : undefined;
  const cuts = next?.op === 'Relu' || (next?.op === 'Clip' && network.scalar(inputOf(next, 1)) === 0);
  return cuts ? next : undefined;
}

/** Tensors whose ranges calibration must see: those that are stored and take no other's coding. */
export function observedTensors(network: Network, floatLayers: ReadonlySet<string>): string[] {
  const stored = storedTensors(network, floatLayers);
  return network.nodes.flatMap((node) => {
    const output = outputOf(node);
    if (!stored.has(output) || output === pictureNames.centred) return [];
    if (moves(node) || absorbedRelu(network, node) !== undefined) return [];
    const [reader] = network.consumers(output);
    const isRecoded =
      reader !== undefined && stored.has(outputOf(reader)) && recodes(network, reader, stored)?.input === output;
    return isRecoded ? [] : [output];
  });
}

/** How bytes are read: `real = affine(byte) + offset`, with one offset or one per channel; only convolutions take offsets into account. */
export interface Coding {
  readonly affine: Affine;
  readonly offset: number | readonly number[];
}

/** HardSwish is zero from here down, so what lies below is stored as this. */
const hardSwishFoot = -3;

/**
 * A coding for each stored tensor. Tensors that a Concat joins or a Resize repeats share one, so that their bytes are only moved; what
 * stands before a product or a sum with a constant takes over the coding that comes after it.
 */
export function codings(
  network: Network,
  stored: ReadonlySet<string>,
  ranges: ReadonlyMap<string, Range>,
): Map<string, Coding> {
  const found = new Map<string, Coding>();
  const { groups, groupOf } = tie(network, stored);
  found.set(pictureNames.centred, pictureCoding(network));
  const coded = (name: string): Coding => {
    const known = found.get(name);
    if (known !== undefined) return known;
    const group = groups.get(groupOf(name)) ?? [name];
    const sources = group.filter((member) => {
      const source = network.producer(member);
      return source === undefined || !moves(source);
    });
    const range = sources.map((member) => footed(network, member, requireRange(ranges, member)));
    const joined: Range = [Math.min(...range.map(([low]) => low)), Math.max(...range.map(([, high]) => high))];
    const coding: Coding = { affine: affineFor(joined), offset: 0 };
    for (const member of group) found.set(member, coding);
    return coding;
  };
  for (const node of network.nodes.toReversed()) {
    const output = outputOf(node);
    if (!stored.has(output) || absorbedRelu(network, node) !== undefined) continue;
    const recoding = recodes(network, node, stored);
    const coding = coded(output);
    if (recoding === undefined) continue;
    const isAlone = (groups.get(groupOf(output))?.length ?? 1) === 1;
    recode(found, output, isAlone ? wholeSteps(coding, recoding.term) : coding, recoding);
  }
  return found;
}

/** The picture's own bytes: one zero point for all colours, and an offset for what each colour's mean differs from it. */
function pictureCoding(network: Network): Coding {
  const means = [...(network.floats(pictureNames.mean) ?? [])];
  const zeroPoint = Math.round(means.reduce((sum, mean) => sum + mean, 0) / Math.max(1, means.length));
  return { affine: { scale: 1, zeroPoint }, offset: means.map((mean) => zeroPoint - mean) };
}

/** From how many steps on a term is made a whole number of them, by steps at most a quarter coarser. */
const manySteps = 4;

/** Steps of which the term holds a whole number, so that reading the bytes as before the term leaves nothing over. */
function wholeSteps(coding: Coding, term: number): Coding {
  const { scale, zeroPoint } = coding.affine;
  const steps = Math.floor(Math.abs(term) / scale);
  if (steps < manySteps) return coding;
  return { ...coding, affine: { scale: Math.fround(Math.abs(term) / steps), zeroPoint } };
}

/** Gives the tensor before the constant the affine that its consumer's bytes imply, and the consumer what rounding leaves over. */
function recode(found: Map<string, Coding>, output: string, coding: Coding, { input, factor, term }: Recoding): void {
  const { scale, zeroPoint } = coding.affine;
  const exact = zeroPoint + term / scale;
  const rounded = Math.min(255, Math.max(0, Math.round(exact)));
  found.set(input, { affine: { scale: Math.fround(scale / factor), zeroPoint: rounded }, offset: 0 });
  found.set(output, { affine: coding.affine, offset: scale * (exact - rounded) });
}

function footed(network: Network, name: string, [low, high]: Range): Range {
  return network.soleConsumer(name)?.op === 'HardSwish' ? [Math.max(low, hardSwishFoot), high] : [low, high];
}

/** Groups of tensors whose bytes are moved from one to the other. */
function tie(network: Network, stored: ReadonlySet<string>) {
  const parent = new Map<string, string>();
  const groupOf = (name: string): string => {
    const up = parent.get(name);
    return up === undefined ? name : groupOf(up);
  };
  for (const node of network.nodes) {
    const output = outputOf(node);
    if (!stored.has(output) || !moves(node)) continue;
    for (const name of node.op === 'Concat' ? node.inputs : [inputOf(node, 0)]) {
      const [a, b] = [groupOf(name), groupOf(output)];
      if (a !== b) parent.set(a, b);
    }
  }
  const groups = new Map<string, string[]>();
  for (const name of stored) groups.set(groupOf(name), [...(groups.get(groupOf(name)) ?? []), name]);
  return { groups, groupOf };
}
