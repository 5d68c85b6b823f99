import { closeSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import type { BlockDevice, DiskFacts, Disks } from '../block-device.ts';

/** What goes wrong with a disk, and where. Bytes. */
export interface DiskFaults {
  /** A write that reaches this place writes half of what it was given and says `code`. */
  readonly writeFails?: { readonly at: number; readonly code: string };
  readonly readFails?: { readonly at: number; readonly code: string };
  /** Says that it has written, and has not, from here on: a forged card. */
  readonly forgetsFrom?: number;
  /** One bit of this byte is another one. */
  readonly flips?: number;
  /** Called with the end of each write. */
  readonly onWrite?: (end: number) => void;
}

/** A disk that is a file, with faults. */
export class FaultyDisk implements BlockDevice {
  readonly #file: number;
  readonly #faults: DiskFaults;
  closed = false;

  constructor(path: string, faults: DiskFaults = {}) {
    this.#file = openSync(path, 'r+');
    this.#faults = faults;
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    const { writeFails, forgetsFrom, onWrite } = this.#faults;
    const end = position + bytes.byteLength;
    if (writeFails !== undefined && position <= writeFails.at && writeFails.at < end) {
      writeSync(this.#file, bytes.subarray(0, bytes.byteLength / 2), 0, bytes.byteLength / 2, position);
      throw Object.assign(new Error(writeFails.code), { code: writeFails.code });
    }
    const kept =
      forgetsFrom === undefined ? bytes.byteLength : Math.max(0, Math.min(bytes.byteLength, forgetsFrom - position));
    writeSync(this.#file, bytes, 0, kept, position);
    onWrite?.(end);
  }

  async sync(): Promise<void> {
    fsyncSync(this.#file);
  }

  async *readBack(from: number, length: number): AsyncIterable<Uint8Array> {
    const block = Buffer.alloc(64 * 1024);
    const { readFails, flips } = this.#faults;
    for (let at = from; at < from + length; ) {
      const read = readSync(this.#file, block, 0, Math.min(block.byteLength, from + length - at), at);
      if (read === 0) return;
      if (readFails !== undefined && at + read > readFails.at)
        throw Object.assign(new Error(readFails.code), { code: readFails.code });
      const bytes = Buffer.from(block.subarray(0, read));
      if (flips !== undefined && at <= flips && flips < at + read) bytes[flips - at] = (bytes[flips - at] ?? 0) ^ 1;
      yield bytes;
      at += read;
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    closeSync(this.#file);
  }
}

/** A card in a reader. */
export const card: DiskFacts = {
  path: '/dev/sdz',
  name: 'sdz',
  kind: 'disk',
  parent: undefined,
  size: 31.9e9,
  model: 'Ultra Card',
  serial: '4C530001',
  transport: 'usb',
  removable: true,
  readOnly: false,
  mounted: [],
  held: [],
};

/** A machine with that one disk, whose content is a file. */
export const oneDisk = (facts: DiskFacts, file: string, faults: DiskFaults = {}): Disks => ({
  list: async () => [facts],
  look: async (path) => (path === facts.path ? facts : undefined),
  open: async () => new FaultyDisk(file, faults),
});
