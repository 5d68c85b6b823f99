import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { readWholeFile } from '../../device/kernel/durable-file.ts';
import type { Files, OpenFile } from '../../device/kernel/files.ts';
import { bitmapBytes, StepMap } from './step-map.ts';

/** The file that a map is of. */
export interface Mapped {
  readonly sha256: string;
  /** Bytes. */
  readonly length: number;
}

const mark = Buffer.from('ATSTEPS1');
const hashBytes = 32;
const headBytes = mark.byteLength + 8 + hashBytes + 8;
/** Neither of two generations shares a page with the other. */
const page = 4096;

/**
 * A map on the disk, in two generations one after the other in one file: of each its mark, number, SHA-256 and length of the file that it is
 * of, bits, and SHA-256 over all of these.
 *
 * Guarantees: a write that a power cut interrupts costs only what it was to add, since it goes where the older generation is; a generation
 * that is damaged is as if it had not been written.
 */
export class MapFile {
  readonly #file: OpenFile;
  readonly #of: Mapped;
  #generation: number;

  constructor(file: OpenFile, of: Mapped, generation: number) {
    this.#file = file;
    this.#of = of;
    this.#generation = generation;
  }

  /** The newest whole generation and the way to write the next; undefined where there is none for this file. Throws the system's own errors, `store-failed`. */
  static async open(
    files: Files,
    path: string,
    of: Mapped,
  ): Promise<{ readonly file: MapFile; readonly map: StepMap } | undefined> {
    const content = await readWholeFile(files, path);
    if (content === undefined) return undefined;
    const newest = [0, 1]
      .map((place) => decode(content.subarray(place * placeBytes(of)), of))
      .reduce((best, one) => ((one?.generation ?? 0) > (best?.generation ?? 0) ? one : best), undefined);
    if (newest === undefined) return undefined;
    return { file: new MapFile(await files.open(path, 'durable'), of, newest.generation), map: newest.map };
  }

  /** One that claims nothing, in place of whatever was there; it and its name are durable. Throws the system's own errors. */
  static async create(files: Files, path: string, of: Mapped): Promise<MapFile> {
    const fresh = await files.open(path, 'create');
    try {
      const content = Buffer.alloc(2 * placeBytes(of));
      encode(new StepMap(of.length), of, 1).copy(content, placeBytes(of));
      await fresh.write([content], 0);
      await fresh.sync();
    } finally {
      await fresh.close();
    }
    await files.syncFolder(dirname(path));
    return new MapFile(await files.open(path, 'durable'), of, 1);
  }

  /** Durable when it resolves. Throws the system's own errors. */
  async write(map: StepMap): Promise<void> {
    const generation = this.#generation + 1;
    await this.#file.write([encode(map, this.#of, generation)], (generation % 2) * placeBytes(this.#of));
    this.#generation = generation;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

const placeBytes = ({ length }: Mapped): number =>
  page * Math.ceil((headBytes + bitmapBytes(length) + hashBytes) / page);

function encode(map: StepMap, of: Mapped, generation: number): Buffer {
  const head = Buffer.alloc(headBytes);
  let at = mark.copy(head);
  at = head.writeBigUInt64LE(BigInt(generation), at);
  at += Buffer.from(of.sha256, 'hex').copy(head, at);
  head.writeBigUInt64LE(BigInt(of.length), at);
  const body = Buffer.concat([head, map.bits()]);
  return Buffer.concat([body, checksum(body)]);
}

function decode(place: Buffer, of: Mapped): { readonly generation: number; readonly map: StepMap } | undefined {
  const end = headBytes + bitmapBytes(of.length);
  if (place.byteLength < end + hashBytes) return undefined;
  const body = place.subarray(0, end);
  if (!body.subarray(0, mark.byteLength).equals(mark)) return undefined;
  if (!checksum(body).equals(place.subarray(end, end + hashBytes))) return undefined;
  const named = body.subarray(mark.byteLength + 8, mark.byteLength + 8 + hashBytes).toString('hex');
  if (named !== of.sha256 || body.readBigUInt64LE(headBytes - 8) !== BigInt(of.length)) return undefined;
  const generation = Number(body.readBigUInt64LE(mark.byteLength));
  return { generation, map: new StepMap(of.length, Uint8Array.from(body.subarray(headBytes))) };
}

const checksum = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
