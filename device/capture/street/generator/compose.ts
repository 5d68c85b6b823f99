/**
 * Puts the drawn rectangles on the empty street, takes the noise out, prints the number plates, and writes the clip:
 *
 *   node compose.ts WORK-FOLDER OUTPUT-FOLDER [MEGABYTES]
 *
 * Writes `street.mjpeg`: JPEG files one after another, of the highest quality at which the clip keeps below MEGABYTES (default 31.5, in
 * units of 1,000,000 bytes). Needs ffmpeg for its `nlmeans` filter. The plates are printed after it, since it takes thin strokes for noise.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { Layering } from './layers.ts';
import { PlatePrinter } from './plate-print.ts';

interface Scenario {
  readonly frame: { readonly width: number; readonly height: number; readonly rate: number; readonly count: number };
}

const here = import.meta.dirname;
const scenario = JSON.parse(readFileSync(join(here, 'scenario.json'), 'utf8')) as Scenario;
const { width, height, rate, count } = scenario.frame;
const frameBytes = width * height * 3;

/** Strength of ffmpeg's nlmeans: the moving rectangles have few samples a pixel, the still background has many. */
const NLMEANS = 'nlmeans=s=9:p=3:r=7';
/** The lowest JPEG quality that is still a picture to judge a detector by. */
const LEAST_QUALITY = 45;

/** All frames, composed and without noise, uncompressed, into one file. */
async function compose(folder: string, path: string): Promise<void> {
  const layering = new Layering(folder, width, height);
  const raw = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${width}x${height}`, '-r', String(rate)];
  const filter = spawn(
    'ffmpeg',
    ['-v', 'error', '-y', '-filter_threads', '2', ...raw, '-i', '-', '-vf', NLMEANS, ...raw.slice(0, 4), path],
    { stdio: ['pipe', 'inherit', 'inherit'] },
  );
  const ended = once(filter, 'close');
  for (let frame = 0; frame < count; frame++) {
    if (!filter.stdin.write(await layering.frame(frame))) await Promise.race([once(filter.stdin, 'drain'), ended]);
  }
  filter.stdin.end();
  const [status] = await ended;
  if (status !== 0) throw new Error(`ffmpeg ended with ${status}`);
}

async function jpeg(file: number, printer: PlatePrinter, frame: number, quality: number): Promise<Buffer> {
  const data = Buffer.alloc(frameBytes);
  if (readSync(file, data, 0, frameBytes, frame * frameBytes) !== frameBytes)
    throw new Error(`frame ${frame} is cut off`);
  await printer.print(data, frame);
  return sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality, mozjpeg: true, progressive: false, chromaSubsampling: '4:2:0' })
    .toBuffer();
}

/** The highest quality at which the clip, estimated from every sixteenth frame, keeps below the limit; found by halving. */
async function chooseQuality(file: number, printer: PlatePrinter, limit: number): Promise<number> {
  let fits = LEAST_QUALITY - 1;
  let above = 96;
  while (above - fits > 1) {
    const quality = Math.floor((fits + above) / 2);
    let bytes = 0;
    let taken = 0;
    for (let frame = 3; frame < count; frame += 16) {
      bytes += (await jpeg(file, printer, frame, quality)).length;
      taken += 1;
    }
    if ((bytes / taken) * count < limit) fits = quality;
    else above = quality;
  }
  if (fits < LEAST_QUALITY) throw new Error('no acceptable quality keeps the clip below its limit');
  return fits;
}

const [work, out, megabytes] = process.argv.slice(2);
if (work === undefined || out === undefined)
  throw new Error('usage: node compose.ts WORK-FOLDER OUTPUT-FOLDER [MEGABYTES]');
const clean = join(work, 'clean.rgb');
await compose(work, clean);
const file = openSync(clean, 'r');
const printer = new PlatePrinter(work, width, height);
const limit = Number(megabytes ?? '31.5') * 1e6;
const quality = await chooseQuality(file, printer, limit * 0.99);
const frames: Buffer[] = [];
for (let frame = 0; frame < count; frame++) frames.push(await jpeg(file, printer, frame, quality));
closeSync(file);
const clip = Buffer.concat(frames);
if (clip.length > limit) throw new Error(`the clip has ${clip.length} bytes at quality ${quality}`);
writeFileSync(join(out, 'street.mjpeg'), clip);
rmSync(clean);
process.stdout.write(`${count} frames, quality ${quality}, ${clip.length} bytes\n`);
