import { InferenceSession, Tensor } from 'onnxruntime-node';
import { AtalayaError } from '../../device/kernel/errors.ts';
import type { Detector } from '../graph/layers.ts';
import { tensorNames } from '../onnx/names.ts';
import { writeFloat } from '../onnx/write-float.ts';
import { Histogram } from './histogram.ts';

/**
 * Runs the float detector over frames and gives each layer's activations as a histogram.
 *
 * Frames are `[height * width * 3]` bytes. Two passes: the first finds each layer's extremes, the second counts between them.
 * Throws `engine-failed` where there is no frame.
 */
export async function observe(detector: Detector, frames: readonly Uint8Array[]): Promise<Map<string, Histogram>> {
  if (frames.length === 0) throw new AtalayaError('engine-failed', 'there is no frame to calibrate on');
  const session = await InferenceSession.create(writeFloat(detector, { exposeLayers: true }), { intraOpNumThreads: 2 });
  const names = detector.layers.map((layer) => layer.name);
  const [channels, height, width] = detector.inputShape;
  const eachActivation = async (look: (name: string, values: Float32Array) => void) => {
    for (const frame of frames) {
      const results = await session.run(
        { [tensorNames.input]: new Tensor('uint8', frame, [1, height, width, channels]) },
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

function widen(range: [number, number], values: Float32Array): void {
  let [low, high] = range;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  range[0] = low;
  range[1] = high;
}
