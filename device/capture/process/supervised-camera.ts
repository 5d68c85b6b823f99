import type { Clock } from '../../kernel/clock.ts';
import { AtalayaError, isAtalayaError } from '../../kernel/errors.ts';
import { type Backoff, type Random, supervise } from '../../kernel/supervise.ts';
import type { Timer } from '../../kernel/timer.ts';
import { type Milliseconds, milliseconds } from '../../kernel/units.ts';
import type { CameraInfo } from '../camera.ts';
import type { Frame } from '../frame.ts';
import { FrameMailbox } from '../frame-mailbox.ts';
import type { LiveCamera } from './live-camera.ts';

export interface SupervisedCameraOptions {
  readonly clock: Clock;
  readonly timer: Timer;
  readonly random: Random;
  readonly backoff: Backoff;
  /** Longest that the camera within may be silent before it is given up and started anew; more than it takes to find a stall itself. */
  readonly deadline: Milliseconds;
  /**
   * How long `open` tries: so long as a technician stands before it, or, where undefined, for ever: nobody comes to a unit on a pole
   * because its camera was slow.
   */
  readonly patience: Milliseconds | undefined;
  /** Told of every fault after which the camera is started anew, and of how long that waits. */
  readonly onFault: (fault: AtalayaError, wait: Milliseconds) => void;
}

/** How long a camera may take to end: its program is ended by force long before. */
const GRACE = milliseconds(15_000);
/** How often a camera whose frame waits to be taken says that it lives. */
const SIGN_OF_LIFE = milliseconds(1000);

/**
 * Keeps a live camera going: a fault that may pass is told, waited on and tried again, without end; one that may not (`halt`, as a
 * picture of another size) is thrown. Numbers and times go on over restarts, as every live camera promises.
 */
export class SupervisedCamera implements LiveCamera {
  readonly live = true;
  readonly #camera: LiveCamera;
  readonly #options: SupervisedCameraOptions;

  constructor(camera: LiveCamera, options: SupervisedCameraOptions) {
    this.#camera = camera;
    this.#options = options;
  }

  /** Resolves when the camera gives pictures. Throws its last fault when `patience` is over, and at once one that halts. */
  async open(signal: AbortSignal): Promise<CameraInfo> {
    const { timer, patience, onFault } = this.#options;
    const over = new AbortController();
    const within = AbortSignal.any([signal, over.signal]);
    const settled = new AbortController();
    if (patience !== undefined) {
      void timer.sleep(patience, settled.signal).then(() => {
        if (!settled.signal.aborted) over.abort();
      });
    }
    let info: CameraInfo | undefined;
    let last: AtalayaError | undefined;
    try {
      await supervise(
        async (attempt) => {
          info = await this.#camera.open(attempt.signal).catch((error: unknown) => {
            if (isAtalayaError(error)) last = error;
            throw error;
          });
        },
        { ...this.#supervision(within), onFault },
      );
    } finally {
      settled.abort();
    }
    if (info !== undefined) return info;
    signal.throwIfAborted();
    throw (
      last ??
      new AtalayaError('camera-unavailable', `the camera gave no picture for ${patience} ms`, {
        hint: "Check the camera's cable and supply, then try again.",
      })
    );
  }

  async *frames(signal: AbortSignal): AsyncGenerator<Frame> {
    if (signal.aborted) return;
    const left = new AbortController();
    const mailbox = new FrameMailbox<Frame>('every', (frame) => this.#camera.release(frame));
    const working = supervise(
      async (attempt) => {
        for await (const frame of this.#camera.frames(attempt.signal)) {
          attempt.beat();
          await this.#handOver(mailbox, frame, attempt);
        }
      },
      this.#supervision(AbortSignal.any([signal, left.signal])),
    )
      .then(
        () => undefined,
        (error: unknown) => ({ error }),
      )
      .finally(() => mailbox.close());
    const stop = () => mailbox.close();
    signal.addEventListener('abort', stop, { once: true });
    try {
      for (;;) {
        const frame = await mailbox.take();
        if (frame === undefined) break;
        if (signal.aborted) {
          this.#camera.release(frame);
          break;
        }
        yield frame;
      }
    } finally {
      signal.removeEventListener('abort', stop);
      left.abort();
      mailbox.close();
      await working;
      const waiting = await mailbox.take();
      if (waiting !== undefined) this.#camera.release(waiting);
    }
    const failed = await working;
    if (failed !== undefined && !signal.aborted) throw failed.error;
  }

  release(frame: Frame): void {
    this.#camera.release(frame);
  }

  close(): Promise<void> {
    return this.#camera.close();
  }

  /** Waits until the frame has its place; whoever takes frames slowly is no fault of the camera. */
  async #handOver(
    mailbox: FrameMailbox<Frame>,
    frame: Frame,
    { beat, signal }: { beat(): void; readonly signal: AbortSignal },
  ): Promise<void> {
    const placed = new AbortController();
    const put = mailbox.put(frame).then(() => placed.abort());
    const either = AbortSignal.any([placed.signal, signal]);
    await Promise.race([put, Promise.resolve()]);
    while (!either.aborted) {
      await this.#options.timer.sleep(SIGN_OF_LIFE, either);
      beat();
    }
    // On an abort the mailbox closes, which settles the put.
    await (signal.aborted ? undefined : put);
  }

  #supervision(signal: AbortSignal) {
    const { clock, timer, random, backoff, deadline, onFault } = this.#options;
    return { name: 'the camera', signal, clock, timer, random, backoff, deadline, grace: GRACE, onFault };
  }
}
