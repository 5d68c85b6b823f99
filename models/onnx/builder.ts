import onnxProto from 'onnx-proto';

/** The few parts of ONNX that our networks need, written through the official protobuf schema. */

const { onnx } = onnxProto;
const { DataType } = onnx.TensorProto;
const { AttributeType } = onnx.AttributeProto;

/** Opset 13: first with per-axis DequantizeLinear. IR 7 is the IR that goes with it. */
const lowestOpset = 13;
const irVersion = 7;

/** Plain numbers are whole; a float is said to be one, since ONNX tells the two apart. */
export type Attribute = number | string | readonly number[] | FloatAttribute;
export interface FloatAttribute {
  readonly float: number;
}
type Values = Float32Array | Int8Array | Uint8Array | Int32Array | BigInt64Array;

export interface TensorType {
  readonly name: string;
  readonly type: 'float32' | 'uint8';
  /** A side without a number is one that the caller chooses; equal names are equal sides. Absent where nothing is said about the sides. */
  readonly shape?: readonly (number | string)[];
}

/** Collects nodes and constants; the same calls in the same order give the same bytes. */
export class OnnxBuilder {
  private readonly nodes: InstanceType<typeof onnx.NodeProto>[] = [];
  private readonly constants = new Map<string, InstanceType<typeof onnx.TensorProto>>();

  /** Adds a node with one output and gives back the output's name. */
  node(
    operator: string,
    inputs: readonly string[],
    output: string,
    attributes: Readonly<Record<string, Attribute>> = {},
  ): string {
    this.nodes.push(
      onnx.NodeProto.create({
        opType: operator,
        name: output,
        input: [...inputs],
        output: [output],
        attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
      }),
    );
    return output;
  }

  /** Adds a constant once per name and gives the name back. */
  constant(name: string, values: Values, shape: readonly number[]): string {
    const dataType = typeOf(values);
    const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    this.constants.set(name, onnx.TensorProto.create({ name, dataType, dims: [...shape], rawData }));
    return name;
  }

  integers(name: string, values: readonly number[]): string {
    return this.constant(name, BigInt64Array.from(values, BigInt), [values.length]);
  }

  scalar(name: string, value: number): string {
    return this.constant(name, Float32Array.of(value), []);
  }

  /** The model's bytes. */
  encode(
    name: string,
    inputs: readonly TensorType[],
    outputs: readonly TensorType[],
    opset: number = lowestOpset,
  ): Uint8Array<ArrayBuffer> {
    const model = onnx.ModelProto.create({
      irVersion: opset > lowestOpset ? irVersion + 1 : irVersion,
      producerName: 'atalaya-models',
      opsetImport: [{ domain: '', version: opset }],
      graph: {
        name,
        node: this.nodes,
        initializer: [...this.constants.values()],
        input: inputs.map(valueInfo),
        output: outputs.map(valueInfo),
      },
    });
    return new Uint8Array(onnx.ModelProto.encode(model).finish());
  }
}

function attribute(name: string, value: Attribute) {
  if (typeof value === 'string') return { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) };
  if (typeof value === 'number') return { name, type: AttributeType.INT, i: value };
  if ('float' in value) return { name, type: AttributeType.FLOAT, f: value.float };
  return { name, type: AttributeType.INTS, ints: [...value] };
}

function typeOf(values: Values): number {
  if (values instanceof Float32Array) return DataType.FLOAT;
  if (values instanceof Int8Array) return DataType.INT8;
  if (values instanceof Uint8Array) return DataType.UINT8;
  return values instanceof Int32Array ? DataType.INT32 : DataType.INT64;
}

function valueInfo({ name, type, shape }: TensorType) {
  const elemType = type === 'uint8' ? DataType.UINT8 : DataType.FLOAT;
  return { name, type: { tensorType: { elemType, ...(shape ? { shape: { dim: shape.map(dimension) } } : {}) } } };
}

function dimension(side: number | string) {
  return typeof side === 'string' ? { dimParam: side } : { dimValue: side };
}
