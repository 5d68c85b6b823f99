import { blockStep } from '../../cloud-bridge/contract/stream.ts';
import type { BlockSink } from '../contract/parts.ts';
import { refusedUpdate, type UpdateRefused } from '../contract/refusals.ts';
import type { Target } from '../contract/target.ts';
import type { PartFile } from './part-file.ts';

/** So many bytes more than are missing may come twice, or for nothing, before a source counts as endless. */
const patience = 1024 * 1024;

/** Takes from a source what belongs to the target and no more; the first thing that does not ends it. */
export class CheckedSink implements BlockSink {
  readonly #part: PartFile;
  readonly #target: Target;
  readonly #source: string;
  readonly #progress: (done: number) => void;
  readonly #end = new AbortController();
  readonly #most: number;
  #came = 0;
  #refused: UpdateRefused | undefined;

  constructor(part: PartFile, target: Target, source: string, progress: (done: number) => void) {
    this.#part = part;
    this.#target = target;
    this.#source = source;
    this.#progress = progress;
    this.#most = 2 * (target.length - part.map.done) + patience;
  }

  get refused(): UpdateRefused | undefined {
    return this.#refused;
  }

  /** Aborted when it takes no more. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  async take(offset: number, bytes: Uint8Array): Promise<void> {
    if (this.#refused !== undefined) return;
    const { target, length } = this.#target;
    this.#came += bytes.byteLength;
    if (this.#came > this.#most)
      return this.#refuse('target-endless', `${this.#source} has sent ${this.#came} bytes and goes on`);
    if (!Number.isInteger(offset) || offset < 0 || offset % blockStep !== 0) return;
    if (offset + bytes.byteLength > length)
      return this.#refuse('target-padded', `${this.#source} sends bytes beyond the ${length} of ${target}`);
    if ((await this.#part.take(offset, bytes)) > 0) this.#progress(this.#part.map.done);
  }

  lengthIs(bytes: number): void {
    const { target, length } = this.#target;
    if (bytes === length) return;
    const code = bytes > length ? 'target-padded' : 'target-truncated';
    this.#refuse(code, `${target} has ${bytes} bytes at ${this.#source}, and ${length} by the metadata`);
  }

  #refuse(code: UpdateRefused['code'], detail: string): void {
    this.#refused ??= refusedUpdate(code, detail);
    this.#end.abort();
  }
}
