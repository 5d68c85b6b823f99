import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { CaptureTime } from '../../../capture/frame.ts';
import { fraction, milliseconds, utcMilliseconds } from '../../../kernel/units.ts';
import type { VehicleCrop } from '../../plate-reader.ts';
import type { PlateOnTrack } from '../../vote/track-plate.ts';
import { listKeyId } from '../list-key.ts';
import type { ListTime } from '../open-watch-list.ts';
import type { ListEntry } from '../plate-table.ts';
import { type ListDraft, type ListSigner, signWatchList } from '../sign-watch-list.ts';

/** Keys, lists and plates that are made up, for tests of the watch lists. */

export interface MadeKey extends ListSigner {
  readonly publicKey: KeyObject;
}

export function madeKey(): MadeKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return { publicKey, id: listKeyId(publicKey), sign: async (message) => sign(null, message, privateKey) };
}

/** The machine's date in these tests, on a clock that is disciplined. */
export const today: ListTime = { utc: utcMilliseconds(Date.UTC(2026, 2, 1, 12)), reliable: true };

export function madeList(
  signer: ListSigner,
  entries: readonly ListEntry[],
  more: Partial<ListDraft> = {},
): Promise<string> {
  return signWatchList({ name: 'stolen', version: 3, issued: '2026-02-28T08:00:00Z', entries, ...more }, signer);
}

const crop: VehicleCrop = {
  pixels: { format: 'rgb24', width: 1, height: 1, data: new Uint8Array(new SharedArrayBuffer(3)) },
  origin: { x: 0, y: 0 },
  vehicle: { x: 0, y: 0, width: 1, height: 1 },
  others: [],
};

export const madeTime: CaptureTime = {
  utc: today.utc,
  elapsed: milliseconds(5000),
  clock: { source: 'system', synchronised: true, dated: true, intervalError: milliseconds(1) },
};

/** A plate as a vote states it; `confidence` is that of the text, and of each character unless `characters` says otherwise. */
export function madePlate(text: string, confidence = 0.99, characters: readonly number[] = []): PlateOnTrack {
  const corner = { x: 0, y: 0 };
  return {
    kind: 'read',
    text,
    format: 'made',
    confidence: fraction(confidence),
    characters: Array.from(text, (character, i) => ({ character, confidence: fraction(characters[i] ?? confidence) })),
    agreeing: 3,
    winner: { frame: 42, time: madeTime, quad: [corner, corner, corner, corner], crop, said: 'read' },
    reads: [],
    omitted: 0,
    looked: 3,
    dropped: 0,
  };
}
