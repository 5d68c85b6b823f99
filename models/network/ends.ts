import { AtalayaError } from '../../device/kernel/errors.ts';
import { isConvolution, setWeights, weightsOf } from './convolutions.ts';
import { inputOf, type Network, operator, outputOf } from './network.ts';

/** What a recipe does to a network's two ends: bytes in, and only the values out that are used. */

/** How a network was trained to see pictures: `(byte / 255 - mean) / deviation` for each of its channels. */
export interface Normalisation {
  /** Order of the network's channels. */
  readonly order: 'RGB' | 'BGR';
  /** In the order of the network's channels. */
  readonly mean: readonly [number, number, number];
  readonly deviation: readonly [number, number, number];
}

export const pictureNames = {
  input: 'image',
  bytes: 'picture:nchw',
  float: 'picture:float',
  centred: 'picture',
  mean: 'picture:mean',
} as const;

/**
 * Lets the network take RGB bytes `[batch, height, width, 3]`. Order and deviation go into the weights of the first convolution; the mean
 * is subtracted before it, because the convolution's padding is zero.
 */
export function feedBytes(
  network: Network,
  { order, mean, deviation }: Normalisation,
  sides: readonly [batch: number | string, height: number | string, width: number | string],
): void {
  for (const name of Object.values(pictureNames)) network.makeRoom(name);
  const [input] = network.inputs;
  const [first, ...others] = network.consumers(input?.name ?? '');
  if (input === undefined || first === undefined || others.length > 0 || !isConvolution(network, first)) {
    throw new AtalayaError('bundle-invalid', `input ${input?.name} does not go into one convolution`);
  }
  const { weights, shape, bias } = weightsOf(network, first);
  const [, inputs = 0, height = 0, width = 0] = shape;
  if (inputs !== 3) throw new AtalayaError('bundle-invalid', `input ${input.name} has ${inputs} channels, not 3`);
  const size = height * width;
  /** The network's channel that shows red, green or blue. */
  const channelOf = (colour: number) => (order === 'BGR' ? 2 - colour : colour);
  const turned = weights.map((_, i) => {
    const channel = channelOf(Math.floor(i / size) % 3);
    const from = Math.floor(i / (3 * size)) * 3 * size + channel * size + (i % size);
    return weights[from]! / (255 * deviation[channel]!);
  });
  const changed = setWeights(network, first, { weights: turned, shape, bias });
  const centre = Float32Array.from({ length: 3 }, (_, colour) => 255 * mean[channelOf(colour)]!);
  network.constant(pictureNames.mean, centre, [1, 3, 1, 1]);
  network.replace(changed, { ...changed, inputs: [pictureNames.centred, ...changed.inputs.slice(1)] });
  network.nodes.unshift(
    operator('Transpose', [pictureNames.input], pictureNames.bytes, { perm: [0, 3, 1, 2] }),
    operator('Cast', [pictureNames.bytes], pictureNames.float, { to: 1 }),
    operator('Sub', [pictureNames.float, pictureNames.mean], pictureNames.centred),
  );
  network.inputs = [{ name: pictureNames.input, type: 'uint8', shape: [...sides, 3] }];
  network.prune();
}

/** Makes a tensor the network's only output, under a new name, and drops what came after it. */
export function endAt(network: Network, tensor: string, name: string, shape?: readonly (number | string)[]): void {
  if (tensor !== name) network.makeRoom(name);
  const node = network.producer(tensor);
  if (node === undefined) throw new AtalayaError('bundle-invalid', `the network has no tensor ${tensor}`);
  network.outputs = [{ name, type: 'float32', ...(shape ? { shape } : {}) }];
  network.replace(node, { ...node, outputs: [name] });
  network.redirect(tensor, name);
  network.prune();
}

/** Keeps some columns, in the given order, of a linear layer (MatMul, then Add) that ends in `tensor`. The others' values do not change. */
export function keepColumns(network: Network, tensor: string, columns: readonly number[]): void {
  const refuse = (what: string) => new AtalayaError('bundle-invalid', `tensor ${tensor} ${what}`);
  const sum = network.producer(tensor);
  const product = sum?.op === 'Add' ? network.producer(inputOf(sum, 0)) : undefined;
  const weights = network.constants.get(product === undefined ? '' : inputOf(product, 1));
  const bias = network.constants.get(sum === undefined ? '' : inputOf(sum, 1));
  if (sum === undefined || product?.op !== 'MatMul' || weights === undefined || bias === undefined) {
    throw refuse('is no product with constant weights and a constant added to it');
  }
  const [rows = 0, width = 0] = weights.shape;
  if (!(weights.data instanceof Float32Array) || !(bias.data instanceof Float32Array) || bias.data.length !== width) {
    throw refuse('has weights and a bias that do not fit each other');
  }
  if (columns.some((column) => column < 0 || column >= width)) throw refuse(`has ${width} columns, too few`);
  const { data } = weights;
  const kept = Float32Array.from({ length: rows * columns.length }, (_, i) => {
    return data[Math.floor(i / columns.length) * width + columns[i % columns.length]!]!;
  });
  const shift = Float32Array.from(columns, (column) => (bias.data as Float32Array)[column]!);
  const names = [
    network.constant(`${outputOf(product)}:kept`, kept, [rows, columns.length]),
    network.constant(`${outputOf(sum)}:kept`, shift, [columns.length]),
  ] as const;
  network.replace(product, { ...product, inputs: [inputOf(product, 0), names[0]] });
  network.replace(sum, { ...sum, inputs: [outputOf(product), names[1]] });
}
