/**
 * What a live camera can be told. The shape that `source.camera` of the configuration has once it is checked and its defaults stand
 * in it; bounds and documentation are there (`device/config/camera-section.ts`).
 */

/** `auto`: the camera decides; a number: microseconds that every picture is exposed. */
export type Exposure = 'auto' | number;
/** `auto`: the camera decides; a number: its factor, 1 for none. */
export type Gain = 'auto' | number;
export type Flip = 'none' | 'horizontal' | 'vertical' | 'both';

interface Common {
  /** Pixels of the pictures. A camera that gives others is refused: the scene was measured in these. */
  readonly width: number;
  readonly height: number;
  /** Seconds that the first picture may take, and that any later one may take after the one before. */
  readonly startS: number;
  readonly stallS: number;
}

interface Video extends Common {
  /** Pictures a second. */
  readonly rate: number;
}

interface Lens {
  readonly exposure: Exposure;
  readonly gain: Gain;
  readonly flip: Flip;
}

export type WhiteBalance = 'auto' | 'incandescent' | 'tungsten' | 'fluorescent' | 'indoor' | 'daylight' | 'cloudy';
/** Left edge, top edge, width and height of the part of the sensor that is read, each from 0 to 1. */
export type Region = readonly [number, number, number, number];

interface Libcamera extends Lens {
  /** Number of the camera, as `--list-cameras` counts. */
  readonly index: number;
  /** `sport` prefers a short exposure and a high gain, which keeps plates of moving vehicles legible. */
  readonly exposureMode: 'normal' | 'sport';
  readonly awb: WhiteBalance;
  /** `auto` once at the start, `continuous`, or dioptres (1 / metres, 0 is infinity); undefined: the lens is not touched. */
  readonly focus?: 'auto' | 'continuous' | number | undefined;
  readonly roi?: Region | undefined;
  /** Quality of the JPEG pictures, 1 to 100. */
  readonly quality: number;
  /** Name or path of the program; undefined: `rpicam-...`, or `libcamera-...` where only that is installed. */
  readonly program?: string | undefined;
}

export interface RpicamVidSettings extends Video, Libcamera {
  readonly kind: 'rpicam-vid';
  readonly codec: 'mjpeg' | 'yuv420';
}

/** Cameras that take one picture at a time. */
interface Stills extends Common {
  /** Seconds from one picture to the next. */
  readonly intervalS: number;
  /** Milliseconds in which the camera finds its exposure before each picture. */
  readonly settleMs: number;
}

export interface RpicamStillSettings extends Stills, Libcamera {
  readonly kind: 'rpicam-still';
}

export interface RaspistillSettings extends Stills, Lens {
  readonly kind: 'raspistill';
  readonly quality: number;
}

export interface V4l2Settings extends Video, Lens {
  readonly kind: 'v4l2';
  readonly device: string;
  /** What the device is asked for. `mjpeg` keeps the camera's own pictures as evidence; `yuyv422` gives bare pixels. */
  readonly format: 'mjpeg' | 'yuyv422';
  /** `continuous`, or the steps that this device counts in; undefined: not touched. */
  readonly focus?: 'continuous' | number | undefined;
}

export interface RtspSettings extends Video {
  readonly kind: 'rtsp';
  /** Without name and password. */
  readonly url: string;
  readonly user?: string | undefined;
  /** File whose first line is the password. */
  readonly passwordFile?: string | undefined;
  readonly transport: 'tcp' | 'udp';
  /** `jpeg`: the camera sends Motion JPEG, whose pictures are kept as they are. `decoded`: H.264, H.265 and all others. */
  readonly pictures: 'decoded' | 'jpeg';
}

export interface ArgusSettings extends Video, Lens {
  readonly kind: 'argus';
  /** Number of the sensor. */
  readonly sensor: number;
  readonly codec: 'jpeg' | 'i420';
  readonly quality: number;
}

export type CameraSettings =
  | RpicamVidSettings
  | RpicamStillSettings
  | RaspistillSettings
  | V4l2Settings
  | RtspSettings
  | ArgusSettings;
