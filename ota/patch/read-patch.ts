import { promisify } from 'node:util';
import { constants, zstdDecompress } from 'node:zlib';
import { AtalayaError, systemCode } from '../../device/kernel/errors.ts';
import type { Files } from '../../device/kernel/files.ts';
import { ZstdFrame } from '../archive/zstd-frame.ts';
import { refusedUpdate, type UpdateRefused } from '../contract/refusals.ts';
import { type PatchHeader, type PatchStep, patchBounds, patchHeader, patchMagic, type Stretch } from './patch-form.ts';

export interface PatchFrame {
  /** Where it lies in the file, and its bytes there. */
  readonly at: number;
  readonly size: number;
  /** Bytes of what it unpacks to. */
  readonly content: number;
  readonly prefix: readonly Stretch[];
}

/** A patch whose every number has been checked: it stays inside the base, its file and its result. */
export interface PatchPlan {
  readonly steps: readonly PatchStep[];
  readonly frames: readonly PatchFrame[];
  /** Bytes of the longest prefix of a frame. */
  readonly longestPrefix: number;
  /** A frame as it lies in the file. */
  read(frame: PatchFrame): Promise<Buffer>;
  close(): Promise<void>;
}

const fixed = patchMagic.byteLength + 4;
const decode = promisify(zstdDecompress);

/** Reads what a patch will do, and checks that it can be done. Refused: `patch-malformed`. Throws `store-failed`. */
export async function readPatch(
  files: Files,
  path: string,
  lengths: { readonly base: number; readonly result: number },
): Promise<PatchPlan | UpdateRefused> {
  const file = await reading(path, () => files.open(path, 'read'));
  let kept = false;
  try {
    const whole = await reading(path, () => file.size());
    const read = async (offset: number, length: number): Promise<Buffer> => {
      const bytes = Buffer.alloc(length);
      const filled = await reading(path, () => file.read(bytes, offset));
      if (filled === length) return bytes;
      throw new AtalayaError('store-damaged', `${path} has become shorter`);
    };
    const found = await headerOf(read, whole);
    if (typeof found === 'string') return malformed(found);
    const plan = planOf(found.header, found.end, { ...lengths, file: whole });
    if (typeof plan === 'string') return malformed(plan);
    kept = true;
    return { ...plan, read: ({ at, size }) => read(at, size), close: () => file.close() };
  } finally {
    if (!kept) await file.close();
  }
}

const malformed = (detail: string): UpdateRefused => refusedUpdate('patch-malformed', `the patch ${detail}`);

async function reading<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new AtalayaError('store-failed', `${path} cannot be read (${systemCode(cause)})`, { cause });
  }
}

/** The header and where it ends; a sentence's end where there is none. */
async function headerOf(
  read: (offset: number, length: number) => Promise<Buffer>,
  whole: number,
): Promise<{ readonly header: PatchHeader; readonly end: number } | string> {
  if (whole < fixed) return 'is too short to be one';
  const start = await read(0, fixed);
  if (!start.subarray(0, patchMagic.byteLength).equals(patchMagic)) return 'does not begin as one';
  const size = start.readUInt32LE(patchMagic.byteLength);
  if (size > patchBounds.header || fixed + size > whole) return 'has a header of an impossible size';
  const compressed = await read(fixed, size);
  const walk = new ZstdFrame(patchBounds.headerText);
  if (walk.take(compressed) !== undefined || !walk.ended) return 'has a header that is no Zstandard frame';
  const parsed = patchHeader.safeParse(await jsonOf(compressed));
  return parsed.success ? { header: parsed.data, end: fixed + size } : 'has a header that cannot be read';
}

async function jsonOf(compressed: Buffer): Promise<unknown> {
  try {
    const text = await decode(compressed, {
      maxOutputLength: patchBounds.headerText,
      params: { [constants.ZSTD_d_windowLogMax]: Math.log2(patchBounds.headerText) },
    });
    return JSON.parse(text.toString('utf8'));
  } catch {
    return undefined;
  }
}

type Lengths = { readonly base: number; readonly result: number; readonly file: number };

function planOf(header: PatchHeader, end: number, lengths: Lengths): Omit<PatchPlan, 'read' | 'close'> | string {
  if (header.base !== lengths.base) return `is for an archive of ${header.base} bytes, the base has ${lengths.base}`;
  if (header.result !== lengths.result) return `makes ${header.result} bytes in place of ${lengths.result}`;
  const steps = stepsOf(header.steps, lengths.base);
  if (steps === undefined) return 'copies what the base does not have';
  const frames: PatchFrame[] = [];
  let [at, content, prefixes, longestPrefix] = [end, 0, 0, 0];
  for (const frame of header.frames) {
    const prefix = stretchesOf(frame.prefix, lengths.base);
    if (prefix === undefined) return 'has a frame over what the base does not have';
    const length = prefix.reduce((sum, one) => sum + one.length, 0);
    if (length > patchBounds.prefix) return 'has a frame over too much of the base';
    frames.push({ at, size: frame.size, content: frame.content, prefix });
    at += frame.size;
    content += frame.content;
    prefixes += length;
    longestPrefix = Math.max(longestPrefix, length);
  }
  // Many frames of a few bytes, each over much of the base, would keep a unit reading for days.
  if (prefixes > content * 2 + patchBounds.prefix) return 'reads too much of the base for what it makes';
  if (at !== lengths.file) return `has frames of ${at - end} bytes where the file has ${lengths.file - end}`;
  let [fresh, made] = [0, 0];
  for (const step of steps) {
    fresh += step.fresh;
    made += step.fresh + (step.copy?.length ?? 0);
  }
  if (fresh !== content) return `takes ${fresh} bytes from frames of ${content}`;
  if (made !== lengths.result) return `has steps for ${made} bytes in place of ${lengths.result}`;
  return { steps, frames, longestPrefix };
}

function stepsOf(numbers: readonly number[], base: number): PatchStep[] | undefined {
  if (numbers.length % 3 !== 0) return undefined;
  const steps: PatchStep[] = [];
  let at = 0;
  for (let i = 0; i < numbers.length; i += 3) {
    const [fresh, from, length] = numbers.slice(i, i + 3) as [number, number, number];
    const offset = at + from;
    if (fresh < 0 || !inside(offset, length, base)) return undefined;
    // A step of nothing would let a short patch keep a unit busy.
    if (fresh + length === 0) return undefined;
    steps.push(length === 0 ? { fresh } : { fresh, copy: { offset, length } });
    at = offset + length;
  }
  return steps;
}

function stretchesOf(numbers: readonly number[], base: number): Stretch[] | undefined {
  if (numbers.length % 2 !== 0) return undefined;
  const stretches: Stretch[] = [];
  let at = 0;
  for (let i = 0; i < numbers.length; i += 2) {
    const [from, length] = numbers.slice(i, i + 2) as [number, number];
    const offset = at + from;
    if (length === 0 || !inside(offset, length, base)) return undefined;
    stretches.push({ offset, length });
    at = offset + length;
  }
  return stretches;
}

const inside = (offset: number, length: number, base: number): boolean =>
  offset >= 0 && length >= 0 && Number.isSafeInteger(offset + length) && offset + length <= base;
