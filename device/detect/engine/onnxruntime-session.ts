import { readFile } from 'node:fs/promises';
import type { InferenceSession } from 'onnxruntime-node';
import type { Bundle } from '../../../models/contract/bundle.ts';
import type { AnyManifest } from '../../../models/contract/manifest.ts';
import { AtalayaError } from '../../kernel/errors.ts';

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

export interface OpenedSession {
  readonly session: InferenceSession;
  /** Version of ONNX Runtime. */
  readonly version: string;
}

/**
 * Opens a bundle's graph with ONNX Runtime on the CPU. Throws `engine-unavailable` where the library or the graph does not load, and
 * `bundle-input-unknown` where the graph's own input is not `stated`: `name type [shape]`, a side that the caller chooses left out or as
 * a name in the graph counting as `*`.
 */
export async function openSession(
  bundle: Pick<Bundle<AnyManifest>, 'folder' | 'read'> & { readonly manifest: { readonly graph: string } },
  stated: string,
  options: OnnxruntimeOptions = {},
): Promise<OpenedSession> {
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
      refuseOtherInput(bundle, session, stated);
    } catch (error) {
      await session.release();
      throw error;
    }
    return { session, version: ort.env.versions?.node ?? 'unknown' };
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

/** Runs the one input through; throws `engine-failed` with the engine's name. */
export async function runSession(
  session: InferenceSession,
  engine: string,
  feeds: InferenceSession.FeedsType,
  outputs: readonly string[],
): Promise<InferenceSession.ReturnType> {
  try {
    return await session.run(feeds, outputs);
  } catch (cause) {
    throw new AtalayaError('engine-failed', `${engine} failed: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
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

function refuseOtherInput(
  { folder, manifest }: { readonly folder: string; readonly manifest: { readonly graph: string } },
  session: InferenceSession,
  stated: string,
): void {
  const actual = session.inputMetadata.map((input) =>
    input.isTensor
      ? `${input.name} ${input.type} [${input.shape.map((side) => (typeof side === 'number' && side > 0 ? side : '*')).join(',')}]`
      : input.name,
  );
  if (actual.length !== 1 || actual[0] !== stated) {
    throw new AtalayaError(
      'bundle-input-unknown',
      `${manifest.graph} in ${folder} takes ${actual.join('; ')}; the manifest states ${stated}`,
    );
  }
}
