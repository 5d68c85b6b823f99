import assert from 'node:assert/strict';
import { join } from 'node:path';
import { openCamera } from '../../capture/process/open-camera.ts';
import { WorkerDetector } from '../../detect/worker-detector.ts';
import { systemClock } from '../../kernel/clock.ts';
import { explain } from '../../kernel/errors.ts';
import { systemTimer } from '../../kernel/timer.ts';
import { fraction, milliseconds } from '../../kernel/units.ts';
import { runCommand } from './commands.ts';
import type { HardwareCase } from './hardware-case.ts';

/** From the kernel's camera to the detector. */

const wanted = 5;

export const cases: readonly HardwareCase[] = [
  {
    name: 'ffmpeg reads whole frames of the V4L2 device, and they are not all alike',
    deadline: milliseconds(120_000),
    run: async ({ video, folder, note }) => {
      const raw = join(folder, 'frames.md5');
      await runCommand(
        'ffmpeg',
        [
          '-v',
          'error',
          '-f',
          'v4l2',
          '-video_size',
          '320x180',
          '-i',
          video,
          '-frames:v',
          '10',
          '-c:v',
          'copy',
          '-f',
          'framemd5',
          '-',
        ],
        { deadline: milliseconds(100_000), log: raw },
      ).then((said) => {
        const frames = said.split('\n').filter((line) => /^0,/.test(line));
        const sums = new Set(frames.map((line) => line.split(',').at(-1)));
        assert.equal(frames.length, 10);
        // As vivid gives it to ffmpeg: 4:2:0, planar.
        assert.ok(
          frames.every((line) => line.includes(`${(320 * 180 * 3) / 2}`)),
          frames[0],
        );
        assert.ok(sums.size > 1, 'every frame has the same content');
        note(`10 frames, ${sums.size} different`);
      });
    },
  },
  {
    name: 'frames of the V4L2 camera flow into the detector, which answers for each',
    deadline: milliseconds(300_000),
    run: async ({ video, tree, note, signal }) => {
      const faults: string[] = [];
      const camera = openCamera(
        {
          kind: 'v4l2',
          ...{ width: 320, height: 180, rate: 5, startS: 60, stallS: 30 },
          ...{ exposure: 'auto', gain: 'auto', flip: 'none', device: video, format: 'yuyv422' },
        },
        {
          clock: systemClock,
          timer: systemTimer,
          random: () => 0,
          path: '/usr/bin:/bin',
          ffmpeg: 'ffmpeg',
          patience: milliseconds(120_000),
          onDamage: () => undefined,
          onFault: (fault) => faults.push(explain(fault)),
        },
      );
      const detector = await WorkerDetector.open(
        {
          bundle: join(tree, '.build/models/ssdlite-mobilenet-v2-int8'),
          threads: 2,
          settings: {
            regions: [{ x: 0, y: 0, width: 320, height: 180 }],
            fit: 'letterbox',
            leastScore: fraction(0.3),
            overlap: fraction(0.5),
          },
        },
        milliseconds(120_000),
      );
      try {
        await camera.open(signal);
        const times: number[] = [];
        let last = -1;
        for await (const frame of camera.frames(signal)) {
          assert.ok(frame.sequence > last, `frame ${frame.sequence} after ${last}`);
          last = frame.sequence;
          const began = performance.now();
          const found = await detector.detect(frame);
          times.push(performance.now() - began);
          camera.release(frame);
          // A test picture has no vehicles: what counts is that there is an answer.
          assert.ok(Array.isArray(found));
          if (times.length === wanted) break;
        }
        assert.equal(times.length, wanted);
        note(`${wanted} frames; an answer takes ${Math.round(Math.max(...times.slice(1)))} ms at most, emulated`);
        assert.deepEqual(faults, []);
      } finally {
        await detector.close();
        await camera.close();
      }
    },
  },
];
