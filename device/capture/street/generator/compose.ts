/**
 * Puts the drawn rectangles on the empty street, takes the noise out, and writes the clip:
 *
 *   node compose.ts WORK-FOLDER OUTPUT-FOLDER [MEGABYTES]
 *
 * Writes `street.mjpeg`: JPEG files one after another, of the highest quality at which the clip keeps below MEGABYTES (default 15.5, in
 * units of 1,000,000 bytes). Needs ffmpeg for its `nlmeans` filter.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';

interface Patch {
  readonly rectangle: readonly [number, number, number, number];
  readonly file: string;
}

interface Layers {
  readonly patches: readonly Patch[];
}

interface Scenario {
  readonly frame: { readonly width: number; readonly height: number; readonly rate: number; readonly count: number };
}

const here = import.meta.dirname;
const scenario = JSON.parse(readFileSync(join(here, 'scenario.json'), 'utf8')) as Scenario;
const { width, height, rate, count } = scenario.frame;
const frameBytes = width * height * 3;

/** Levels of 255, after averaging, from which a pixel counts as changed by a vehicle or its shadow. */
const CHANGED = 8;
/** Strength of ffmpeg's nlmeans: the moving rectangles have few samples a pixel, the still background has many. */
const NLMEANS = 'nlmeans=s=2.6:p=5:r=9';

async function rgb(path: string): Promise<Buffer> {
  return sharp(path).removeAlpha().toColourspace('srgb').raw().toBuffer();
}

/** Mean over a square of edge 2 * radius + 1, cut at the borders. */
function boxMean(values: Float32Array, w: number, h: number, radius: number): Float32Array {
  const passes: [number, number, number, number][] = [
    [h, w, w, 1],
    [w, h, 1, w],
  ];
  let from = values;
  for (const [lines, length, lineStep, step] of passes) {
    const into = new Float32Array(w * h);
    for (let line = 0; line < lines; line++) {
      const start = line * lineStep;
      for (let i = 0; i < length; i++) {
        const low = Math.max(0, i - radius);
        const high = Math.min(length - 1, i + radius);
        let sum = 0;
        for (let k = low; k <= high; k++) sum += from[start + k * step]!;
        into[start + i * step] = sum / (high - low + 1);
      }
    }
    from = into;
  }
  return from;
}

/** Opacity 0..1 per pixel of a patch: 1 where it differs from what lies below, falling off softly over some pixels. */
function changes(patch: Buffer, below: Buffer, left: number, top: number, w: number, h: number): Float32Array {
  const difference = new Float32Array(w * h);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const p = (y * w + x) * 3;
      const b = ((top + y) * width + left + x) * 3;
      // Signed sum per channel first, so that noise averages out and only a true change remains.
      difference[y * w + x] =
        (patch[p]! - below[b]! + patch[p + 1]! - below[b + 1]! + patch[p + 2]! - below[b + 2]!) / 3;
    }
  }
  const mean = boxMean(difference, w, h, 2);
  const mask = mean.map((v) => (Math.abs(v) >= CHANGED ? 1 : 0));
  const grown = boxMean(mask, w, h, 4).map((v) => (v > 0.04 ? 1 : 0));
  return boxMean(grown, w, h, 2);
}

/**
 * Pastes a rectangle on the picture: all of it, or with `base` only what it adds to the empty street. Rectangles may overlap.
 */
async function paste(picture: Buffer, patch: Patch, folder: string, base?: Buffer): Promise<void> {
  const [left, top, right, bottom] = patch.rectangle;
  const { data, info } = await sharp(join(folder, patch.file))
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.width !== right - left || info.height !== bottom - top) {
    throw new Error(`${patch.file} is ${info.width}x${info.height}, its rectangle ${right - left}x${bottom - top}`);
  }
  const opacity = base === undefined ? undefined : changes(data, base, left, top, info.width, info.height);
  for (let y = 0; y < info.height; y++) {
    for (let x = 0; x < info.width; x++) {
      const a = opacity === undefined ? 1 : opacity[y * info.width + x]!;
      if (a === 0) continue;
      for (let c = 0; c < 3; c++) {
        const index = ((top + y) * width + left + x) * 3 + c;
        picture[index] = Math.round(picture[index]! * (1 - a) + data[(y * info.width + x) * 3 + c]! * a);
      }
    }
  }
}

/** All frames, uncompressed, into one file. */
async function compose(folder: string, path: string): Promise<void> {
  const street = await rgb(join(folder, 'background.png'));
  const empty = new Map<string, Buffer>();
  const out = openSync(path, 'w');
  for (let frame = 0; frame < count; frame++) {
    const name = `frame-${String(frame).padStart(4, '0')}.json`;
    const layers = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Layers & { readonly phase: string };
    let base = empty.get(layers.phase);
    if (base === undefined) {
      base = Buffer.from(street);
      const heads = JSON.parse(readFileSync(join(folder, `phase-${layers.phase}.json`), 'utf8')) as Layers;
      for (const patch of heads.patches) await paste(base, patch, folder);
      empty.set(layers.phase, base);
    }
    const picture = Buffer.from(base);
    for (const patch of layers.patches) await paste(picture, patch, folder, base);
    writeSync(out, picture);
  }
  closeSync(out);
}

function denoise(from: string, into: string): void {
  const raw = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${width}x${height}`, '-r', String(rate)];
  const done = spawnSync(
    'ffmpeg',
    ['-v', 'error', '-y', ...raw, '-i', from, '-vf', NLMEANS, ...raw.slice(0, 4), into],
    {
      stdio: 'inherit',
    },
  );
  if (done.status !== 0) throw new Error(`ffmpeg ended with ${done.status ?? done.signal ?? done.error?.message}`);
}

async function jpeg(file: number, frame: number, quality: number): Promise<Buffer> {
  const data = Buffer.alloc(frameBytes);
  if (readSync(file, data, 0, frameBytes, frame * frameBytes) !== frameBytes)
    throw new Error(`frame ${frame} is cut off`);
  return sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality, mozjpeg: true, progressive: false, chromaSubsampling: '4:2:0' })
    .toBuffer();
}

/** The highest quality at which the clip, estimated from every sixteenth frame, keeps below the limit. */
async function chooseQuality(file: number, limit: number): Promise<number> {
  for (let quality = 95; quality > 50; quality -= 1) {
    let bytes = 0;
    let taken = 0;
    for (let frame = 3; frame < count; frame += 16) {
      bytes += (await jpeg(file, frame, quality)).length;
      taken += 1;
    }
    if ((bytes / taken) * count < limit) return quality;
  }
  throw new Error('no acceptable quality keeps the clip below its limit');
}

const [work, out, megabytes] = process.argv.slice(2);
if (work === undefined || out === undefined)
  throw new Error('usage: node compose.ts WORK-FOLDER OUTPUT-FOLDER [MEGABYTES]');
const composed = join(work, 'composed.rgb');
const clean = join(work, 'clean.rgb');
await compose(work, composed);
denoise(composed, clean);
const file = openSync(clean, 'r');
const limit = Number(megabytes ?? '15.5') * 1e6;
const quality = await chooseQuality(file, limit * 0.99);
const frames: Buffer[] = [];
for (let frame = 0; frame < count; frame++) frames.push(await jpeg(file, frame, quality));
closeSync(file);
const clip = Buffer.concat(frames);
if (clip.length > limit) throw new Error(`the clip has ${clip.length} bytes at quality ${quality}`);
writeFileSync(join(out, 'street.mjpeg'), clip);
for (const path of [composed, clean]) rmSync(path);
process.stdout.write(`${count} frames, quality ${quality}, ${clip.length} bytes\n`);
