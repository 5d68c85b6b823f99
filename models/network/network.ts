import { AtalayaError } from '../../device/kernel/errors.ts';
import type { Attribute, TensorType } from '../onnx/builder.ts';

/**
 * A network as its ONNX file states it: operators with named tensors. It is what recipes cut, fold and quantise where a network has more
 * than the convolutions and sums of the detector.
 */

export interface Constant {
  readonly shape: readonly number[];
  readonly data: Float32Array | BigInt64Array | Int32Array | Int8Array | Uint8Array;
}

export interface Operator {
  readonly op: string;
  /** An absent optional input is an empty name. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A network that passes rewrite in place; `copy` it to keep the old one. */
export class Network {
  readonly opset: number;
  /** In an order in which each operator's inputs come before it. */
  nodes: Operator[];
  readonly constants: Map<string, Constant>;
  inputs: readonly TensorType[];
  outputs: readonly TensorType[];

  constructor(parts: Pick<Network, 'opset' | 'nodes' | 'constants' | 'inputs' | 'outputs'>) {
    this.opset = parts.opset;
    this.nodes = [...parts.nodes];
    this.constants = new Map(parts.constants);
    this.inputs = parts.inputs;
    this.outputs = parts.outputs;
  }

  copy(): Network {
    return new Network(this);
  }

  producer(tensor: string): Operator | undefined {
    return this.nodes.find((node) => node.outputs.includes(tensor));
  }

  /** Operators that read a tensor; an output of the network counts as none. */
  consumers(tensor: string): Operator[] {
    return this.nodes.filter((node) => node.inputs.includes(tensor));
  }

  /** The one operator that reads a tensor, where there is one and the tensor is no output. */
  soleConsumer(tensor: string): Operator | undefined {
    if (this.outputs.some((output) => output.name === tensor)) return undefined;
    const [first, ...others] = this.consumers(tensor);
    return others.length === 0 ? first : undefined;
  }

  /** Puts operators in the place of one. */
  replace(node: Operator, ...operators: readonly Operator[]): void {
    const at = this.nodes.indexOf(node);
    if (at < 0) throw new AtalayaError('bundle-invalid', `operator ${node.outputs[0]} is no part of the network`);
    this.nodes.splice(at, 1, ...operators);
  }

  /** Lets everyone who reads `from` read `to` instead. */
  redirect(from: string, to: string): void {
    this.nodes = this.nodes.map((node) =>
      node.inputs.includes(from) ? { ...node, inputs: node.inputs.map((name) => (name === from ? to : name)) } : node,
    );
  }

  /** Takes out an operator that gives what another tensor already is. */
  bypass(node: Operator, tensor: string): void {
    const [output = ''] = node.outputs;
    this.replace(node);
    this.redirect(output, tensor);
  }

  /** A name like the one that is wished for, which no tensor has. */
  fresh(wish: string): string {
    const isTaken = (name: string) =>
      this.constants.has(name) || this.inputs.some((input) => input.name === name) || this.producer(name) !== undefined;
    return isTaken(wish) ? this.fresh(`${wish}~`) : wish;
  }

  /** Gives another name to whatever has this one, so that it can be used. */
  makeRoom(name: string): void {
    const other = this.fresh(name);
    if (other === name) return;
    const constant = this.constants.get(name);
    if (constant !== undefined) {
      this.constants.delete(name);
      this.constants.set(other, constant);
    }
    const renamed = (names: readonly string[]) => names.map((each) => (each === name ? other : each));
    this.nodes = this.nodes.map((node) => ({ ...node, outputs: renamed(node.outputs) }));
    this.redirect(name, other);
    const ends = (tensors: readonly TensorType[]) =>
      tensors.map((tensor) => (tensor.name === name ? { ...tensor, name: other } : tensor));
    [this.inputs, this.outputs] = [ends(this.inputs), ends(this.outputs)];
  }

  /** Adds a constant under a name like the one that is wished for, and gives the name. */
  constant(wish: string, data: Constant['data'], shape: readonly number[]): string {
    const name = this.fresh(wish);
    this.constants.set(name, { data, shape });
    return name;
  }

  /** A constant's float32 values. */
  floats(name: string | undefined): Float32Array | undefined {
    const data = name === undefined ? undefined : this.constants.get(name)?.data;
    return data instanceof Float32Array ? data : undefined;
  }

  /** A constant's whole numbers. */
  integers(name: string | undefined): number[] | undefined {
    const data = name === undefined ? undefined : this.constants.get(name)?.data;
    return data instanceof BigInt64Array || data instanceof Int32Array ? Array.from(data, Number) : undefined;
  }

  /** The value of a constant that holds one number, whatever its shape. */
  scalar(name: string | undefined): number | undefined {
    const values = this.floats(name);
    return values?.length === 1 ? values[0] : undefined;
  }

  /** Drops operators that no output needs, and constants that no operator reads. */
  prune(): void {
    const needed = new Set(this.outputs.map((output) => output.name));
    const kept: Operator[] = [];
    for (const node of this.nodes.toReversed()) {
      if (!node.outputs.some((name) => needed.has(name))) continue;
      for (const name of node.inputs) needed.add(name);
      kept.push(node);
    }
    this.nodes = kept.reverse();
    for (const name of this.constants.keys()) if (!needed.has(name)) this.constants.delete(name);
  }
}

export function operator(
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: Operator['attributes'] = {},
): Operator {
  return { op, inputs, outputs: [output], attributes };
}

/** The output of an operator that has one. */
export function outputOf(node: Operator): string {
  return node.outputs[0] ?? '';
}

export function inputOf(node: Operator, at: number): string {
  return node.inputs[at] ?? '';
}

export function intOf(node: Operator, name: string, otherwise: number): number {
  const attribute = node.attributes[name];
  return typeof attribute === 'number' ? attribute : otherwise;
}

export function floatOf(node: Operator, name: string, otherwise: number): number {
  const attribute = node.attributes[name];
  return typeof attribute === 'object' && 'float' in attribute ? attribute.float : otherwise;
}

export function intsOf(node: Operator, name: string): readonly number[] | undefined {
  const attribute = node.attributes[name];
  return typeof attribute === 'object' && !('float' in attribute) ? attribute : undefined;
}

export function textOf(node: Operator, name: string): string | undefined {
  const attribute = node.attributes[name];
  return typeof attribute === 'string' ? attribute : undefined;
}

export function refusal(node: Operator, what: string): AtalayaError {
  return new AtalayaError('bundle-invalid', `graph node ${node.outputs[0]} (${node.op}) ${what}`);
}
