import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AtalayaError } from '../kernel/errors.ts';
import type { BenchContext, Figure } from './figure.ts';

/** The program settles (caches, the ring, compiled code) before memory is held to be flat. */
const SETTLE_S = 60;

/**
 * The program itself, at the pace of the recording, on a clip that repeats for minutes: its resident memory, whether that grows, and
 * the frames that it skipped. 1280x720 at 25 frames/s where the footage and ffmpeg are present, else the project's own street.
 */
export async function benchSoak(context: BenchContext): Promise<readonly Figure[]> {
  const { root, scratch, minutes, say } = context;
  const { source, scene, rate } = await longSource(context);
  say(`# soak: ${minutes} minutes of ${source} at ${rate} frames/s`);
  const program = spawn(
    'node',
    [
      '--max-semi-space-size=4',
      join(root, 'device/cli/atalaya-unit.ts'),
      'run',
      '--pace',
      'timestamps',
      '--source',
      source,
      '--scene',
      await readingScene(join(root, 'device/scene/examples', scene), scratch),
      '--data',
      join(scratch, 'soak'),
    ],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '1048576' },
    },
  );
  let said = '';
  program.stdout.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-20_000);
  });
  const samples: { readonly s: number; readonly mb: number }[] = [];
  const begin = performance.now();
  const timer = setInterval(async () => {
    const mb = await residentMegabytes(program.pid);
    if (mb !== undefined) samples.push({ s: (performance.now() - begin) / 1000, mb });
  }, 1000);
  const code = await new Promise<number | null>((resolve) => program.once('exit', resolve));
  clearInterval(timer);
  const frames = /(\d+) frames,.*?(\d+) skipped/s.exec(said);
  if (code !== 0 || frames === null) throw new AtalayaError('internal', `the soak run ended with ${code}:\n${said}`);
  const settled = samples.filter(({ s }) => s > Math.min(SETTLE_S, minutes * 30));
  const figure = (name: string, value: number, unit: string, ratio: string): Figure => ({
    section: 'soak',
    name,
    value,
    unit,
    ratio,
  });
  return [
    figure('frames', Number(frames[1]), '1', `${rate} frames/s for ${minutes} minutes`),
    figure('skipped frames', Number(frames[2]), '1', 'at most 0'),
    figure('largest resident memory', Math.max(...samples.map(({ mb }) => mb)), 'MB', 'below 350 MB'),
    figure('growth after settling', slope(settled) * 60, 'MB/min', 'flat: 0'),
  ];
}

/** A scene whose plates are read: the reader's memory counts as well. Where it names no formats, a copy that does. */
async function readingScene(scene: string, scratch: string): Promise<string> {
  const text = await readFile(scene, 'utf8');
  if (/^plates:/m.test(text)) return scene;
  const copy = join(scratch, 'soak-scene.yaml');
  await writeFile(copy, `${text}\nplates: { formats: [eu] }\n`);
  return copy;
}

async function longSource({
  data,
  root,
  scratch,
  minutes,
}: BenchContext): Promise<{ source: string; scene: string; rate: number }> {
  const clip = data === undefined ? undefined : join(data, 'traffic-video/highway-720p/highway.mp4');
  if (clip !== undefined && existsSync(clip)) {
    const source = join(scratch, 'long.mp4');
    // 29.97 frames/s played at 25: the timestamps are stretched, the pictures stay as they are.
    const args = [
      '-v',
      'error',
      '-stream_loop',
      '-1',
      '-itsscale',
      String(30_000 / 1001 / 25),
      '-i',
      clip,
      '-map',
      '0:v',
      '-c',
      'copy',
      '-t',
      String(minutes * 60),
      '-y',
      source,
    ];
    await promisify(execFile)('ffmpeg', args);
    return { source, scene: 'highway-720p.yaml', rate: 25 };
  }
  return { source: await longStreet(root, scratch, minutes), scene: 'street.yaml', rate: 15 };
}

async function longStreet(root: string, scratch: string, minutes: number): Promise<string> {
  const street = join(root, 'device/capture/street/street.mjpeg');
  const source = join(scratch, 'long.mjpeg');
  const { start, times } = JSON.parse(await readFile(`${street}.times.json`, 'utf8')) as {
    start: string;
    times: number[];
  };
  const step = (times[1] ?? 0) - (times[0] ?? 0);
  const length = (times.at(-1) ?? 0) + step;
  const rounds = Math.ceil((minutes * 60_000) / length);
  const bytes = await readFile(street);
  await writeFile(source, '');
  for (let round = 0; round < rounds; round += 1) await appendFile(source, bytes);
  const all = Array.from({ length: rounds }, (_, round) => times.map((time) => time + round * length)).flat();
  await writeFile(`${source}.times.json`, JSON.stringify({ schema: 'atalaya/mjpeg-times/1', start, times: all }));
  return source;
}

async function residentMegabytes(pid: number | undefined): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kilobytes = /VmRSS:\s*(\d+)/.exec(status)?.[1];
  return kilobytes === undefined ? undefined : (Number(kilobytes) * 1024) / 1e6;
}

/** Least squares, MB a second. */
function slope(samples: readonly { readonly s: number; readonly mb: number }[]): number {
  const n = samples.length;
  const meanS = samples.reduce((sum, { s }) => sum + s, 0) / n;
  const meanMb = samples.reduce((sum, { mb }) => sum + mb, 0) / n;
  const top = samples.reduce((sum, { s, mb }) => sum + (s - meanS) * (mb - meanMb), 0);
  return top / samples.reduce((sum, { s }) => sum + (s - meanS) ** 2, 0);
}
