import type { CameraProgram, Complaint } from './camera-program.ts';
import type { Flip, RpicamStillSettings, RpicamVidSettings } from './camera-settings.ts';
import { arrivalStamps, stampsOf } from './capture-clock.ts';

/*
 * Flags as rpicam-apps states them: https://www.raspberrypi.com/documentation/computers/camera_software.html ("Common options",
 * "Video options", "Still options") and core/options.cpp, core/video_options.hpp, core/still_options.hpp of
 * https://github.com/raspberrypi/rpicam-apps. The programs were named libcamera-... before 2024 and take the same flags.
 */

/** Flags that the programs share. */
function commonArgs(settings: RpicamVidSettings | RpicamStillSettings): string[] {
  const { index, width, height, exposure, exposureMode, gain, awb, focus, flip, roi } = settings;
  return [
    ...['--camera', String(index), '--width', String(width), '--height', String(height), '--nopreview'],
    ...(exposure === 'auto' ? [] : ['--shutter', `${exposure}us`]),
    ...(gain === 'auto' ? [] : ['--gain', String(gain)]),
    ...['--exposure', exposureMode, '--awb', awb],
    ...focusArgs(focus),
    ...flipArgs(flip),
    ...(roi === undefined ? [] : ['--roi', roi.join(',')]),
  ];
}

function focusArgs(focus: RpicamVidSettings['focus']): string[] {
  if (focus === undefined) return [];
  if (typeof focus === 'string') return ['--autofocus-mode', focus];
  return ['--autofocus-mode', 'manual', '--lens-position', String(focus)];
}

function flipArgs(flip: Flip): string[] {
  const horizontal = flip === 'horizontal' || flip === 'both' ? ['--hflip'] : [];
  const vertical = flip === 'vertical' || flip === 'both' ? ['--vflip'] : [];
  return [...horizontal, ...vertical];
}

/**
 * Arguments of rpicam-vid. `notes`: where it writes what it knows of each frame. `--metadata` and not `--save-pts`: the file of
 * `--save-pts` counts from the first frame (output/output.cpp), so the moment of every frame would be off by however late the first one
 * arrived; metadata states SensorTimestamp itself. `--flush` sends each picture when it is whole.
 */
export function rpicamVidArgs(settings: RpicamVidSettings, notes: string): string[] {
  const { codec, quality, rate } = settings;
  return [
    ...['--timeout', '0', '--codec', codec],
    ...(codec === 'mjpeg' ? ['--quality', String(quality)] : []),
    ...commonArgs(settings),
    ...['--framerate', String(rate), '--flush', '--metadata', notes, '--metadata-format', 'txt', '--output', '-'],
  ];
}

/**
 * Arguments of rpicam-still for one picture. Each picture is a program's run: with `--timelapse` or `--signal` a picture on the standard
 * output is not flushed, so its end comes with the next one only (image/jpeg.cpp). Where exposure and gain are set there is nothing to
 * wait for, and `--immediate` leaves the preview phase out; a timeout of 0 would never end it.
 */
export function rpicamStillArgs(settings: RpicamStillSettings): string[] {
  const { settleMs, quality, exposure, gain } = settings;
  const settled = settleMs === 0 || (exposure !== 'auto' && gain !== 'auto');
  return [
    ...(settled ? ['--immediate'] : ['--timeout', `${settleMs}ms`]),
    ...commonArgs(settings),
    ...['--encoding', 'jpg', '--quality', String(quality), '--thumb', 'none', '--output', '-'],
  ];
}

const install =
  'Install it (on Raspberry Pi OS: apt-get install rpicam-apps-lite), or name it in source.camera.program.';

/** Messages of core/rpicam_app.cpp, core/options.cpp and boost::program_options, and of libcamera below them. */
export const rpicamComplaints: readonly Complaint[] = [
  {
    says: /no cameras available|selected camera is not available/i,
    code: 'camera-unavailable',
    reason: 'the machine sees no such camera',
    hint: 'Switch off, seat the ribbon cable at both ends, and look at what rpicam-hello --list-cameras finds.',
  },
  {
    says: /failed to acquire camera|pipeline handler in use|device or resource busy/i,
    code: 'camera-unavailable',
    reason: 'another program has the camera',
    hint: 'End the program that uses it: fuser -v /dev/video* /dev/media* names it.',
  },
  {
    says: /permission denied/i,
    code: 'camera-unavailable',
    reason: 'this user may not open the camera',
    hint: 'Put the user that runs this program into the group video: usermod -aG video USER, then start anew.',
  },
  {
    says: /legacy camera stack/i,
    code: 'program-missing',
    reason: 'the system is set up for the legacy camera stack',
    hint: 'Remove start_x=1 from /boot/firmware/config.txt, or set source.camera.kind to raspistill.',
  },
  {
    says: /unrecognised option|unrecognized option|the argument .* for option .* is invalid|invalid (exposure|awb|afmode)/i,
    code: 'config-invalid',
    reason: 'the program does not take a flag that it was given',
    hint: 'Install rpicam-apps 1.1 or later: what the flags need stands in it.',
  },
  {
    says: /device timeout detected|camera frontend has timed out/i,
    code: 'camera-unavailable',
    reason: 'the sensor stopped sending pictures',
    hint: 'Seat the ribbon cable at both ends; keep it away from the aerial and the power supply.',
  },
];

/** Names of a program of rpicam-apps, the legacy one last. */
const commandsOf = (own: string | undefined, what: 'vid' | 'still'): string[] =>
  own === undefined ? [`rpicam-${what}`, `libcamera-${what}`] : [own];

/** The camera as a stream of pictures. */
export function rpicamVid(settings: RpicamVidSettings): CameraProgram {
  const { width, height, codec, index, program } = settings;
  return {
    name: `camera ${index} (rpicam-vid)`,
    commands: commandsOf(program, 'vid'),
    install,
    args: (notes) => rpicamVidArgs(settings, notes),
    before: [],
    // Both encoders are given pictures in the colours of JPEG, whose range is full (get_colourspace_flags, apps/rpicam_vid.cpp).
    pictures:
      codec === 'mjpeg' ? { from: 'stdout', format: 'mjpeg' } : { from: 'stdout', format: 'yuv420p', range: 'full' },
    notes: { from: 'fifo', words: 'metadata' },
    stamps: stampsOf.libcamera,
    size: { width, height },
    complaints: rpicamComplaints,
    secrets: [],
  };
}

/** One picture. */
export function rpicamStill(settings: RpicamStillSettings): CameraProgram {
  const { width, height, index, program, intervalS } = settings;
  return {
    name: `camera ${index} (rpicam-still)`,
    commands: commandsOf(program, 'still'),
    install,
    args: () => rpicamStillArgs(settings),
    before: [],
    pictures: { from: 'stdout', format: 'mjpeg' },
    notes: { from: 'nowhere' },
    stamps: arrivalStamps(1 / intervalS),
    size: { width, height },
    complaints: rpicamComplaints,
    secrets: [],
  };
}
