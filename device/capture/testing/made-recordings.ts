import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp, { type JpegOptions } from 'sharp';
import { systemCode } from '../../kernel/errors.ts';

/** Recordings for the tests of capture, made on the spot. */

/** One for each test file; goes when its tests are over. */
const scratch = mkdtempSync(join(tmpdir(), 'atalaya-capture-'));
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));

/** A fresh folder under the system's temporary one. */
export function scratchFolder(): Promise<string> {
  return mkdtemp(join(scratch, 'made-'));
}

/** A real JPEG around one grey level, with a coarse pattern so that it has entropy-coded data worth the name. */
export async function makeJpeg(level: number, width = 48, height = 32, options: JpegOptions = {}): Promise<Buffer> {
  const pixels = new Uint8Array(width * height * 3);
  for (let i = 0; i < pixels.length; i += 1) pixels[i] = level + ((Math.imul(i + 1, 2654435761) >>> 24) & 63);
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 80, ...options })
    .toBuffer();
}

export function makeJpegs(count: number, width = 48, height = 32): Promise<Buffer[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => makeJpeg(8 + i * 7, width, height)));
}

/** Writes an MJPEG file, and its sidecar where times are given. Returns its path. */
export async function writeMjpeg(pieces: readonly Uint8Array[], times?: readonly number[] | string): Promise<string> {
  const path = join(await scratchFolder(), 'made.mjpeg');
  await writeFile(path, Buffer.concat(pieces));
  if (times !== undefined) {
    const sidecar = { schema: 'atalaya/mjpeg-times/1', start: '2024-05-01T12:00:00.000Z', times };
    await writeFile(`${path}.times.json`, typeof times === 'string' ? times : JSON.stringify(sidecar));
  }
  return path;
}

/** Runs ffmpeg to write `name` into a fresh folder; undefined where ffmpeg is not installed. */
export async function makeVideo(name: string, args: readonly string[]): Promise<string | undefined> {
  const path = join(await scratchFolder(), name);
  try {
    await promisify(execFile)('ffmpeg', ['-v', 'error', '-nostdin', '-threads', '1', ...args, path], {
      timeout: 30_000,
    });
    return path;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
