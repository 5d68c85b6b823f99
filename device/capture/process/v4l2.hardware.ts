import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { systemClock } from '../../kernel/clock.ts';
import { type AtalayaError, isAtalayaError } from '../../kernel/errors.ts';
import { systemTimer } from '../../kernel/timer.ts';
import { milliseconds } from '../../kernel/units.ts';
import type { HardwareCase } from '../../testing/hardware/hardware-case.ts';
import type { Frame } from '../frame.ts';
import type { V4l2Settings } from './camera-settings.ts';
import { bareCamera, type CameraParts, openCamera } from './open-camera.ts';

/** V4L2 against the kernel's own test driver (vivid), through the real ffmpeg and v4l2-ctl. An emulated machine is slow: few pictures. */

const RATE = 10;
const { PATH: searched = '/usr/bin:/bin' } = process.env;
const never = new AbortController().signal;
const run = promisify(execFile);

const usb: V4l2Settings = {
  kind: 'v4l2',
  ...{ width: 320, height: 180, rate: RATE, startS: 60, stallS: 15 },
  ...{ exposure: 'auto', gain: 'auto', flip: 'none', device: '/dev/video0', format: 'yuyv422' },
};

function parts(faults: AtalayaError[] = [], damages: string[] = []): CameraParts {
  return {
    clock: systemClock,
    timer: systemTimer,
    random: () => 0,
    path: searched,
    ffmpeg: 'ffmpeg',
    patience: milliseconds(60_000),
    onDamage: ({ reason }) => damages.push(reason),
    onFault: (fault) => faults.push(fault),
  };
}

async function refusal(settings: V4l2Settings): Promise<AtalayaError> {
  const camera = bareCamera(settings, parts());
  try {
    await camera.open(never);
  } catch (error) {
    if (isAtalayaError(error)) return error;
    throw error;
  } finally {
    await camera.close();
  }
  throw new Error('the camera opened');
}

/** Milliseconds from each frame to the next. */
const spacing = (frames: readonly Frame[]): number[] =>
  frames.slice(1).map((frame, i) => frame.time.elapsed - (frames[i] as Frame).time.elapsed);

export const cases: readonly HardwareCase[] = [
  {
    name: 'pictures flow with the stamps of the driver',
    deadline: milliseconds(180_000),
    run: async ({ video, note }) => {
      const damages: string[] = [];
      const camera = openCamera({ ...usb, device: video }, parts([], damages));
      const info = await camera.open(never);
      assert.deepEqual({ width: info.width, height: info.height }, { width: 320, height: 180 });
      const frames: Frame[] = [];
      const ages: number[] = [];
      for await (const frame of camera.frames(never)) {
        camera.release(frame);
        frames.push(frame);
        ages.push(Date.now() - frame.time.utc);
        if (frames.length === 20) break;
      }
      await camera.close();
      for (const { time, picture } of frames) {
        assert.equal(picture.format, 'yuv420p');
        // 2 ms is stated of a driver's stamp alone: a stamp of another clock would be given more.
        assert.equal(time.clock.intervalError, 2);
        assert.ok(Math.abs(time.utc - Date.now()) < 60_000);
      }
      const apart = spacing(frames);
      const off = apart.map(
        (gap) => Math.abs(gap / (1000 / RATE) - Math.max(1, Math.round(gap / (1000 / RATE)))) * (1000 / RATE),
      );
      assert.ok(apart.every((gap) => gap > 0));
      assert.deepEqual(damages, []);
      const sorted = off.toSorted((a, b) => a - b);
      note(
        `a picture is ${ages.toSorted((a, b) => a - b)[ages.length >> 1]?.toFixed(0)} ms old when it is here (median)`,
      );
      note(
        `${frames.length} pictures; off the driver's ${1000 / RATE} ms by ${sorted[sorted.length >> 1]?.toFixed(2)} ms (median), ${sorted.at(-1)?.toFixed(2)} ms (most)`,
      );
    },
  },
  {
    name: 'a date that is set in the middle moves no interval',
    deadline: milliseconds(180_000),
    run: async ({ video, note }) => {
      const camera = openCamera({ ...usb, device: video }, parts());
      await camera.open(never);
      const frames: Frame[] = [];
      try {
        for await (const frame of camera.frames(never)) {
          frames.push(frame);
          camera.release(frame);
          if (frames.length === 5) await run('date', ['--set', '+1 hour']);
          if (frames.length === 15) break;
        }
      } finally {
        await run('date', ['--set', '-1 hour']);
        await camera.close();
      }
      const [first, last] = [frames[0], frames.at(-1)];
      assert.ok(first !== undefined && last !== undefined);
      const [elapsed, dated] = [last.time.elapsed - first.time.elapsed, last.time.utc - first.time.utc];
      assert.ok(elapsed < 120_000, `${elapsed} ms`);
      assert.ok(Math.abs(dated - elapsed - 3_600_000) < 1000, `${dated} ms by date, ${elapsed} ms elapsed`);
      note(`an hour by date, ${Math.round(elapsed)} ms elapsed`);
    },
  },
  {
    name: 'settings reach the device before it is read',
    deadline: milliseconds(180_000),
    run: async ({ video }) => {
      const camera = bareCamera({ ...usb, device: video, flip: 'horizontal', gain: 77 }, parts());
      await camera.open(never);
      const { stdout } = await run('v4l2-ctl', ['--device', video, '--get-ctrl', 'horizontal_flip,gain']);
      await camera.close();
      await run('v4l2-ctl', ['--device', video, '--set-ctrl', 'horizontal_flip=0']);
      assert.match(stdout, /horizontal_flip: 1/);
      assert.match(stdout, /gain: 77/);
    },
  },
  {
    name: 'what the device refuses is told: taken, missing, another size, no such control',
    deadline: milliseconds(240_000),
    run: async ({ video }) => {
      const first = bareCamera({ ...usb, device: video }, parts());
      await first.open(never);
      const busy = await refusal({ ...usb, device: video });
      await first.close();
      assert.match(busy.message, /another program has the camera/);
      const missing = await refusal({ ...usb, device: '/dev/video77' });
      assert.match(missing.message, /no such device/);
      const other = await refusal({ ...usb, device: video, width: 322, height: 202 });
      assert.equal(other.code, 'scene-mismatch');
      const control = await refusal({ ...usb, device: video, focus: 'continuous' });
      assert.equal(control.code, 'config-invalid');
    },
  },
  {
    name: 'a camera that is pulled out and put back is seen again, by itself',
    deadline: milliseconds(300_000),
    run: async ({ video, note }) => {
      const faults: AtalayaError[] = [];
      const camera = openCamera({ ...usb, device: video }, parts(faults));
      await camera.open(never);
      const pulled = async () => {
        await run('v4l2-ctl', ['--device', video, '--set-ctrl', 'disconnect=1']).catch(() => undefined);
        while (faults.length === 0) await sleep(100);
        await run('modprobe', ['-r', 'vivid']).catch(() => undefined);
        await run('modprobe', ['vivid']);
      };
      let pulling: Promise<void> | undefined;
      let before: Frame | undefined;
      let after = 0;
      const began = performance.now();
      for await (const frame of camera.frames(never)) {
        camera.release(frame);
        if (before === undefined) {
          before = frame;
          pulling = pulled();
        }
        if (faults.length > 0) after += 1;
        if (after === 3) {
          assert.ok(frame.sequence > before.sequence);
          break;
        }
      }
      await pulling;
      await camera.close();
      assert.ok(faults.every(({ disposition }) => disposition === 'restart'));
      note(
        `${faults.length} faults, pictures again after ${Math.round(performance.now() - began)} ms: ${faults[0]?.message}`,
      );
    },
  },
];
