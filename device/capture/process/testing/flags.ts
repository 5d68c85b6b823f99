/** The flags that the real programs take, written down once more and apart from the code that makes them. */

/** rpicam-apps: core/options.cpp. `true`: takes a value. */
const common: Readonly<Record<string, boolean>> = {
  ...{
    help: false,
    version: false,
    'list-cameras': false,
    camera: true,
    verbose: true,
    config: true,
    'info-text': true,
  },
  ...{
    width: true,
    height: true,
    timeout: true,
    output: true,
    'post-process-file': true,
    nopreview: false,
    preview: true,
  },
  ...{ fullscreen: false, 'qt-preview': false, hflip: false, vflip: false, rotation: true, roi: true, shutter: true },
  ...{
    analoggain: true,
    gain: true,
    metering: true,
    exposure: true,
    ev: true,
    awb: true,
    awbgains: true,
    flush: false,
  },
  ...{
    wrap: true,
    brightness: true,
    contrast: true,
    saturation: true,
    sharpness: true,
    framerate: true,
    denoise: true,
  },
  ...{
    'tuning-file': true,
    'lores-width': true,
    'lores-height': true,
    mode: true,
    'buffer-count': true,
    'no-raw': false,
  },
  ...{ 'autofocus-mode': true, 'autofocus-range': true, 'autofocus-speed': true, 'autofocus-window': true },
  ...{ 'lens-position': true, hdr: true, metadata: true, 'metadata-format': true, 'flicker-period': true },
};
/** core/video_options.hpp and core/still_options.hpp. */
const own: Readonly<Record<'vid' | 'still', Readonly<Record<string, boolean>>>> = {
  vid: {
    ...{
      bitrate: true,
      profile: true,
      level: true,
      intra: true,
      inline: false,
      codec: true,
      'save-pts': true,
      quality: true,
    },
    ...{
      listen: false,
      keypress: false,
      signal: false,
      initial: true,
      split: false,
      segment: true,
      circular: true,
      frames: true,
    },
  },
  still: {
    ...{
      quality: true,
      exif: true,
      timelapse: true,
      framestart: true,
      datetime: false,
      timestamp: false,
      restart: true,
    },
    ...{ keypress: false, signal: false, thumb: true, encoding: true, raw: false, latest: true, immediate: false },
    ...{ 'autofocus-on-capture': false, zsl: false },
  },
};

const choices: Readonly<Record<string, { readonly of: readonly string[]; readonly says: (value: string) => string }>> =
  {
    exposure: { of: ['normal', 'sport', 'short', 'long', 'custom'], says: (v) => `Invalid exposure mode:${v}` },
    'autofocus-mode': { of: ['default', 'manual', 'auto', 'continuous'], says: (v) => `Invalid AfMode:${v}` },
    codec: { of: ['h264', 'libav', 'mjpeg', 'yuv420'], says: (v) => `Unrecognised codec ${v}` },
    'metadata-format': { of: ['json', 'txt'], says: (v) => `unrecognised metadata format ${v}` },
    awb: {
      of: ['auto', 'normal', 'incandescent', 'tungsten', 'fluorescent', 'indoor', 'daylight', 'cloudy', 'custom'],
      says: (v) => `Invalid AWB mode: ${v}`,
    },
  };
const durations = ['timeout', 'shutter', 'timelapse', 'flicker-period'];
const whole = ['camera', 'width', 'height', 'quality', 'frames'];
const decimal = ['gain', 'framerate', 'ev', 'lens-position'];

/** The flags by their names, or what the program says of the first that it does not take. */
export function checkRpicam(args: readonly string[], program: 'vid' | 'still'): Map<string, string> | string {
  const known = { ...common, ...own[program] };
  const found = new Map<string, string>();
  for (let at = 0; at < args.length; at += 1) {
    const flag = /^--([a-z0-9-]+)$/.exec(args[at] ?? '')?.[1];
    if (flag === undefined) return `too many positional options have been specified on the command line`;
    const valued = known[flag];
    if (valued === undefined) return `unrecognised option '--${flag}'`;
    if (found.has(flag)) return `option '--${flag}' cannot be specified more than once`;
    if (!valued) {
      found.set(flag, '');
      continue;
    }
    at += 1;
    const value = args[at];
    if (value === undefined || value.startsWith('--')) return `the required argument for option '--${flag}' is missing`;
    const invalid = `the argument ('${value}') for option '--${flag}' is invalid`;
    if (whole.includes(flag) && !/^\d+$/.test(value)) return invalid;
    if (decimal.includes(flag) && !/^-?\d+(\.\d+)?$/.test(value)) return invalid;
    if (durations.includes(flag) && !/^\d+(\.\d+)?(min|sec|s|ms|us|ns)?$/.test(value))
      return 'Invalid time string provided';
    const choice = choices[flag];
    if (choice !== undefined && !choice.of.includes(value)) return choice.says(value);
    found.set(flag, value);
  }
  return found;
}

/** RaspiStill.c and RaspiCamControl.c; `true`: takes a value. */
const raspistill: Readonly<Record<string, boolean>> = {
  ...{ '-w': true, '-h': true, '-q': true, '-o': true, '-t': true, '-th': true, '-e': true, '-tl': true, '-n': false },
  ...{ '-vf': false, '-hf': false, '-ISO': true, '-ss': true, '-co': true, '-br': true, '-sa': true, '-awb': true },
  ...{ '-awbg': true, '-rot': true, '-ex': true, '-fli': true, '-ifx': true, '-drc': true },
};

export function checkRaspistill(args: readonly string[]): Map<string, string> | string {
  const found = new Map<string, string>();
  for (let at = 0; at < args.length; at += 1) {
    const flag = args[at] ?? '';
    const valued = raspistill[flag];
    if (valued === undefined) return `Invalid command line option (${flag})`;
    if (valued) at += 1;
    if (valued && args[at] === undefined) return `Invalid command line option (${flag})`;
    found.set(flag, valued ? (args[at] ?? '') : '');
  }
  return found.get('-o') === '-' ? found : 'No output file name supplied';
}

/** Elements of the pipeline and their properties. */
const elements: Readonly<Record<string, readonly string[]>> = {
  nvarguscamerasrc: [
    'sensor-id',
    'sensor-mode',
    'exposuretimerange',
    'gainrange',
    'ispdigitalgainrange',
    'wbmode',
    'aelock',
  ],
  nvvidconv: ['flip-method'],
  nvjpegenc: ['quality'],
  identity: ['name', 'silent'],
  fdsink: ['fd', 'sync'],
};

export function checkGst(args: readonly string[]) {
  const [verbose, ...pipeline] = args;
  if (verbose !== '-v') return 'the notes of identity are printed with -v only';
  const parts = pipeline
    .join('\u0000')
    .split('\u0000!\u0000')
    .map((part) => part.split('\u0000'));
  let caps: { width: number; height: number; rate: number } | undefined;
  let jpeg = false;
  for (const [element = '', ...properties] of parts) {
    const sensed = /^video\/x-raw\(memory:NVMM\),width=(\d+),height=(\d+),framerate=(\d+)\/(\d+),format=NV12$/.exec(
      element,
    );
    if (sensed !== null) {
      caps = { width: Number(sensed[1]), height: Number(sensed[2]), rate: Number(sensed[3]) / Number(sensed[4]) };
      continue;
    }
    if (element === 'video/x-raw,format=I420') continue;
    const known = elements[element];
    if (known === undefined) return `WARNING: erroneous pipeline: no element "${element}"`;
    jpeg ||= element === 'nvjpegenc';
    for (const property of properties) {
      const name = property.split('=')[0] ?? '';
      if (!known.includes(name)) return `WARNING: erroneous pipeline: no property "${name}" in element "${element}"`;
    }
  }
  return caps === undefined ? 'WARNING: erroneous pipeline: could not link' : { ...caps, jpeg };
}

/** What ffmpeg is told of the device, and the rest of its arguments. */
export function takeV4l2Input(args: readonly string[]) {
  const from = args.indexOf('-f');
  const [f, format, ts, how, i, input, r, rate, s, size, at, device] = args.slice(from, from + 12);
  const fits =
    f === '-f' && format === 'v4l2' && ts === '-ts' && how === 'default' && i === '-input_format' && r === '-framerate';
  if (!fits || s !== '-video_size' || at !== '-i') return 'Unrecognized option of the device';
  if (input !== 'mjpeg' && input !== 'yuyv422') return `[video4linux2,v4l2 @ 0x1] No such input format: ${input}.`;
  if (!/^\d+x\d+$/.test(size ?? '')) return `Unable to parse option value "${size}" as image size`;
  if (device?.includes('nowhere')) {
    return `[video4linux2,v4l2 @ 0x1] [error] Cannot open video device ${device}: No such file or directory`;
  }
  return { before: args.slice(0, from), after: args.slice(from + 12), rate: Number(rate) };
}

/** v4l2-ctl of v4l-utils; undefined where it would do what it is told. */
export function checkV4l2Ctl(args: readonly string[]): string | undefined {
  const [d, device, set, control = ''] = args;
  if (d !== '--device' || !device?.startsWith('/dev/') || set !== '--set-ctrl') return 'Unknown argument';
  const [name = '', value = ''] = control.split('=');
  const known = ['auto_exposure', 'exposure_time_absolute', 'gain', 'focus_automatic_continuous', 'focus_absolute'];
  if (![...known, 'horizontal_flip', 'vertical_flip'].includes(name)) return `unknown control '${name}'`;
  return /^\d+$/.test(value) ? undefined : `control value '${value}' is no number`;
}
