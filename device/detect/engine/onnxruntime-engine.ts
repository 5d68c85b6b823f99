import { readFile } from 'node:fs/promises';
import { type InferenceSession, Tensor } from 'onnxruntime-node';
import type { ModelBundle } from '../../../models/contract/bundle.ts';
import type { Manifest } from '../../../models/contract/manifest.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import type { InferenceEngine, RawOutput } from '../inference-engine.ts';
import { outputOf, refuseWrongLength } from './check-tensors.ts';

export interface OnnxruntimeOptions {
  /** Threads that share one operator, the calling thread among them. */
  readonly threads?: number;
  /**
   * How long a thread that waits for its share of an operator keeps a core busy before it sleeps, in microseconds. Between two frames
   * the threads sleep in any case.
   */
  readonly spinMicroseconds?: number;
}

/**
 * Measured for the int8 detector on 2 threads: without spinning 5.1 ms a frame, with 50 us 4.1 ms and the same processor time (8.4 ms a
 * frame); longer spinning gains nothing more and keeps the second core busy after the frame.
 */
const defaults = { threads: 2, spinMicroseconds: 50 } as const;

/** ONNX Runtime on the CPU: the default engine. */
export class OnnxruntimeEngine implements InferenceEngine {
  readonly name: string;
  readonly input: { readonly width: number; readonly height: number };
  private readonly manifest: Manifest;
  private readonly session: InferenceSession;
  private closed = false;

  constructor(manifest: Manifest, session: InferenceSession, version: string) {
    this.manifest = manifest;
    this.session = session;
    this.name = `onnxruntime-node ${version} ${manifest.precision}`;
    this.input = { width: manifest.input.width, height: manifest.input.height };
  }

  async infer(input: Uint8Array): Promise<RawOutput> {
    if (this.closed) throw new AtalayaError('engine-failed', `${this.name} is closed`);
    const { width, height, name } = this.manifest.input;
    const { boxes, scores } = this.manifest.outputs;
    refuseWrongLength(this.name, input, this.manifest);
    let results: InferenceSession.ReturnType;
    try {
      results = await this.session.run({ [name]: new Tensor('uint8', input, [1, height, width, 3]) }, [
        boxes.name,
        scores.name,
      ]);
    } catch (cause) {
      throw new AtalayaError(
        'engine-failed',
        `${this.name} failed: ${cause instanceof Error ? cause.message : cause}`,
        { cause },
      );
    }
    return {
      boxes: outputOf(this.name, boxes, results[boxes.name]?.data),
      scores: outputOf(this.name, scores, results[scores.name]?.data),
    };
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.session.release();
  }
}

/**
 * Opens a bundle with ONNX Runtime. Throws `engine-unavailable` where the library or the graph does not load, and `bundle-input-unknown`
 * where the graph's own input is not the one that the manifest states.
 */
export async function openOnnxruntime(bundle: ModelBundle, options: OnnxruntimeOptions = {}): Promise<InferenceEngine> {
  const { threads, spinMicroseconds } = { ...defaults, ...options };
  const graph = await bundle.read(bundle.manifest.graph);
  try {
    const ort = await import('onnxruntime-node');
    const session = await ort.InferenceSession.create(graph, {
      executionProviders: ['cpu'],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      // Keeps no second plan of the memory: 5 MB a session, and no slower.
      enableMemPattern: false,
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
      extra: {
        session: {
          'intra_op.allow_spinning': spinMicroseconds > 0 ? '1' : '0',
          ...(spinMicroseconds > 0 ? { 'intra_op.spin_duration_us': String(spinMicroseconds) } : {}),
          x64quantprecision: saturatesUint8Int8(process.arch, await processorFlags()) ? '1' : '0',
        },
      },
    });
    try {
      refuseOtherInput(bundle, session);
    } catch (error) {
      await session.release();
      throw error;
    }
    return new OnnxruntimeEngine(bundle.manifest, session, ort.env.versions?.node ?? 'unknown');
  } catch (cause) {
    if (cause instanceof AtalayaError) throw cause;
    throw new AtalayaError(
      'engine-unavailable',
      `onnxruntime-node cannot open ${bundle.folder}: ${cause instanceof Error ? cause.message : cause}`,
      {
        hint: 'Check that onnxruntime-node is installed for this processor and that the bundle was made for this version.',
        cause,
      },
    );
  }
}

/**
 * True for processors on which ONNX Runtime multiplies uint8 by int8 through 16-bit sums that saturate without a word: x86-64 without
 * VNNI (ONNX Runtime's documentation on quantisation, "When and why do I need to try U8U8?"). There the exact, slower way is asked for;
 * elsewhere that way would halve the speed and change nothing.
 */
export function saturatesUint8Int8(architecture: string, flags: string): boolean {
  return architecture === 'x64' && !/\b(avx512_vnni|avx_vnni)\b/.test(flags);
}

/** What Linux says about the processor; empty elsewhere, which is read as the careful case. */
async function processorFlags(): Promise<string> {
  return readFile('/proc/cpuinfo', 'utf8').catch(() => '');
}

function refuseOtherInput(bundle: ModelBundle, session: InferenceSession): void {
  const { name, width, height, dtype } = bundle.manifest.input;
  const stated = `${name} ${dtype} [1,${height},${width},3]`;
  const actual = session.inputMetadata.map((input) =>
    input.isTensor ? `${input.name} ${input.type} [${input.shape.join(',')}]` : input.name,
  );
  if (actual.length !== 1 || actual[0] !== stated) {
    throw new AtalayaError(
      'bundle-input-unknown',
      `${bundle.manifest.graph} in ${bundle.folder} takes ${actual.join('; ')}; the manifest states ${stated}`,
    );
  }
}
