import type { CameraProgram, Complaint } from './camera-program.ts';
import type { ArgusSettings, Flip } from './camera-settings.ts';
import { stampsOf } from './capture-clock.ts';

/*
 * Elements and properties as NVIDIA's Jetson Linux Developer Guide ("Accelerated GStreamer", "Camera Software Development Solution") and
 * gst-inspect-1.0 nvarguscamerasrc state them; identity and fdsink: https://gstreamer.freedesktop.org/documentation/coreelements/.
 */

/** `flip-method` of nvvidconv. */
const flipMethod: Readonly<Record<Flip, number>> = { none: 0, both: 2, horizontal: 4, vertical: 6 };

/**
 * Arguments of gst-launch-1.0. The pictures leave through descriptor 3, since `-v` prints what `identity` notes of each one, its time
 * among it, on the standard output.
 */
export function argusArgs({
  sensor,
  codec,
  quality,
  width,
  height,
  rate,
  exposure,
  gain,
  flip,
}: ArgusSettings): string[] {
  const source = [
    'nvarguscamerasrc',
    `sensor-id=${sensor}`,
    // Nanoseconds, from and to.
    ...(exposure === 'auto' ? [] : [`exposuretimerange=${exposure * 1000} ${exposure * 1000}`]),
    ...(gain === 'auto' ? [] : [`gainrange=${gain} ${gain}`, 'ispdigitalgainrange=1 1']),
  ];
  const sensed = `video/x-raw(memory:NVMM),width=${width},height=${height},framerate=${fraction(rate)},format=NV12`;
  const encoder = codec === 'jpeg' ? ['!', 'nvjpegenc', `quality=${quality}`] : [];
  return [
    '-v',
    ...source,
    ...['!', sensed, '!', 'nvvidconv', `flip-method=${flipMethod[flip]}`, '!', 'video/x-raw,format=I420'],
    ...encoder,
    ...['!', 'identity', 'name=stamps', 'silent=false', '!', 'fdsink', 'fd=3', 'sync=false'],
  ];
}

/** A rate as GStreamer writes it: 30/1, 29970/1000. */
function fraction(rate: number): string {
  return Number.isInteger(rate) ? `${rate}/1` : `${Math.round(rate * 1000)}/1000`;
}

/** Messages of libgstnvarguscamera, of libargus below it, and of gst-launch-1.0. */
export const argusComplaints: readonly Complaint[] = [
  {
    says: /no cameras available|invalid camera device specified/i,
    code: 'camera-unavailable',
    reason: 'the machine sees no such sensor',
    hint: 'Switch off, seat the ribbon cable, and check that the device tree names this sensor (jetson-io.py).',
  },
  {
    says: /failed to create capturesession|connecting to nvargus-daemon failed|connection refused/i,
    code: 'camera-unavailable',
    reason: 'the camera service does not answer, or another program has the sensor',
    hint: 'Restart it: systemctl restart nvargus-daemon.',
  },
  {
    says: /no element "nv/i,
    code: 'program-missing',
    reason: "NVIDIA's elements for GStreamer are not installed",
    hint: 'Install nvidia-l4t-gstreamer and nvidia-l4t-camera from the Jetson packages.',
  },
  {
    says: /could not link|no property "|erroneous pipeline/i,
    code: 'config-invalid',
    reason: 'the sensor has no such mode or the element no such property',
    hint: 'Set source.camera.width, height and rate to a mode that the sensor lists when it is started.',
  },
  {
    says: /permission denied/i,
    code: 'camera-unavailable',
    reason: 'this user may not open the camera',
    hint: 'Put the user that runs this program into the group video: usermod -aG video USER, then start anew.',
  },
  {
    says: /argus_status_timeout|timeout!|error generated/i,
    code: 'camera-unavailable',
    reason: 'the sensor stopped sending pictures',
    hint: 'Seat the ribbon cable; if it happens again, restart nvargus-daemon.',
  },
];

/** The camera of a Jetson, through its image processor. */
export function argus(settings: ArgusSettings): CameraProgram {
  const { sensor, codec, width, height } = settings;
  return {
    name: `sensor ${sensor} (nvarguscamerasrc)`,
    commands: ['gst-launch-1.0'],
    install: 'Install it (on the Jetson: apt-get install gstreamer1.0-tools nvidia-l4t-gstreamer).',
    args: () => argusArgs(settings),
    before: [],
    pictures:
      codec === 'jpeg' ? { from: 'extra', format: 'mjpeg' } : { from: 'extra', format: 'yuv420p', range: 'limited' },
    notes: { from: 'stdout', words: 'identity' },
    stamps: stampsOf.argus,
    size: { width, height },
    complaints: argusComplaints,
    secrets: [],
  };
}
