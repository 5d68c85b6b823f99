import { createHash } from 'node:crypto';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import type { BlockSink, BlockWishes, UpdateSource } from '../../contract/parts.ts';
import type { Target } from '../../contract/target.ts';
import { wantedRuns } from '../wanted-runs.ts';

/** The target that these bytes are. */
export function targetOf(content: Buffer, name = 'unit-1.0.0-r1-x64.tar.zst'): Target {
  const sha256 = createHash('sha256').update(content).digest('hex');
  const tree = { sha256, length: Math.max(1024, content.byteLength) };
  return {
    target: name,
    length: content.byteLength,
    sha256,
    description: { kind: 'program', name: 'unit', version: '1.0.0', release: 1, hardware: ['x64'], tree },
  };
}

/** A source of one file in memory that counts what it gives; `fault` is asked before each piece whether the link is lost. */
export class MemorySource implements UpdateSource {
  readonly name = 'the memory';
  readonly #content: Buffer;
  readonly #pieceBytes: number;
  readonly #fault: (given: number) => boolean;
  #given = 0;

  constructor(content: Buffer, pieceBytes = 8192, fault: (given: number) => boolean = () => false) {
    this.#content = content;
    this.#pieceBytes = pieceBytes;
    this.#fault = fault;
  }

  /** Bytes that were given to sinks. */
  get given(): number {
    return this.#given;
  }

  async metadata(): Promise<undefined> {
    return undefined;
  }

  async blocks(_: string, wanted: BlockWishes, sink: BlockSink, signal: AbortSignal): Promise<void> {
    sink.lengthIs(this.#content.byteLength);
    for (const { offset, length } of wantedRuns(wanted, this.#pieceBytes)) {
      if (signal.aborted) return;
      if (this.#fault(this.#given)) throw new AtalayaError('link-down', 'it is lost');
      this.#given += length;
      await sink.take(offset, this.#content.subarray(offset, offset + length));
    }
  }
}
