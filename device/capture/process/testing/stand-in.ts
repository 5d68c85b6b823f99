/**
 * Stands in for a camera's program: takes the flags that the real one takes and no others, refuses with its words, shows pictures at
 * the rate that was asked for, and fails to order. Run as `node stand-in.ts NAME ORDERS ...flags`.
 */
import { spawn } from 'node:child_process';
import { appendFileSync, openSync, readFileSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { splitMjpeg } from '../../mjpeg-split.ts';
import { checkGst, checkRaspistill, checkRpicam, checkV4l2Ctl, takeV4l2Input } from './flags.ts';
import type { Life, Orders } from './orders.ts';

const [name = '', ordersPath = '', ...args] = process.argv.slice(2);
const orders = JSON.parse(readFileSync(ordersPath, 'utf8')) as Orders;
const begun = startsBefore();
appendFileSync(orders.starts, `${JSON.stringify([name, ...args])}\n`);
const life: Life = orders.lives[Math.min(begun, orders.lives.length - 1)] ?? {};
if (life.ignoresTerm) process.on('SIGTERM', () => {});
process.stdout.on('error', () => process.exit(1));

function startsBefore(): number {
  try {
    return readFileSync(orders.starts, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith(`["${name}"`)).length;
  } catch {
    return 0;
  }
}

function end(message: string, code: number): never {
  writeSync(2, `${message}\n`);
  process.exit(code);
}

async function jpegs(path: string): Promise<Uint8Array[]> {
  const found: Uint8Array[] = [];
  for await (const piece of splitMjpeg([await readFile(path)] as unknown as AsyncIterable<Uint8Array>)) {
    if (piece.kind === 'picture') found.push(piece.bytes);
  }
  return found;
}

/** Writes the whole of it, whatever the pipe takes at once. */
function write(descriptor: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.byteLength; ) {
    try {
      at += writeSync(descriptor, bytes, at);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
        continue;
      }
      process.exit(1);
    }
  }
}

async function forEver(): Promise<never> {
  for (;;) await sleep(60_000);
}

interface Show {
  readonly rate: number;
  readonly to: number;
  /** One picture; `other`: in another size. */
  readonly picture: (index: number, other: boolean) => Uint8Array;
  /** Says when the picture was captured, in milliseconds of the monotonic clock. */
  readonly note: (index: number, captured: number, bytes: number) => void;
  readonly noteFirst?: boolean;
}

/** Shows pictures until it is ended, with the faults that this life has. */
async function show({ rate, to, picture, note, noteFirst }: Show): Promise<never> {
  await sleep(life.startMs ?? 0);
  if (life.garbage !== undefined) write(to, new Uint8Array(life.garbage).fill(0x41));
  const origin = performance.now();
  const zero = Number(process.hrtime.bigint()) / 1e6 - performance.now();
  for (let index = 0; ; index += 1) {
    const captured = origin + (index * 1000) / rate;
    // A picture leaves some milliseconds after it was captured.
    const wait = index < (life.burst ?? 0) ? 0 : captured + 8 - performance.now();
    if (wait > 0) await sleep(wait);
    if (index === life.stallAfter) await forEver();
    if (life.endAfter?.pictures === index) end(life.endAfter.message, life.endAfter.code);
    if (life.chatter !== undefined) writeSync(2, `${life.chatter}\n`);
    if (life.garbageAt?.picture === index) write(to, new Uint8Array(life.garbageAt.bytes).fill(0x41));
    const bytes = picture(index, index >= (life.otherSizeAt ?? Number.POSITIVE_INFINITY));
    if (index === life.halfAt) {
      write(to, bytes.subarray(0, bytes.byteLength >> 1));
      await forEver();
    }
    if (noteFirst) note(index, zero + captured, bytes.byteLength);
    write(to, bytes);
    if (!noteFirst) note(index, zero + captured, bytes.byteLength);
  }
}

async function jpegShower(): Promise<(index: number, other: boolean) => Uint8Array> {
  const [mine, others] = await Promise.all([jpegs(orders.pictures), jpegs(orders.others)]);
  return (index, other) => {
    const from = other ? others : mine;
    return from[index % from.length] ?? new Uint8Array();
  };
}

function rawShower(width: number, height: number): (index: number) => Uint8Array {
  return (index) =>
    new Uint8Array(width * height + 2 * Math.ceil(width / 2) * Math.ceil(height / 2)).fill(16 + (index % 200));
}

async function rpicamVid(): Promise<void> {
  const flags = checkRpicam(args, 'vid');
  if (typeof flags === 'string') end(`ERROR: *** ${flags} ***`, 255);
  if (life.refuse !== undefined) end(life.refuse, 255);
  const notes = openSync(flags.get('metadata') ?? '/dev/null', 'w');
  const raw = flags.get('codec') === 'yuv420';
  const rate = Number(flags.get('framerate') ?? 30);
  const picture = raw ? rawShower(Number(flags.get('width')), Number(flags.get('height'))) : await jpegShower();
  await show({
    rate,
    to: 1,
    picture,
    note: (_index, captured) =>
      writeSync(notes, `ExposureTime=4997\nSensorTimestamp=${Math.round(captured * 1e6)}\nAnalogueGain=1.5\n\n`),
  });
}

async function still(flags: string | Map<string, string>): Promise<void> {
  if (typeof flags === 'string') end(flags, 255);
  if (life.refuse !== undefined) end(life.refuse, 255);
  // A preview of no length has no end, in both programs.
  if (/^0(ms)?$/.test(flags.get('timeout') ?? flags.get('-t') ?? '') && !flags.has('immediate')) await forEver();
  await sleep(life.startMs ?? 30);
  if (life.stallAfter !== undefined) await forEver();
  if (life.chatter !== undefined) writeSync(2, `${life.chatter}\n`);
  const bytes = (await jpegShower())(begun, life.otherSizeAt !== undefined);
  if (life.halfAt !== undefined) {
    write(1, bytes.subarray(0, bytes.byteLength >> 1));
    if (life.endAfter === undefined) await forEver();
  } else write(1, bytes);
  if (life.endAfter !== undefined) end(life.endAfter.message, life.endAfter.code);
}

async function gstLaunch(): Promise<void> {
  const caps = checkGst(args);
  if (typeof caps === 'string') end(caps, 1);
  if (life.refuse !== undefined) end(life.refuse, 1);
  const { width, height, rate, jpeg } = caps;
  writeSync(1, 'Setting pipeline to PAUSED ...\nSetting pipeline to PLAYING ...\nNew clock: GstSystemClock\n');
  await show({
    rate,
    to: 3,
    picture: jpeg ? await jpegShower() : rawShower(width, height),
    noteFirst: true,
    note: (index, _captured, bytes) => {
      const at = 33 + (index * 1000) / rate;
      const seconds = (at / 1000).toFixed(9).padStart(12, '0');
      writeSync(
        1,
        `/GstPipeline:pipeline0/GstIdentity:stamps: last-message = chain   ******* (stamps:sink) (${bytes} bytes, dts: none, pts: 0:00:${seconds}, duration: 0:00:00.033333333, offset: ${index}, offset_end: -1, flags: 00000000 , meta: none) 0x7f\n`,
      );
    },
  });
}

/** The real ffmpeg, with pictures of this program in the place of the device; times begin at the kernel's clock, as a driver's do. */
async function ffmpeg(): Promise<void> {
  const taken = takeV4l2Input(args);
  if (typeof taken === 'string') end(taken, 1);
  if (life.refuse !== undefined) end(life.refuse, 1);
  const offset = (Number(process.hrtime.bigint()) / 1e9).toFixed(6);
  const input = ['-f', 'mjpeg', '-framerate', String(taken.rate), '-itsoffset', offset, '-i', 'pipe:0'];
  const child = spawn('/usr/bin/ffmpeg', [...taken.before, ...input, ...taken.after], {
    stdio: ['pipe', 'inherit', 'inherit', 'inherit'],
  });
  child.on('exit', (code) => process.exit(code ?? 1));
  process.on('SIGTERM', () => child.kill('SIGKILL'));
  const picture = await jpegShower();
  for (let index = 0; ; index += 1) {
    if (index === life.stallAfter) await forEver();
    if (life.endAfter?.pictures === index) end(life.endAfter.message, life.endAfter.code);
    child.stdin?.write(picture(index, false));
    await sleep(1000 / taken.rate);
  }
}

switch (name) {
  case 'rpicam-vid':
  case 'libcamera-vid':
    await rpicamVid();
    break;
  case 'rpicam-still': {
    const flags = checkRpicam(args, 'still');
    await still(typeof flags === 'string' ? `ERROR: *** ${flags} ***` : flags);
    break;
  }
  case 'raspistill':
    await still(checkRaspistill(args));
    break;
  case 'gst-launch-1.0':
    await gstLaunch();
    break;
  case 'v4l2-ctl': {
    const refused = checkV4l2Ctl(args);
    if (refused !== undefined) end(refused, 255);
    break;
  }
  case 'ffmpeg':
    await ffmpeg();
    break;
  default:
    end(`nothing is known of ${name}`, 255);
}
