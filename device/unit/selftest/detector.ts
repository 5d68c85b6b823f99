import { decodeJpeg } from '../../capture/decode-jpeg.ts';
import type { Frame, Picture } from '../../capture/frame.ts';
import type { Box, Detection } from '../../detect/detection.ts';
import type { Detector } from '../../detect/detector.ts';
import type { Region } from '../../detect/sample.ts';
import type { Clock } from '../../kernel/clock.ts';
import { readWholeFile } from '../../kernel/durable-file.ts';
import { AtalayaError, explain, isAtalayaError } from '../../kernel/errors.ts';
import { systemFiles } from '../../kernel/files.ts';
import { milliseconds } from '../../kernel/units.ts';
import type { DetectorFacts, Size } from '../../selftest/facts.ts';
import { referencePicture } from '../../selftest/reference/street.ts';

export interface ReferenceLook {
  readonly detector: Pick<Detector, 'detect'>;
  /** Where the detector of this unit looks. */
  readonly regions: readonly Region[] | 'auto';
  /** Of the pictures that the camera delivers. */
  readonly size: Size;
  readonly clock: Clock;
  /** The unit asks the detector as well. */
  readonly beside: boolean;
  /** For a test; else the project's own. */
  readonly path?: string;
}

const looks = 5;
/** Overlap of a box that was found with the known one, as a share of both together. */
const leastOverlap = 0.4;

/**
 * Shows the unit's own detector the reference picture, as large as the camera's and where the unit looks: what is found there, this bundle finds on
 * this board. The time is the second best of five. Never rejects.
 */
export async function lookAtReference({
  detector,
  regions,
  size,
  clock,
  beside,
  path = referencePicture.path,
}: ReferenceLook): Promise<DetectorFacts> {
  try {
    const place = placeIn(regions, size);
    const frame = frameOf(enlarged(await readReference(path), size, place), clock);
    const times: number[] = [];
    let found: readonly Detection[] = [];
    for (let i = 0; i < looks; i++) {
      const begun = clock.monotonic();
      found = await detector.detect(frame);
      times.push(clock.monotonic() - begun);
    }
    const scale = place.width / referencePicture.width;
    const due = referencePicture.vehicles.map(({ x, y, width, height }) => ({
      x: place.x + x * scale,
      y: place.y + y * scale,
      width: width * scale,
      height: height * scale,
    }));
    const vehicles = found.filter((one) => one.class !== 'person');
    return {
      kind: 'looked',
      inferenceMs: times.toSorted((a, b) => a - b)[1] ?? 0,
      found: due.filter((box) => vehicles.some((one) => overlap(one.box, box) >= leastOverlap)).length,
      due: due.length,
      beside,
    };
  } catch (error) {
    return { kind: 'failed', says: isAtalayaError(error) ? error.message : explain(error) };
  }
}

async function readReference(path: string): Promise<Picture> {
  const bytes = await readWholeFile(systemFiles, path);
  if (bytes === undefined) throw new AtalayaError('bundle-file-missing', `the reference picture ${path} is missing`);
  const decoded = await decodeJpeg(bytes, referencePicture);
  if (decoded.kind === 'damaged') throw new AtalayaError('frame-damaged', `the reference picture: ${decoded.reason}`);
  return decoded.picture;
}

/** The largest place with the shape of the reference in the largest of the regions. */
function placeIn(regions: readonly Region[] | 'auto', size: Size): Region {
  const whole = { x: 0, y: 0, ...size };
  const area = ({ width, height }: Region): number => width * height;
  const region = regions === 'auto' ? whole : (regions.toSorted((a, b) => area(b) - area(a))[0] ?? whole);
  const scale = Math.min(region.width / referencePicture.width, region.height / referencePicture.height);
  const [width, height] = [referencePicture.width * scale, referencePicture.height * scale];
  return { x: region.x + (region.width - width) / 2, y: region.y + (region.height - height) / 2, width, height };
}

/** The reference at its place in a grey picture, interpolated linearly between neighbours, as detectors scale. */
function enlarged(reference: Picture, { width, height }: Size, place: Region): Picture {
  const data = new Uint8Array(new SharedArrayBuffer(width * height * 3)).fill(128);
  const source = reference.data;
  const scale = reference.width / place.width;
  const [left, top] = [Math.max(0, Math.ceil(place.x)), Math.max(0, Math.ceil(place.y))];
  const right = Math.min(width, Math.floor(place.x + place.width));
  const bottom = Math.min(height, Math.floor(place.y + place.height));
  for (let y = top; y < bottom; y++) {
    const [y0, y1, v] = between((y + 0.5 - place.y) * scale - 0.5, reference.height);
    for (let x = left; x < right; x++) {
      const [x0, x1, u] = between((x + 0.5 - place.x) * scale - 0.5, reference.width);
      for (let c = 0; c < 3; c++) {
        const at = (column: number, row: number): number => source[(row * reference.width + column) * 3 + c] as number;
        const above = at(x0, y0) * (1 - u) + at(x1, y0) * u;
        const below = at(x0, y1) * (1 - u) + at(x1, y1) * u;
        data[(y * width + x) * 3 + c] = above * (1 - v) + below * v + 0.5;
      }
    }
  }
  return { format: 'rgb24', width, height, data };
}

/** The neighbours of a place between pixels, and the share of the second. */
function between(at: number, size: number): readonly [number, number, number] {
  const inside = Math.max(0, Math.min(size - 1, at));
  const first = Math.floor(inside);
  return [first, Math.min(size - 1, first + 1), inside - first];
}

const frameOf = (picture: Picture, clock: Clock): Frame => ({
  sequence: 0,
  time: { utc: clock.utc(), elapsed: milliseconds(0), clock: clock.state() },
  picture,
  original: undefined,
});

function overlap(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (a.width * a.height + b.width * b.height - shared);
}
