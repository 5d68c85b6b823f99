import { milliseconds } from '../../kernel/units.ts';
import type { CameraProgram, Command, Complaint, NoteSource, PictureStream } from './camera-program.ts';
import type { RtspSettings, V4l2Settings } from './camera-settings.ts';
import { stampsOf } from './capture-clock.ts';

/*
 * Options as ffmpeg states them: https://ffmpeg.org/ffmpeg-devices.html#video4linux2_002c-v4l2, https://ffmpeg.org/ffmpeg-protocols.html#rtsp,
 * https://ffmpeg.org/ffmpeg-formats.html#framecrc-1, https://ffmpeg.org/ffmpeg-filters.html#showinfo; those of version 5.1, which
 * Debian 12 has, and later.
 */

const quiet = ['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'level+info'];

/** What leaves ffmpeg, and where its times stand. */
interface Output {
  readonly args: readonly string[];
  readonly pictures: PictureStream;
  readonly notes: NoteSource;
}

/**
 * The camera's own JPEG pictures, untouched, and beside them a line for each with its time and size (`framecrc`): nothing is decoded,
 * and the pictures are fit to be evidence.
 */
const copied: Output = {
  args: [
    ...['-map', '0:v:0', '-c:v', 'copy', '-f', 'mjpeg', '-flush_packets', '1', 'pipe:1'],
    ...['-map', '0:v:0', '-c:v', 'copy', '-f', 'framecrc', '-flush_packets', '1', 'pipe:3'],
  ],
  pictures: { from: 'stdout', format: 'mjpeg' },
  notes: { from: 'extra', words: 'framecrc' },
};

/** Bare pixels; `showinfo` states each picture's time before it leaves. */
const decoded: Output = {
  args: [
    ...['-map', '0:v:0', '-fps_mode', 'passthrough', '-vf', 'format=yuv420p,showinfo=checksum=0'],
    ...['-f', 'rawvideo', '-flush_packets', '1', 'pipe:1'],
  ],
  pictures: { from: 'stdout', format: 'yuv420p', range: 'limited' },
  notes: { from: 'stderr', words: 'showinfo' },
};

/**
 * Arguments of ffmpeg for a V4L2 device. `-ts default` with `-copyts` hands on the driver's stamps as they are; `abs` and `mono2abs`
 * would turn them into dates by the clock of that moment, and a clock that is set then would tear the intervals.
 */
export function v4l2Args({ device, format, rate, width, height }: V4l2Settings): string[] {
  return [
    ...quiet,
    ...['-copyts', '-fflags', 'nobuffer', '-analyzeduration', '0'],
    ...['-f', 'v4l2', '-ts', 'default', '-input_format', format, '-framerate', String(rate)],
    ...['-video_size', `${width}x${height}`, '-i', device],
    ...(format === 'mjpeg' ? copied : decoded).args,
  ];
}

/**
 * Settings of the device, by v4l2-ctl. Names and values of the kernel's camera class since 5.16
 * (https://docs.kernel.org/userspace-api/media/v4l/ext-ctrls-camera.html): `auto_exposure` 1 manual, 3 aperture priority;
 * `exposure_time_absolute` in 100 microseconds.
 */
export function v4l2Controls({ device, exposure, gain, focus, flip }: V4l2Settings): readonly Command[] {
  const controls = [
    ...(exposure === 'auto'
      ? []
      : ['auto_exposure=1', `exposure_time_absolute=${Math.max(1, Math.round(exposure / 100))}`]),
    ...(gain === 'auto' ? [] : ['gain_automatic=0', `gain=${gain}`]),
    ...(focus === undefined ? [] : focus === 'continuous' ? ['focus_automatic_continuous=1'] : focusSteps(focus)),
    ...(flip === 'horizontal' || flip === 'both' ? ['horizontal_flip=1'] : []),
    ...(flip === 'vertical' || flip === 'both' ? ['vertical_flip=1'] : []),
  ];
  // One call for each, in order: a device refuses a manual value while its automatic is on, or lets the automatic win.
  return controls.map((control) => ({
    command: 'v4l2-ctl',
    args: ['--device', device, '--set-ctrl', control],
    optional: /_automatic(_continuous)?=0$/.test(control),
  }));
}

const focusSteps = (steps: number): string[] => ['focus_automatic_continuous=0', `focus_absolute=${steps}`];

/** Arguments of ffmpeg for a network camera. `address`: the URL, with name and password where there are any. */
export function rtspArgs({ transport, pictures, stallS }: RtspSettings, address: string): string[] {
  return [
    ...quiet,
    // What the stream is stands in its description; ffmpeg would watch it for a second more to guess its rate.
    ...['-fpsprobesize', '0', '-analyzeduration', '1000000'],
    ...['-fflags', 'nobuffer', '-flags', 'low_delay', '-rtsp_transport', transport, '-allowed_media_types', 'video'],
    // Microseconds that the socket may be silent; the camera is started anew before that by whoever waits for its pictures.
    ...['-timeout', String(Math.round(2e6 * stallS)), '-i', address],
    ...(pictures === 'jpeg' ? copied : decoded).args,
  ];
}

const install = 'Install it (on Debian: apt-get install ffmpeg v4l-utils).';

/** Messages of libavdevice/v4l2.c, libavformat/rtsp.c and the C library. */
export const v4l2Complaints: readonly Complaint[] = [
  {
    says: /no such file or directory|no such device/i,
    code: 'camera-unavailable',
    reason: 'there is no such device',
    hint: 'Plug the camera in; v4l2-ctl --list-devices names what is there. A path under /dev/v4l/by-id stays the same over restarts.',
  },
  {
    says: /device or resource busy/i,
    code: 'camera-unavailable',
    reason: 'another program has the camera',
    hint: 'End the program that uses it: fuser -v names it.',
  },
  {
    says: /permission denied/i,
    code: 'camera-unavailable',
    reason: 'this user may not open the camera',
    hint: 'Put the user that runs this program into the group video: usermod -aG video USER, then start anew.',
  },
  {
    says: /the v4l2 driver changed the video from/i,
    code: 'scene-mismatch',
    reason: 'the device does not give pictures of this size',
    hint: 'Set source.camera.width and height to a size that v4l2-ctl --list-formats-ext names.',
  },
  {
    says: /cannot find a proper format|unknown (control|option)|not a video capture device/i,
    code: 'config-invalid',
    reason: 'the device does not know this format or setting',
    hint: 'Look at what v4l2-ctl --list-formats-ext and --list-ctrls name, and correct source.camera.',
  },
  {
    says: /input\/output error|vidioc_dqbuf|vidioc_qbuf/i,
    code: 'camera-unavailable',
    reason: 'the device stopped in the middle',
    hint: 'Check its cable and its supply: USB cameras drop out when the supply sags.',
  },
];

export const rtspComplaints: readonly Complaint[] = [
  {
    says: /401 unauthorized|authorization failed|403 forbidden/i,
    code: 'camera-unavailable',
    reason: 'the camera refuses name or password',
    hint: 'Correct source.camera.user and the file that source.camera.passwordFile names; some cameras shut out after a few wrong ones.',
  },
  {
    says: /404 not found|454 session|stream not found/i,
    code: 'camera-unavailable',
    reason: 'the camera has no such stream',
    hint: "Correct the path in source.camera.url: the camera's manual names it.",
  },
  {
    says: /no route to host|network is unreachable/i,
    code: 'camera-unavailable',
    reason: 'there is no way to the camera',
    hint: 'Check the cable, the switch and the address in source.camera.url.',
  },
  {
    says: /connection refused/i,
    code: 'camera-unavailable',
    reason: 'nothing listens at this address',
    hint: 'Check the port in source.camera.url (554 for most cameras), and that RTSP is switched on.',
  },
  {
    says: /connection timed out|operation timed out|name or service not known|failed to resolve/i,
    code: 'camera-unavailable',
    reason: 'the camera does not answer',
    hint: 'Check its supply, the cable and the address in source.camera.url.',
  },
];

/** A camera on USB, or any other that the kernel shows as a V4L2 device. */
export function v4l2(settings: V4l2Settings, ffmpeg = 'ffmpeg'): CameraProgram {
  const { device, format, width, height, rate } = settings;
  const { pictures, notes } = format === 'mjpeg' ? copied : decoded;
  return {
    name: device,
    commands: [ffmpeg],
    install,
    args: () => v4l2Args(settings),
    before: v4l2Controls(settings),
    pictures,
    notes,
    stamps: { ...stampsOf.v4l2, ahead: milliseconds(1000 / rate) },
    size: { width, height },
    complaints: v4l2Complaints,
    secrets: [],
  };
}

/**
 * A network camera. Its times are those of RTP, set among the arrivals here: what a camera's own clock says in RTCP (RFC 3550, 6.4.1)
 * ffmpeg's command line does not tell, and a camera's date is nobody's evidence.
 */
export function rtsp(settings: RtspSettings, password: string | undefined, ffmpeg = 'ffmpeg'): CameraProgram {
  const { url, user, width, height } = settings;
  const { pictures, notes } = settings.pictures === 'jpeg' ? copied : decoded;
  const secrets = [user, password].flatMap((text) => (text ? [text, encodeURIComponent(text)] : []));
  return {
    name: url,
    commands: [ffmpeg],
    install,
    args: () => rtspArgs(settings, addressOf(url, user, password)),
    before: [],
    pictures,
    notes,
    stamps: stampsOf.rtp,
    size: { width, height },
    complaints: rtspComplaints,
    secrets: [...new Set(secrets)],
  };
}

/** RFC 3986, 3.2.1: name and password stand before the host. */
function addressOf(url: string, user: string | undefined, password: string | undefined): string {
  if (user === undefined) return url;
  const who =
    password === undefined ? encodeURIComponent(user) : `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
  return url.replace('://', `://${who}@`);
}
