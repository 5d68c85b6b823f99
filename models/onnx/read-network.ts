import onnxProto from 'onnx-proto';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { type Constant, Network, type Operator } from '../network/network.ts';
import type { Attribute, TensorType } from './builder.ts';
import { toOpset13 } from './to-opset-13.ts';

const { onnx } = onnxProto;
const { DataType } = onnx.TensorProto;
const { AttributeType } = onnx.AttributeProto;
type TensorProto = InstanceType<typeof onnx.TensorProto>;
type AttributeProto = InstanceType<typeof onnx.AttributeProto>;
type ValueInfoProto = InstanceType<typeof onnx.ValueInfoProto>;

/**
 * Reads an ONNX file: its operators, with constants apart. What an older opset states in attributes is brought to opset 13.
 * Throws `bundle-invalid` for bytes that are no ONNX model, and for tensors and attributes of kinds that are not known here.
 */
export function readNetwork(bytes: Uint8Array): Network {
  const { graph, opsetImport } = decode(bytes);
  const opset = Number(opsetImport.find((entry) => (entry.domain ?? '') === '')?.version ?? 0);
  if (!graph || opset < 9) throw new AtalayaError('bundle-invalid', `the ONNX file has no graph of opset 9 or later`);
  const constants = new Map<string, Constant>();
  for (const tensor of graph.initializer ?? []) constants.set(tensor.name ?? '', readTensor(tensor as TensorProto));
  const nodes: Operator[] = [];
  for (const node of graph.node ?? []) {
    const [output = ''] = node.output ?? [];
    const value = node.opType === 'Constant' ? node.attribute?.find(({ name }) => name === 'value')?.t : undefined;
    if (value) {
      constants.set(output, readTensor(value as TensorProto));
      continue;
    }
    if ((node.domain ?? '') !== '') throw invalid(`operator ${output} is of the domain ${node.domain}`);
    nodes.push({
      op: node.opType ?? '',
      inputs: node.input ?? [],
      outputs: node.output ?? [],
      attributes: Object.fromEntries(
        (node.attribute ?? []).map((attribute) => [attribute.name ?? '', readAttribute(attribute as AttributeProto)]),
      ),
    });
  }
  const inputs = (graph.input ?? []).filter(({ name }) => !constants.has(name ?? ''));
  return toOpset13(
    new Network({
      opset,
      nodes,
      constants,
      inputs: inputs.map((input) => readValueInfo(input as ValueInfoProto)),
      outputs: (graph.output ?? []).map((output) => readValueInfo(output as ValueInfoProto)),
    }),
  );
}

function decode(bytes: Uint8Array) {
  try {
    return onnx.ModelProto.decode(bytes);
  } catch (cause) {
    throw new AtalayaError('bundle-invalid', 'the file is no ONNX model', { cause });
  }
}

function readTensor(tensor: TensorProto): Constant {
  const shape = tensor.dims.map(Number);
  const length = shape.reduce((product, side) => product * side, 1);
  const { rawData } = tensor;
  const raw = rawData.length > 0 ? rawData.slice() : undefined;
  const view = raw === undefined ? undefined : new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const data = ((): Constant['data'] => {
    switch (tensor.dataType) {
      case DataType.FLOAT:
        return view
          ? Float32Array.from({ length }, (_, i) => view.getFloat32(i * 4, true))
          : Float32Array.from(tensor.floatData);
      case DataType.INT64:
        return view
          ? BigInt64Array.from({ length }, (_, i) => view.getBigInt64(i * 8, true))
          : BigInt64Array.from(tensor.int64Data, (value) => BigInt(Number(value)));
      case DataType.INT32:
        return view
          ? Int32Array.from({ length }, (_, i) => view.getInt32(i * 4, true))
          : Int32Array.from(tensor.int32Data);
      case DataType.UINT8:
        return Uint8Array.from(raw ?? tensor.int32Data);
      case DataType.INT8:
        return raw ? new Int8Array(raw.buffer, raw.byteOffset, raw.byteLength) : Int8Array.from(tensor.int32Data);
      default:
        throw invalid(`tensor ${tensor.name} has the data type ${tensor.dataType}`);
    }
  })();
  if (data.length !== length) throw invalid(`tensor ${tensor.name} holds ${data.length} values for shape ${shape}`);
  return { shape, data };
}

function readAttribute(attribute: AttributeProto): Attribute {
  switch (attribute.type) {
    case AttributeType.INT:
      return Number(attribute.i);
    case AttributeType.FLOAT:
      return { float: attribute.f };
    case AttributeType.STRING:
      return new TextDecoder().decode(attribute.s);
    case AttributeType.INTS:
      return attribute.ints.map(Number);
    default:
      throw invalid(`attribute ${attribute.name} has the type ${attribute.type}`);
  }
}

function readValueInfo({ name, type }: ValueInfoProto): TensorType {
  const tensor = type?.tensorType;
  const elemType = tensor?.elemType;
  if (elemType !== DataType.FLOAT && elemType !== DataType.UINT8) throw invalid(`${name} is neither float32 nor uint8`);
  const shape = (tensor?.shape?.dim ?? []).map(({ dimParam, dimValue }) =>
    dimParam ? dimParam : Number(dimValue ?? 0),
  );
  return { name, type: elemType === DataType.FLOAT ? 'float32' : 'uint8', shape };
}

function invalid(what: string): AtalayaError {
  return new AtalayaError('bundle-invalid', what);
}
