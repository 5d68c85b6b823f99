import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { holdsRecordingContract, type RecordingCase } from './camera-contract.ts';
import { undated } from './frame-times.ts';
import { makeVideo, scratchFolder } from './testing/made-recordings.ts';
import { VideoCamera } from './video-camera.ts';

const pattern = ['-f', 'lavfi', '-i', 'testsrc=size=320x240:rate=25:duration=2'];
const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25', '-pix_fmt', 'yuv420p', '-movflags', '+faststart'];
const options = { nominalRate: 20, start: undated, ffmpeg: 'ffmpeg', ffprobe: 'ffprobe' };

/** Programs with `path` among their arguments that run now. */
async function running(path: string): Promise<number> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(ids.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')));
  return lines.filter((line) => line.startsWith('ffmpeg') && line.includes(path)).length;
}

/** Long enough that the decoder is still at work when the reader leaves: its pipe holds few of these pictures. */
async function contractCase(): Promise<RecordingCase | undefined> {
  const whole = await makeVideo('whole.mp4', [...pattern, ...h264]);
  if (whole === undefined) return undefined;
  const folder = await scratchFolder();
  const truncated = join(folder, 'truncated.mp4');
  const bytes = await readFile(whole);
  await writeFile(truncated, bytes.subarray(0, bytes.byteLength / 2));
  const other = join(folder, 'other.mp4');
  await writeFile(other, 'no pictures here\n'.repeat(999));
  const paths = { whole, truncated, other };
  const { stdout } = await promisify(execFile)('ffmpeg', ['-v', 'quiet', '-i', truncated, '-f', 'framecrc', '-']);
  const goodFrames = stdout.split('\n').filter((line) => /^0,/.test(line)).length;
  return {
    width: 320,
    height: 240,
    frames: 50,
    goodFrames,
    make: async (source, onDamage) => new VideoCamera({ ...options, path: paths[source], onDamage }),
    processes: () => running(whole),
  };
}

// One after the other: the check for leftover processes looks at all that read this recording.
holdsRecordingContract(test.serial, 'VideoCamera', await contractCase());
