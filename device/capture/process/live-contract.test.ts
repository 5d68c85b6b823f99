import { access } from 'node:fs/promises';
import test from 'ava';
import { milliseconds } from '../../kernel/units.ts';
import { type CameraCase, holdsLiveContract } from '../camera-contract.ts';
import type { CameraSettings } from './camera-settings.ts';
import { bareCamera, openCamera } from './open-camera.ts';
import { made, makeStandIns, partsFor } from './testing/stand-ins.ts';

const common = { startS: 10, stallS: 3, rate: 60 } as const;
const lens = { exposure: 'auto', gain: 'auto', flip: 'none', quality: 85 } as const;
const libcamera = { ...lens, index: 0, exposureMode: 'sport', awb: 'auto' } as const;

/** A camera under the contract, its program played by a stand-in. */
async function caseOf(program: string, settings: CameraSettings, make: typeof bareCamera): Promise<CameraCase> {
  const whole = await makeStandIns([program], [{}]);
  const other = await makeStandIns([program], [{ garbage: 5000, stallAfter: 0 }]);
  const { width, height } = settings;
  return {
    ...{ width, height, frames: 6, refusal: 'camera-unavailable', inHand: 6 },
    make: async (source, onDamage) =>
      source === 'whole'
        ? make(settings, partsFor(whole.path, { onDamage }).parts)
        : make({ ...settings, startS: 1.5 }, partsFor(other.path, { onDamage, patience: milliseconds(2500) }).parts),
    processes: async () => (await whole.running()) + (await other.running()),
  };
}

const vid = { kind: 'rpicam-vid', ...common, ...made, ...libcamera, codec: 'mjpeg' } as const;
const pixels = { ...vid, codec: 'yuv420', width: 128, height: 64 } as const;
const jetson = { kind: 'argus', ...common, ...made, ...lens, sensor: 0, codec: 'jpeg' } as const;
const usb = { kind: 'v4l2', ...common, rate: 50, ...made, ...lens, device: '/dev/video0', format: 'mjpeg' } as const;

const ffmpeg = await access('/usr/bin/ffmpeg').then(
  () => true,
  () => false,
);
const cases = await Promise.all([
  caseOf('rpicam-vid', vid, bareCamera),
  caseOf('rpicam-vid', pixels, openCamera),
  caseOf('gst-launch-1.0', jetson, bareCamera),
  caseOf('ffmpeg', usb, bareCamera),
]);
const names = ['rpicam-vid, MJPEG', 'rpicam-vid, YUV, supervised', 'nvarguscamerasrc', 'V4L2 through ffmpeg'];

for (const [index, name] of names.entries()) {
  const found = cases[index];
  // One after the other: the check for leftover processes looks at all of a stand-in's.
  if (found !== undefined && (ffmpeg || index < 3)) holdsLiveContract(test.serial, name, found);
  else {
    test(`${name}: passed over`, (t) => {
      t.log('not tested: ffmpeg is not installed');
      t.pass();
    });
  }
}
