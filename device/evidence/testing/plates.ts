import { fraction } from '../../kernel/units.ts';
import type { Quad, VehicleCrop } from '../../plate/plate-reader.ts';
import type { NoPlate, PlateOnTrack, TrackRead, UnreadReason } from '../../plate/vote/track-plate.ts';
import { timeOf } from './fixtures.ts';

export const plateModels = [
  { id: 'finder', version: '1', sha256: 'f'.repeat(64) },
  { id: 'reader', version: '2', sha256: 'e'.repeat(64) },
];

/** A vehicle's crop whose every pixel tells its own place. */
export function cropAt(x = 100, y = 80, width = 240, height = 120): VehicleCrop {
  const data = new Uint8Array(new SharedArrayBuffer(width * height * 3));
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      data.set([(x + column) % 256, (y + row) % 256, (column ^ row) % 256], (row * width + column) * 3);
    }
  }
  return {
    pixels: { format: 'rgb24', width, height, data },
    origin: { x, y },
    vehicle: { x: x + 10, y: y + 5, width: width - 20, height: height - 10 },
    others: [],
  };
}

/** A text line on that crop. */
export const quadAt = (x = 180, y = 150, width = 70, height = 18): Quad => [
  { x, y },
  { x: x + width, y: y + 1 },
  { x: x + width, y: y + height },
  { x, y: y + height - 1 },
];

const readOf = (frame: number, text: string, reason: TrackRead['reason'], weight: number): TrackRead => ({
  frame,
  time: timeOf(frame),
  text,
  confidence: fraction(0.875),
  reason,
  weight,
  quad: quadAt(),
});

/** A plate that two frames say, a third contradicts and of which a fourth was too far away. */
export function plateRead(text: string, frame: number, crop = cropAt()): PlateOnTrack {
  return {
    kind: 'read',
    text,
    format: 'cl-new',
    confidence: fraction(0.996),
    agreeing: 2,
    characters: Array.from(text, (character, i) => ({ character, confidence: fraction(0.99 - i / 1000) })),
    winner: { frame, time: timeOf(frame), quad: quadAt(), crop, said: 'read' },
    reads: [
      readOf(frame - 3, '', 'too-small', 0),
      readOf(frame - 2, `${Array.from(text).slice(1).join('')}Z`, 'outvoted', 0.25),
      readOf(frame - 1, text, 'counted', 0.5),
      readOf(frame, text, 'counted', 1),
    ],
    omitted: 0,
    looked: 4,
    dropped: 1,
  };
}

/** A plate that could not be read although its place is known. */
export function plateUnread(reason: UnreadReason, frame: number, text = 'QQ11QQ'): NoPlate {
  return {
    kind: 'unread',
    reason,
    best: { frame, time: timeOf(frame), quad: quadAt(), crop: cropAt() },
    reads: [readOf(frame, text, 'unclear', 0)],
    omitted: 0,
    looked: 1,
    dropped: 0,
  };
}
