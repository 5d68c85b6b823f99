import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import nodeUtil from 'node:util';
import { AtalayaError } from '../../kernel/errors.ts';

/** `tensorflow` is the native library behind @tensorflow/tfjs-node, `wasm` WebAssembly with SIMD on one thread. */
export type TfjsBackend = 'tensorflow' | 'wasm';

export type TfjsCore = typeof import('@tensorflow/tfjs-core');

/**
 * Starts the wanted backend, or @tensorflow/tfjs-node where it loads and computes, else wasm. One backend serves a whole process: the
 * library keeps it in a global. Throws `engine-unavailable` where the wanted one does not start.
 */
export async function startBackend(wanted: TfjsBackend | undefined): Promise<{ tf: TfjsCore; backend: TfjsBackend }> {
  const tf = await import('@tensorflow/tfjs-core');
  if (wanted !== 'wasm') {
    try {
      await startTensorflow(tf);
      return { tf, backend: 'tensorflow' };
    } catch (cause) {
      if (wanted === 'tensorflow') {
        throw new AtalayaError(
          'engine-unavailable',
          `@tensorflow/tfjs-node does not work here: ${cause instanceof Error ? cause.message : cause}`,
          {
            hint: 'Its install downloads libtensorflow; where that fails, use the wasm backend.',
            cause,
          },
        );
      }
    }
  }
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  const entry = fileURLToPath(import.meta.resolve('@tensorflow/tfjs-backend-wasm'));
  wasm.setWasmPaths(`${dirname(entry)}/`);
  if (!(await tf.setBackend('wasm')))
    throw new AtalayaError('engine-unavailable', 'the wasm backend of tfjs does not start');
  return { tf, backend: 'wasm' };
}

async function startTensorflow(tf: TfjsCore): Promise<void> {
  restoreIsNullOrUndefined();
  // A variable, because the package is optional: it is absent where its install could not download its library.
  const optional: string = '@tensorflow/tfjs-node';
  await import(optional);
  if (!(await tf.setBackend('tensorflow'))) throw new Error('its backend does not start');
  const two = tf.tidy(() => tf.add(1, 1).dataSync()[0]);
  if (two !== 2) throw new Error('its backend does not compute');
}

/**
 * @tensorflow/tfjs-node 4.22 calls `util.isNullOrUndefined` in every operation; Node 23 removed it. Put back only where it is missing and
 * only for that package's sake.
 */
function restoreIsNullOrUndefined(): void {
  if ('isNullOrUndefined' in nodeUtil) return;
  Object.assign(nodeUtil, { isNullOrUndefined: (value: unknown) => value === null || value === undefined });
}
