import test from 'ava';
import { isAtalayaError } from '../kernel/errors.ts';
import { undated } from './frame-times.ts';
import { MjpegCamera } from './mjpeg-camera.ts';
import { openSource } from './open-source.ts';
import { makeJpegs, writeMjpeg } from './testing/made-recordings.ts';
import { VideoCamera } from './video-camera.ts';

const options = {
  nominalRate: 25,
  start: undated,
  ffmpeg: 'ffmpeg',
  ffprobe: 'ffprobe',
  onDamage: () => undefined,
};

test('the ending chooses the camera', async (t) => {
  const path = await writeMjpeg(await makeJpegs(1), [0]);
  t.true((await openSource(path, options)) instanceof MjpegCamera);
  t.true((await openSource(`${path}.times.json`, options)) instanceof VideoCamera);
});

test('a source that is not there is refused, with what to do', async (t) => {
  const error = await t.throwsAsync(openSource('/nowhere/street.mjpeg', options), { code: 'source-missing' });
  t.regex(error?.message ?? '', /\/nowhere\/street\.mjpeg/);
  t.true(isAtalayaError(error) && error.hint !== undefined);
});
