import type { Manifest } from '../../../models/contract/manifest.ts';
import { AtalayaError } from '../../kernel/errors.ts';

type OutputSpec = Manifest['outputs']['boxes'];

/** Throws `engine-failed` unless `input` holds exactly one picture of the manifest's size. */
export function refuseWrongLength(engine: string, input: Uint8Array, manifest: Manifest): void {
  const { width, height } = manifest.input;
  const wanted = width * height * 3;
  if (input.length !== wanted) {
    throw new AtalayaError(
      'engine-failed',
      `${engine} takes ${wanted} bytes (${width}x${height} RGB), not ${input.length}`,
    );
  }
}

/** The data of an output, where it is float32 and has the stated number of values. Throws `engine-failed` otherwise. */
export function outputOf(engine: string, spec: OutputSpec, data: unknown): Float32Array {
  const wanted = spec.shape.reduce((product, side) => product * side, 1);
  if (!(data instanceof Float32Array) || data.length !== wanted) {
    throw new AtalayaError('engine-failed', `${engine} gave no ${spec.name} of ${wanted} float32 values`);
  }
  return data;
}
