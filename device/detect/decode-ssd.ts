import type { Manifest, ModelClass } from '../../models/contract/manifest.ts';
import { type Fraction, fraction } from '../kernel/units.ts';
import type { RawOutput } from './inference-engine.ts';
import type { UnitBox } from './unit-box.ts';

/** One class of one anchor that scored enough. Neighbouring anchors see the same object: suppression comes next. */
export interface Candidate {
  readonly className: string;
  /** Column of the score output, index into the manifest's classes. */
  readonly classIndex: number;
  /** Sigmoid of the logit. */
  readonly score: Fraction;
  /** In unit coordinates of the input picture. Not clipped: a box may reach beyond the picture. */
  readonly box: UnitBox;
}

/** What decoding needs to know about a model, taken apart once. */
export interface SsdCoding {
  readonly classes: readonly ModelClass[];
  /** `[anchors * 4]`: centre y, centre x, height, width. */
  readonly anchors: Float32Array;
  readonly centreScale: number;
  readonly sizeScale: number;
}

/** `corners` is `[anchors * 4]`: y min, x min, y max, x max, as a bundle carries them. */
export function ssdCoding(manifest: Pick<Manifest, 'classes' | 'anchors'>, corners: Float32Array): SsdCoding {
  const anchors = new Float32Array(corners.length);
  for (let i = 0; i < corners.length; i += 4) {
    const [top, left, bottom, right] = [corners[i]!, corners[i + 1]!, corners[i + 2]!, corners[i + 3]!];
    anchors.set([(top + bottom) / 2, (left + right) / 2, bottom - top, right - left], i);
  }
  const { centreScale, sizeScale } = manifest.anchors.coding;
  return { classes: manifest.classes, anchors, centreScale, sizeScale };
}

/**
 * Candidates with `score >= threshold`, anchor by anchor, classes in their order.
 *
 * Logits are compared with the logit of the threshold, so an exponential is computed only for what is found. The box formula is that of
 * the SSD box coder, stated with `coding` in the bundle's manifest.
 */
export function decodeSsd(raw: RawOutput, coding: SsdCoding, threshold: Fraction): Candidate[] {
  const { classes, anchors } = coding;
  const { scores } = raw;
  const columns = classes.length;
  const least = logit(threshold);
  const candidates: Candidate[] = [];
  for (let i = 0; i < scores.length; i++) {
    const value = scores[i]!;
    if (!(value >= least)) continue;
    const classIndex = i % columns;
    const box = decodeBox(raw.boxes, anchors, (i - classIndex) / columns, coding);
    candidates.push({ className: classes[classIndex]!.name, classIndex, score: fraction(sigmoid(value)), box });
  }
  return candidates;
}

function decodeBox(
  boxes: Float32Array,
  anchors: Float32Array,
  row: number,
  { centreScale, sizeScale }: SsdCoding,
): UnitBox {
  const at = row * 4;
  const anchorHeight = anchors[at + 2]!;
  const anchorWidth = anchors[at + 3]!;
  const y = anchors[at]! + (boxes[at]! / centreScale) * anchorHeight;
  const x = anchors[at + 1]! + (boxes[at + 1]! / centreScale) * anchorWidth;
  const height = anchorHeight * Math.exp(boxes[at + 2]! / sizeScale);
  const width = anchorWidth * Math.exp(boxes[at + 3]! / sizeScale);
  return { left: x - width / 2, top: y - height / 2, right: x + width / 2, bottom: y + height / 2 };
}

/** Inverse of the sigmoid: -Infinity for 0, Infinity for 1. */
export function logit(probability: number): number {
  return Math.log(probability / (1 - probability));
}

export function sigmoid(value: number): number {
  return 1 / (1 + Math.exp(-value));
}
