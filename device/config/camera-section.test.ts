import test from 'ava';
import type { CameraSettings } from '../capture/process/camera-settings.ts';
import { referenceOf } from '../kernel/schema-reference.ts';
import { applies } from './apply.ts';
import { type CameraSection, camera } from './camera-section.ts';

const kinds = ['rpicam-vid', 'rpicam-still', 'raspistill', 'v4l2', 'argus'] as const;

/** What the configuration gives is what the camera takes: the compiler holds the two together. */
const asSettings = (section: CameraSection): CameraSettings => section;

test('every kind needs its name alone; a network camera its address too', (t) => {
  for (const kind of kinds) t.is(asSettings(camera.parse({ kind })).kind, kind);
  t.is(camera.parse({ kind: 'rtsp', url: 'rtsp://10.0.0.5/1' }).kind, 'rtsp');
  t.false(camera.safeParse({ kind: 'rtsp' }).success);
  t.false(camera.safeParse({ kind: 'webcam' }).success);
  t.false(camera.safeParse({}).success);
});

test('a field of another kind is refused', (t) => {
  t.false(camera.safeParse({ kind: 'rpicam-vid', device: '/dev/video0' }).success);
  t.false(camera.safeParse({ kind: 'raspistill', rate: 30 }).success);
  t.false(camera.safeParse({ kind: 'rtsp', url: 'rtsp://a/b', exposure: 1000 }).success);
});

test('a password in the address is refused, and so is one without a name', (t) => {
  t.false(camera.safeParse({ kind: 'rtsp', url: 'rtsp://admin:secret@10.0.0.5/1' }).success);
  t.false(camera.safeParse({ kind: 'rtsp', url: 'http://10.0.0.5/1' }).success);
  t.false(camera.safeParse({ kind: 'rtsp', url: 'rtsp://10.0.0.5/1', passwordFile: 'p' }).success);
  t.true(
    camera.safeParse({ kind: 'rtsp', url: 'rtsp://10.0.0.5:554/1?a=b', user: 'admin', passwordFile: 'p' }).success,
  );
});

test('what would reach a shell or another device is refused', (t) => {
  t.false(camera.safeParse({ kind: 'v4l2', device: '/etc/passwd' }).success);
  t.false(camera.safeParse({ kind: 'v4l2', device: '/dev/video0 -f lavfi' }).success);
  t.true(camera.safeParse({ kind: 'v4l2', device: '/dev/v4l/by-id/usb-046d_C920-video-index0' }).success);
});

test('bare pictures need rows that are not padded, and every region is inside the picture', (t) => {
  t.false(camera.safeParse({ kind: 'rpicam-vid', codec: 'yuv420', width: 1000 }).success);
  t.true(camera.safeParse({ kind: 'rpicam-vid', codec: 'yuv420', width: 1280 }).success);
  t.false(camera.safeParse({ kind: 'argus', codec: 'i420', width: 1276 }).success);
  t.true(camera.safeParse({ kind: 'argus', codec: 'jpeg', width: 1276 }).success);
  t.true(camera.safeParse({ kind: 'rpicam-vid', roi: [0.25, 0.25, 0.5, 0.5] }).success);
  t.false(camera.safeParse({ kind: 'rpicam-vid', roi: [0.75, 0.25, 0.5, 0.5] }).success);
});

test('every field says what it means and when a new value takes effect', (t) => {
  const fields = referenceOf(camera);
  t.true(fields.length > 20);
  for (const { path, says, apply, unit, type } of fields) {
    t.not(says, '', path);
    t.true((applies as readonly (string | undefined)[]).includes(apply), path);
    if (/number/.test(type) && /[a-z]S$/.test(path)) t.is(unit, 's', path);
    if (/Ms$/.test(path)) t.is(unit, 'ms', path);
  }
});
