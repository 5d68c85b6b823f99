import type { CaptureTime, Frame } from '../../capture/frame.ts';
import type { Box, ObjectClass } from '../../detect/detection.ts';
import { fraction, milliseconds, utcMilliseconds } from '../../kernel/units.ts';
import type { Track, TrackUpdate } from '../../track/track.ts';
import type { PlateRead, PlateSight, Quad, RejectReason, VehicleCrop } from '../plate-reader.ts';
import type { Sighting } from '../vote/track-plate.ts';

/** Pictures of the made frames are black and have no more pixels than their size says. */
export const pictureSize = { width: 1280, height: 720 } as const;

export function timeAt(elapsed: number): CaptureTime {
  return {
    utc: utcMilliseconds(1_700_000_000_000 + elapsed),
    elapsed: milliseconds(elapsed),
    clock: { source: 'recording', synchronised: false, dated: true, intervalError: milliseconds(1) },
  };
}

/** A frame without pixels: whoever follows boxes needs its size alone. */
export function madeFrame(sequence: number, elapsed: number): Frame {
  const picture = { format: 'rgb24' as const, ...pictureSize, data: new Uint8Array() };
  return { sequence, time: timeAt(elapsed), picture, original: undefined };
}

export function madeCrop(vehicle: Box, bytes = 300): VehicleCrop {
  const data = new Uint8Array(new SharedArrayBuffer(bytes));
  const pixels = { format: 'rgb24' as const, width: bytes / 3, height: 1, data };
  return { pixels, origin: { x: vehicle.x, y: vehicle.y }, vehicle, others: [] };
}

export function madeTrack(
  id: number,
  frame: Frame,
  box: Box,
  more: { readonly class?: ObjectClass; readonly status?: Track['status']; readonly measured?: boolean } = {},
): Track {
  const measured = more.measured ?? true;
  return {
    id,
    class: more.class ?? 'car',
    votes: new Map([[more.class ?? 'car', 1]]),
    status: more.status ?? 'confirmed',
    points: [{ frame: frame.sequence, time: frame.time, box, score: measured ? 0.9 : 0, measured }],
  };
}

export const seen = (live: readonly Track[], ended: readonly Track[] = []): TrackUpdate => ({ live, ended });

/** A text line whose top left corner stands at a place. */
export function madeQuad(x: number, y: number, height: number): Quad {
  const [right, bottom] = [x + 5 * height, y + height];
  return [
    { x, y },
    { x: right, y },
    { x: right, y: bottom },
    { x, y: bottom },
  ];
}

export interface MadeRead {
  readonly confidence?: number;
  readonly alternatives?: Readonly<Record<string, number>>;
  readonly x?: number;
  readonly y?: number;
  readonly height?: number;
  readonly sharpness?: number;
}

export function madeRead(text: string, more: MadeRead = {}): PlateRead {
  const { confidence = 0.9, alternatives = {}, x = 0, y = 0, height = 20, sharpness = 0.5 } = more;
  return {
    text,
    format: `made-${text.length}`,
    confidence: fraction(confidence),
    characters: [...text].map((character) => ({ character, confidence: fraction(confidence) })),
    alternatives: Object.entries(alternatives).map(([other, p]) => ({ text: other, confidence: fraction(p) })),
    quad: madeQuad(x, y, height),
    characterHeight: height,
    sharpness: fraction(sharpness),
  };
}

export const madeSight = (text: string, more: MadeRead = {}): PlateSight => ({
  read: madeRead(text, more),
  rejected: [],
});

export function rejectedSight(...reasons: readonly RejectReason[]): PlateSight {
  const rejected = reasons.map((reason, index) => ({
    reason,
    quad: madeQuad(0, 0, 8 + index),
    text: '',
    confidence: fraction(0.1),
    characterHeight: 8 + index,
  }));
  return { read: undefined, rejected };
}

export function madeSighting(frame: number, sight: PlateSight, track = 1): Sighting {
  const crop = madeCrop({ x: 0, y: 0, width: 200 + frame, height: 150 });
  return { frame, time: timeAt(frame * 40), track, sight, crop };
}
