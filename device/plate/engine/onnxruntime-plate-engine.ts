import { type InferenceSession, Tensor } from 'onnxruntime-node';
import type { Bundle } from '../../../models/contract/bundle.ts';
import type { FindingManifest, ReadingManifest, SideLimits } from '../../../models/contract/manifest.ts';
import { type OnnxruntimeOptions, openSession, runSession } from '../../detect/engine/onnxruntime-session.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import { alphabet, columnCount } from '../formats/alphabet.ts';
import { type StripLogits, type StripReader, stripHeight, type TextFinder } from './plate-engine.ts';

/** A session that is released once and refuses what is asked of it afterwards. */
class Network {
  readonly name: string;
  readonly #session: InferenceSession;
  #closed = false;

  constructor(name: string, session: InferenceSession) {
    this.name = name;
    this.#session = session;
  }

  /** The one output for the one input: float32 data and its sides. Rejects with `engine-failed`. */
  async run(
    input: { readonly name: string; readonly data: Uint8Array; readonly sides: readonly number[] },
    output: string,
  ): Promise<{ readonly data: Float32Array; readonly sides: readonly number[] }> {
    if (this.#closed) throw new AtalayaError('engine-failed', `${this.name} is closed`);
    const wanted = input.sides.reduce((product, side) => product * side, 1);
    if (input.data.length !== wanted || wanted === 0) {
      throw new AtalayaError(
        'engine-failed',
        `${this.name} takes ${input.sides.join('x')} bytes, not ${input.data.length}`,
      );
    }
    const feeds = { [input.name]: new Tensor('uint8', input.data, input.sides) };
    const made = (await runSession(this.#session, this.name, feeds, [output]))[output];
    if (made === undefined || !(made.data instanceof Float32Array)) {
      throw new AtalayaError('engine-failed', `${this.name} gave no ${output} of float32 values`);
    }
    return { data: made.data, sides: made.dims };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#session.release();
  }
}

function refuseSide(engine: string, side: number, { multiple, smallest, largest }: SideLimits): void {
  if (side % multiple === 0 && side >= smallest && side <= largest) return;
  throw new AtalayaError(
    'engine-failed',
    `${engine} takes sides of ${smallest} to ${largest} pixels in steps of ${multiple}, not ${side}`,
  );
}

/** Opens a `text-detection` bundle. Throws what `openSession` throws. */
export async function openTextFinder(
  bundle: Bundle<FindingManifest>,
  options: OnnxruntimeOptions = {},
): Promise<TextFinder> {
  const { input, outputs, precision } = bundle.manifest;
  const { session, version } = await openSession(bundle, `${input.name} ${input.dtype} [1,*,*,3]`, options);
  const network = new Network(`onnxruntime-node ${version} ${precision}`, session);
  return {
    name: network.name,
    find: async (picture, width, height) => {
      refuseSide(network.name, width, input.width);
      refuseSide(network.name, height, input.height);
      const { data } = await network.run(
        { name: input.name, data: picture, sides: [1, height, width, 3] },
        outputs.probability.name,
      );
      if (data.length === width * height) return data;
      throw new AtalayaError(
        'engine-failed',
        `${network.name} gave ${data.length} values for ${width}x${height} pixels`,
      );
    },
    close: () => network.close(),
  };
}

/**
 * Opens a `text-recognition` bundle. Throws what `openSession` throws, and `bundle-input-unknown` for strips of another height or another
 * alphabet.
 */
export async function openStripReader(
  bundle: Bundle<ReadingManifest>,
  options: OnnxruntimeOptions = {},
): Promise<StripReader> {
  const { input, outputs, precision, alphabet: known } = bundle.manifest;
  if (input.height !== stripHeight || known !== alphabet || outputs.logits.columns !== columnCount) {
    throw new AtalayaError(
      'bundle-input-unknown',
      `${bundle.folder} reads strips ${input.height} high as ${known}; only ${stripHeight} and ${alphabet} can be used`,
    );
  }
  const stated = `${input.name} ${input.dtype} [*,${stripHeight},*,3]`;
  const { session, version } = await openSession(bundle, stated, options);
  const network = new Network(`onnxruntime-node ${version} ${precision}`, session);
  return {
    name: network.name,
    read: async (strips, count, width): Promise<StripLogits> => {
      refuseSide(network.name, width, input.width);
      const { data, sides } = await network.run(
        { name: input.name, data: strips, sides: [count, stripHeight, width, 3] },
        outputs.logits.name,
      );
      const steps = sides[1] ?? 0;
      if (data.length === count * steps * columnCount) return { logits: data, steps };
      throw new AtalayaError('engine-failed', `${network.name} gave ${data.length} values for ${count} strips`);
    },
    close: () => network.close(),
  };
}
