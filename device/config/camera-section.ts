import { z } from 'zod';
import { atUnit, restart } from './apply.ts';

/** `source.camera`: a live camera. Each kind is a program or a driver of its own, and takes what that one can do. */

const size = {
  width: z
    .int()
    .min(64)
    .max(8192)
    .multipleOf(2)
    .default(1280)
    .meta(restart('Width of the pictures in pixels. A camera that gives another one is refused.')),
  height: z
    .int()
    .min(64)
    .max(8192)
    .multipleOf(2)
    .default(720)
    .meta(restart('Height of the pictures in pixels. A camera that gives another one is refused.')),
};

const rate = z.number().min(0.5).max(240).default(30).meta(restart('Pictures a second.', 'Hz'));

const patience = (startS: number, stallS: number) => ({
  startS: z
    .number()
    .min(1)
    .max(120)
    .default(startS)
    .meta(restart('Longest that the first picture may take; then the camera is started anew.', 's')),
  stallS: z
    .number()
    .min(0.5)
    .max(60)
    .default(stallS)
    .meta(restart('Longest that any later picture may take; then the camera is started anew.', 's')),
});

const lens = {
  exposure: z
    .union([z.literal('auto'), z.int().min(10).max(10_000_000)])
    .default('auto')
    .meta(
      restart(
        '`auto`, or the time for which each picture is exposed, in microseconds. A plate at 50 km/h and 20 m stays sharp below about 1000.',
      ),
    ),
  gain: z
    .union([z.literal('auto'), z.number().min(0).max(256)])
    .default('auto')
    .meta(restart('`auto`, or how much the sensor amplifies, 1 for none; for `v4l2` in the steps of the device.')),
  flip: z
    .enum(['none', 'horizontal', 'vertical', 'both'])
    .default('none')
    .meta(restart('How the picture is mirrored; `both` turns it by 180 degrees, for a camera that hangs upside down.')),
};

const quality = z
  .int()
  .min(30)
  .max(100)
  .default(85)
  .meta(restart('Quality of the JPEG pictures that become evidence: larger keeps more and takes more room.'));

const program = z
  .string()
  .min(1)
  .optional()
  .meta(
    atUnit(
      'Name or path of the program, where it is not `rpicam-...`, nor `libcamera-...` as it was called before 2024.',
    ),
  );

const libcamera = {
  ...lens,
  index: z
    .int()
    .min(0)
    .max(15)
    .default(0)
    .meta(atUnit('Number of the camera, as `rpicam-hello --list-cameras` counts.')),
  exposureMode: z
    .enum(['normal', 'sport'])
    .default('sport')
    .meta(
      restart(
        'What an automatic exposure prefers: `sport` is short, with more gain, so that moving plates stay legible.',
      ),
    ),
  awb: z
    .enum(['auto', 'incandescent', 'tungsten', 'fluorescent', 'indoor', 'daylight', 'cloudy'])
    .default('auto')
    .meta(restart('White balance.')),
  focus: z
    .union([z.enum(['auto', 'continuous']), z.number().min(0).max(32)])
    .optional()
    .meta(
      restart(
        '`auto` focuses once at the start, `continuous` always; a number sets the lens, in dioptres (1 / metres, 0 for infinity). Without it the lens is not touched, as for modules without one that moves.',
      ),
    ),
  roi: z
    .tuple([z.number().min(0).max(1), z.number().min(0).max(1), z.number().min(0).max(1), z.number().min(0).max(1)])
    .refine(([x, y, w, h]) => w > 0 && h > 0 && x + w <= 1 && y + h <= 1, 'is no part of the picture')
    .optional()
    .meta(restart('Part of the sensor that is read: left, top, width and height, each from 0 to 1.')),
  quality,
  program,
};

const stills = {
  intervalS: z
    .number()
    .min(1)
    .max(86_400)
    .default(10)
    .meta(restart('From one picture to the next. No speed follows from pictures so far apart.', 's')),
  settleMs: z
    .int()
    .min(0)
    .max(30_000)
    .default(1000)
    .meta(
      restart(
        'Time in which the camera finds its exposure before each picture; none is spent where both are set.',
        'ms',
      ),
    ),
};

const says = 'What kind of camera it is, and so which program reads it.';
const kind = <Name extends string>(name: Name) => z.literal(name).meta(atUnit(says));

const rpicamVid = z
  .strictObject({
    kind: kind('rpicam-vid'),
    ...size,
    rate,
    ...libcamera,
    codec: z
      .enum(['mjpeg', 'yuv420'])
      .default('mjpeg')
      .meta(
        restart(
          'What comes from the program: `mjpeg` gives the pictures that are kept as evidence; `yuv420` bare pixels, for widths that 64 divides.',
        ),
      ),
    ...patience(10, 3),
  })
  // The program writes the rows of bare pictures as the image processor aligns them.
  .refine(({ codec, width }) => codec === 'mjpeg' || width % 64 === 0, {
    path: ['width'],
    message: 'is not divided by 64, as `codec: yuv420` needs it',
  });

const rpicamStill = z.strictObject({
  kind: kind('rpicam-still'),
  ...size,
  ...libcamera,
  ...stills,
  ...patience(10, 3),
});

const raspistill = z.strictObject({
  kind: kind('raspistill'),
  ...size,
  ...lens,
  quality,
  ...stills,
  ...patience(10, 3),
});

const v4l2 = z.strictObject({
  kind: kind('v4l2'),
  device: z
    .string()
    .regex(/^\/dev\/[\w./:-]+$/, 'is no device such as /dev/video0')
    .default('/dev/video0')
    .meta(atUnit('The device. A path under `/dev/v4l/by-id` stays the same when cameras are plugged in anew.')),
  format: z
    .enum(['mjpeg', 'yuyv422'])
    .default('mjpeg')
    .meta(
      restart('What the device is asked for: `mjpeg` keeps its own pictures as evidence, `yuyv422` gives bare pixels.'),
    ),
  ...size,
  rate,
  ...lens,
  focus: z
    .union([z.literal('continuous'), z.int().min(0).max(65_535)])
    .optional()
    .meta(
      restart(
        '`continuous`, or where the lens stands, in the steps of the device. Without it the lens is not touched.',
      ),
    ),
  ...patience(10, 3),
});

const rtsp = z
  .strictObject({
    kind: kind('rtsp'),
    url: z
      .string()
      .regex(
        /^rtsps?:\/\/[^\s/@]+(\/\S*)?$/,
        'is no address such as rtsp://10.0.0.5:554/stream1, without name and password',
      )
      .meta(atUnit('Address of the stream, without name and password.')),
    user: z.string().min(1).max(200).optional().meta(atUnit('Name to show to the camera.')),
    passwordFile: z
      .string()
      .min(1)
      .optional()
      .meta(
        atUnit(
          'File whose first line is the password; it is read anew at every start of the camera. Relative paths start at the configuration file.',
        ),
      ),
    transport: z
      .enum(['tcp', 'udp'])
      .default('tcp')
      .meta(restart('How the pictures come. `udp` loses some on a bad network, which shows as damage.')),
    pictures: z
      .enum(['decoded', 'jpeg'])
      .default('decoded')
      .meta(
        restart(
          '`jpeg` for a camera that sends Motion JPEG, whose pictures are kept as they are; `decoded` for all others.',
        ),
      ),
    ...size,
    rate,
    ...patience(10, 3),
  })
  .refine(({ user, passwordFile }) => passwordFile === undefined || user !== undefined, {
    path: ['user'],
    message: 'is missing: a password goes with a name',
  });

const argus = z
  .strictObject({
    kind: kind('argus'),
    sensor: z.int().min(0).max(15).default(0).meta(atUnit('Number of the sensor (`sensor-id` of nvarguscamerasrc).')),
    codec: z
      .enum(['jpeg', 'i420'])
      .default('jpeg')
      .meta(
        restart(
          'What comes from the pipeline: `jpeg` gives the pictures that are kept as evidence; `i420` bare pixels.',
        ),
      ),
    ...size,
    rate,
    ...lens,
    quality,
    ...patience(15, 3),
  })
  // GStreamer pads the rows of the colour planes to four bytes.
  .refine(({ codec, width }) => codec === 'jpeg' || width % 8 === 0, {
    path: ['width'],
    message: 'is not divided by 8, as `codec: i420` needs it',
  });

export const camera = z.discriminatedUnion('kind', [rpicamVid, rpicamStill, raspistill, v4l2, rtsp, argus]);

export type CameraSection = z.infer<typeof camera>;
