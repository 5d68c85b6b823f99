import { InferenceSession, Tensor } from 'onnxruntime-node';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { tensorNames } from '../onnx/names.ts';
import { Histogram } from './histogram.ts';

/** A picture as bytes `[1, height, width, 3]`, red first. */
export interface ObservedPicture {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/**
 * Runs a float graph that exposes `names` as outputs over pictures, and gives each of these activations as a histogram.
 *
 * Two passes: the first finds each activation's extremes, the second counts between them. Throws `engine-failed` where there is no picture.
 */
export async function observe(
  graph: Uint8Array,
  names: readonly string[],
  pictures: readonly ObservedPicture[],
): Promise<Map<string, Histogram>> {
  if (pictures.length === 0) throw new AtalayaError('engine-failed', 'there is no frame to calibrate on');
  const session = await InferenceSession.create(graph, { intraOpNumThreads: 2, logSeverityLevel: 3 });
  const eachActivation = async (look: (name: string, values: Float32Array) => void) => {
    for (const { data, width, height } of pictures) {
      const results = await session.run(
        { [tensorNames.input]: new Tensor('uint8', data, [1, height, width, 3]) },
        names,
      );
      for (const name of names) look(name, results[name]?.data as Float32Array);
    }
  };
  try {
    const extremes = new Map(names.map((name): [string, [number, number]] => [name, [0, 0]]));
    await eachActivation((name, values) => widen(extremes.get(name)!, values));
    const histograms = new Map([...extremes].map(([name, [low, high]]) => [name, new Histogram(low, high)]));
    await eachActivation((name, values) => histograms.get(name)!.count(values));
    return histograms;
  } finally {
    await session.release();
  }
}

/** A graph with one output, for comparing networks; units open theirs with an engine of their own. */
export interface OpenGraph {
  /** The output's values for one picture. */
  infer(picture: ObservedPicture): Promise<Float32Array>;
  close(): Promise<void>;
}

export async function openGraph(graph: Uint8Array): Promise<OpenGraph> {
  const session = await InferenceSession.create(graph, { intraOpNumThreads: 2, logSeverityLevel: 3 });
  const [output = ''] = session.outputNames;
  return {
    async infer({ data, width, height }) {
      const results = await session.run({ [tensorNames.input]: new Tensor('uint8', data, [1, height, width, 3]) });
      return Float32Array.from(results[output]?.data as Float32Array);
    },
    close: () => session.release(),
  };
}

function widen(range: [number, number], values: Float32Array): void {
  let [low, high] = range;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  range[0] = low;
  range[1] = high;
}
