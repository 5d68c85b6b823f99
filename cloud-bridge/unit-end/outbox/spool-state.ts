import { join } from 'node:path';
import { z } from 'zod';
import { canonicalJson } from '../../../device/kernel/canonical-json.ts';
import { readWholeFile, writeWholeFile } from '../../../device/kernel/durable-file.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import type { Files } from '../../../device/kernel/files.ts';
import { streamId } from '../../contract/names.ts';
import { type Lane, lanes } from '../../contract/outbox.ts';

/** What a spool remembers besides its events. */
export interface SpoolState {
  readonly lane: Lane;
  readonly stream: string;
  /** The centre has everything up to here. */
  readonly forgotten: number;
  /** Everything up to here was dropped by the bound, as far as the centre did not have it. */
  readonly droppedTo: number;
  /** Events that were dropped, ever. */
  readonly dropped: number;
}

const format = 'atalaya/spool/1';
const stateSchema = z.strictObject({
  format: z.literal(format),
  lane: z.enum(lanes),
  stream: streamId,
  forgotten: z.int().min(0),
  droppedTo: z.int().min(0),
  dropped: z.int().min(0),
});

const pathOf = (folder: string) => join(folder, 'spool.json');

/** Undefined where there is none. Throws `store-damaged`, `store-version-unknown`, `store-failed`. */
export async function readSpoolState(files: Files, folder: string): Promise<SpoolState | undefined> {
  const content = await readWholeFile(files, pathOf(folder));
  if (content === undefined) return undefined;
  const document = jsonOf(content);
  const found = z.looseObject({ format: z.string() }).safeParse(document);
  if (found.success && found.data.format !== format) {
    throw new AtalayaError(
      'store-version-unknown',
      `${pathOf(folder)} has the format ${found.data.format}; this software knows ${format}`,
      { hint: 'Start the software that wrote it, and let it send what is queued.' },
    );
  }
  const state = stateSchema.safeParse(document);
  if (!state.success) throw damagedSpool(folder, 'spool.json is not what was written there');
  const { format: _, ...rest } = state.data;
  return rest;
}

/** Throws `store-full`, `store-failed`. */
export function writeSpoolState(files: Files, folder: string, state: SpoolState): Promise<void> {
  return writeWholeFile(files, pathOf(folder), Buffer.from(canonicalJson({ format, ...state })));
}

export function damagedSpool(folder: string, reason: string): AtalayaError {
  return new AtalayaError('store-damaged', `the spool in ${folder} is damaged: ${reason}`, {
    hint: 'Keep the folder as it is, check the disk, and start with an empty one.',
  });
}

function jsonOf(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString());
  } catch {
    return undefined;
  }
}
