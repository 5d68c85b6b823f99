import { Tensor } from 'onnxruntime-node';
import type { Normalisation } from '../network/ends.ts';

/** What a caller of a network had to do before it was imported: order, normalise and turn the bytes `[n, h, w, 3]`. */
export function normalised(picture: Tensor, { order, mean, deviation }: Normalisation): Tensor {
  const [count = 0, height = 0, width = 0] = picture.dims;
  const data = picture.data as Uint8Array;
  const values = new Float32Array(data.length);
  const plane = height * width;
  for (let i = 0; i < data.length; i++) {
    const [n, c] = [Math.floor(i / (3 * plane)), Math.floor(i / plane) % 3];
    const colour = order === 'BGR' ? 2 - c : c;
    values[i] = (data[(n * plane + (i % plane)) * 3 + colour]! / 255 - mean[c]!) / deviation[c]!;
  }
  return new Tensor('float32', values, [count, 3, height, width]);
}
