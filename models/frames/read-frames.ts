import { spawn } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import sharp from 'sharp';
import { AtalayaError, systemCode } from '../../device/kernel/errors.ts';

/** Size of the pictures that a model takes, in pixels. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** The whole picture, squeezed, or the square at its left or right end: what a unit's detector is shown. */
export const views = ['whole', 'left-square', 'right-square'] as const;
export type View = (typeof views)[number];

export interface FrameRequest {
  /** A folder of pictures, a file of concatenated JPEGs (`.mjpeg`), or any video that ffmpeg decodes. */
  readonly source: string;
  /** How many frames to take, evenly over the source. */
  readonly count: number;
  readonly size: PictureSize;
  readonly view?: View;
  /** The program that decodes videos, by name or path. */
  readonly ffmpeg?: string;
}

const pictureNames = /\.(jpe?g|png|webp)$/i;

/**
 * Frames as `[height * width * 3]` bytes, red first; fewer than `count` where the source holds fewer.
 * Throws `source-missing`, `source-not-video`, `program-missing`.
 */
export async function readFrames(request: FrameRequest): Promise<Uint8Array[]> {
  const { source, count } = request;
  const info = await stat(source).catch((cause: unknown) => {
    throw new AtalayaError('source-missing', `${source} cannot be read (${systemCode(cause) ?? cause})`, { cause });
  });
  if (info.isDirectory()) {
    const names = (await readdir(source)).filter((name) => pictureNames.test(name)).sort();
    if (names.length === 0) throw new AtalayaError('source-not-video', `${source} holds no JPEG, PNG or WebP pictures`);
    return Promise.all(spread(names, count).map((name) => shrink(join(source, name), request)));
  }
  if (extname(source) === '.mjpeg') {
    const pictures = splitJpegs(await readFile(source));
    if (pictures.length === 0) throw new AtalayaError('source-not-video', `${source} holds no JPEG picture`);
    return Promise.all(spread(pictures, count).map((picture) => shrink(picture, request)));
  }
  return decodeVideo(request);
}

/** `count` elements, evenly spaced; all of them where there are no more. */
export function spread<T>(values: readonly T[], count: number): T[] {
  if (values.length <= count) return [...values];
  return Array.from({ length: count }, (_, i) => values[Math.floor(((i + 0.5) * values.length) / count)]!);
}

/** JPEG pictures in a row, told apart by their start-of-image and end-of-image markers (ITU-T T.81, table B.1). */
export function splitJpegs(bytes: Uint8Array): Uint8Array[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pictures: Uint8Array[] = [];
  const start = Buffer.of(0xff, 0xd8, 0xff);
  const end = Buffer.of(0xff, 0xd9);
  let from = buffer.indexOf(start);
  while (from >= 0) {
    const to = buffer.indexOf(end, from);
    if (to < 0) break;
    pictures.push(bytes.subarray(from, to + 2));
    from = buffer.indexOf(start, to + 2);
  }
  return pictures;
}

async function shrink(picture: string | Uint8Array, { size, view = 'whole' }: FrameRequest): Promise<Uint8Array> {
  const image = sharp(picture);
  if (view !== 'whole') {
    const { width, height } = await image.metadata();
    const side = Math.min(width, height);
    image.extract({ left: view === 'right-square' ? width - side : 0, top: 0, width: side, height: side });
  }
  return image
    .resize({ ...size, fit: 'fill', kernel: 'linear' })
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer();
}

const crops = {
  whole: '',
  'left-square': 'crop=min(iw\\,ih):min(iw\\,ih):0:0,',
  'right-square': 'crop=min(iw\\,ih):min(iw\\,ih):iw-ow:0,',
} as const;

/**
 * Decodes every frame small and keeps some. How many frames a video holds is known only at its end, so while more than twice `count`
 * are kept, every other one is dropped and from then on only every second, fourth, ... frame is taken: memory stays bounded.
 */
async function decodeVideo({
  source,
  count,
  size,
  view = 'whole',
  ffmpeg = 'ffmpeg',
}: FrameRequest): Promise<Uint8Array[]> {
  const filter = `${crops[view]}scale=${size.width}:${size.height}:flags=bilinear`;
  const args = [
    '-v',
    'error',
    '-i',
    source,
    '-vf',
    filter,
    '-fps_mode',
    'passthrough',
    '-pix_fmt',
    'rgb24',
    '-f',
    'rawvideo',
    '-',
  ];
  const frame = new Uint8Array(size.width * size.height * 3);
  let kept: Uint8Array[] = [];
  let filled = 0;
  let index = 0;
  let step = 1;
  await run(ffmpeg, args, source, (chunk) => {
    for (let from = 0; from < chunk.length; ) {
      const part = chunk.subarray(from, from + frame.length - filled);
      frame.set(part, filled);
      filled += part.length;
      from += part.length;
      if (filled < frame.length) continue;
      filled = 0;
      if (index % step === 0) kept.push(frame.slice());
      index += 1;
      if (kept.length < count * 2) continue;
      kept = kept.filter((_, i) => i % 2 === 0);
      step *= 2;
    }
  });
  if (kept.length === 0)
    throw new AtalayaError('source-not-video', `${source} holds no picture that ffmpeg can decode`);
  return spread(kept, count);
}

function run(
  program: string,
  args: readonly string[],
  source: string,
  take: (chunk: Uint8Array) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const complaints: Buffer[] = [];
    child.stdout.on('data', take);
    child.stderr.on('data', (chunk: Buffer) => complaints.push(chunk));
    child.on('error', (cause) => {
      reject(
        new AtalayaError('program-missing', `${program} cannot be started (${systemCode(cause) ?? cause.message})`, {
          hint: 'Install ffmpeg, or give a folder of pictures or an .mjpeg file.',
          cause,
        }),
      );
    });
    child.on('close', (code) => {
      if (code === 0) return resolve();
      const last = Buffer.concat(complaints).toString('utf8').trim().split('\n').at(-1);
      reject(
        new AtalayaError('source-not-video', `${source} cannot be decoded: ${last ?? `ffmpeg ended with ${code}`}`),
      );
    });
  });
}
