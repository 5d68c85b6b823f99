import test from 'ava';
import { undated } from '../capture/frame-times.ts';
import type { CameraParts } from '../capture/process/open-camera.ts';
import { RepeatingCamera } from '../capture/repeating-camera.ts';
import { makeJpegs, writeMjpeg } from '../capture/testing/made-recordings.ts';
import { ManualClock } from '../kernel/manual-clock.ts';
import { milliseconds } from '../kernel/units.ts';
import { openUnitSource, type SourceChoice } from './source.ts';

const clock = new ManualClock();
const onDamage = () => undefined;
const recording = { nominalRate: 25, start: undated, ffmpeg: 'ffmpeg', ffprobe: 'ffprobe', onDamage };
const live: CameraParts = {
  ...{ clock, timer: clock, random: () => 0.5, path: '', ffmpeg: 'ffmpeg', patience: undefined, onDamage },
  onFault: () => undefined,
};

const open = async (choice: Partial<SourceChoice>) =>
  await openUnitSource(
    { path: await writeMjpeg(await makeJpegs(2)), camera: undefined, pace: 'timestamps', atEnd: 'end', ...choice },
    recording,
    live,
  );

test('a recording is repeated where it is asked for, and at its own pace alone', async (t) => {
  const once = await open({});
  t.false(once.camera instanceof RepeatingCamera);
  t.is(once.ownTime(milliseconds(70_000)), milliseconds(70_000));
  t.like(await open({ pace: 'flat-out', atEnd: 'stay' }), { every: true, live: false });
  const again = await open({ atEnd: 'repeat' });
  t.true(again.camera instanceof RepeatingCamera);
  t.like(again, { every: false, live: false });
  await t.throwsAsync(open({ pace: 'flat-out', atEnd: 'repeat' }), {
    code: 'usage-invalid',
    message: /is played at its own pace/,
  });
});
