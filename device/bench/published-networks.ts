import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { bundlesFolder } from '../../models/contract/places.ts';
import { plateFinder, plateReader } from '../../models/recipe/ppocr-v4.ts';
import { fetchTarball } from '../../models/source/npm-tarball.ts';
import { openSession, runSession } from '../detect/engine/onnxruntime-session.ts';
import { AtalayaError } from '../kernel/errors.ts';
import { type StripReader, stripHeight, type TextFinder } from '../plate/engine/plate-engine.ts';
import { alphabet, columnCount } from '../plate/formats/alphabet.ts';

/**
 * PP-OCRv4 as its authors publish it: the float graphs of the tarball, prepared for and cut afterwards in JavaScript as they ask. What the
 * bundles are held against.
 */
export async function openPublished(threads: number): Promise<{ finder: TextFinder; reader: StripReader }> {
  const files = await fetchTarball(plateFinder.source as Parameters<typeof fetchTarball>[0], bundlesFolder);
  const open = async (graph: string, sides: string) => {
    const bytes = files.get(graph);
    if (bytes === undefined) throw new AtalayaError('bundle-file-missing', `the tarball has no ${graph}`);
    const bundle = { folder: 'the tarball', manifest: { graph }, read: async () => Buffer.from(bytes) };
    return (await openSession(bundle, `x float32 ${sides}`, { threads })).session;
  };
  const finder = await open('package/assets/ch_PP-OCRv4_det_infer.onnx', '[*,3,*,*]');
  const reader = await open('package/assets/ch_PP-OCRv4_rec_infer.onnx', '[*,3,48,*]');
  return { finder: publishedFinder(finder), reader: publishedReader(reader, columnsOf(files)) };
}

/** Bytes `[height, width, 3]`, red first, to the planes blue, green, red that the networks were taught on. */
function planes(bytes: Uint8Array, mean: readonly number[], deviation: readonly number[]): Float32Array {
  const pixels = bytes.length / 3;
  const out = new Float32Array(bytes.length);
  for (let plane = 0; plane < 3; plane += 1) {
    const scale = 1 / (255 * deviation[plane]!);
    const shift = mean[plane]! / deviation[plane]!;
    for (let i = 0; i < pixels; i += 1) out[plane * pixels + i] = bytes[i * 3 + 2 - plane]! * scale - shift;
  }
  return out;
}

async function run(session: InferenceSession, data: Float32Array, sides: readonly number[]) {
  const output = session.outputNames[0] ?? '';
  const made = (
    await runSession(session, 'PP-OCRv4 as published', { x: new Tensor('float32', data, sides) }, [output])
  )[output];
  if (!(made?.data instanceof Float32Array)) throw new AtalayaError('engine-failed', 'the network gave nothing');
  return { data: made.data, sides: made.dims };
}

function publishedFinder(session: InferenceSession): TextFinder {
  return {
    name: 'float as published',
    find: async (picture, width, height) => {
      const input = planes(picture, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
      return (await run(session, input, [1, 3, height, width])).data;
    },
    close: () => session.release(),
  };
}

function publishedReader(session: InferenceSession, columns: readonly number[]): StripReader {
  return {
    name: 'float as published',
    read: async (strips, count, width) => {
      const { data, sides } = await run(session, planes(strips, [0.5, 0.5, 0.5], [0.5, 0.5, 0.5]), [
        count,
        3,
        stripHeight,
        width,
      ]);
      const [, steps = 0, all = 1] = sides;
      const logits = new Float32Array(count * steps * columnCount);
      for (let step = 0; step < count * steps; step += 1) {
        for (const [i, column] of columns.entries()) {
          logits[step * columnCount + i] = Math.log(Math.max(1e-12, data[step * all + column] ?? 0));
        }
      }
      return { logits, steps };
    },
    close: () => session.release(),
  };
}

/** Of the published alphabet, the columns of the blank and of ours. */
function columnsOf(files: ReadonlyMap<string, Uint8Array>): readonly number[] {
  const list = plateReader.characters === 'alphabet' ? '' : plateReader.characters.list;
  const characters = Buffer.from(files.get(list) ?? [])
    .toString('utf8')
    .split('\n');
  return [0, ...[...alphabet].map((character) => characters.indexOf(character) + 1)];
}
