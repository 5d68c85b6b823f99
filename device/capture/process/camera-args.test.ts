import test from 'ava';
import { argusArgs } from './argus-program.ts';
import type {
  ArgusSettings,
  RaspistillSettings,
  RpicamStillSettings,
  RpicamVidSettings,
  RtspSettings,
  V4l2Settings,
} from './camera-settings.ts';
import { rtsp, rtspArgs, v4l2Args, v4l2Controls } from './ffmpeg-program.ts';
import { raspistillOptions } from './raspistill-program.ts';
import { rpicamStillArgs, rpicamVidArgs } from './rpicam-program.ts';
import { checkGst, checkRpicam, checkV4l2Ctl, takeV4l2Input } from './testing/flags.ts';

const size = { width: 1280, height: 720, startS: 10, stallS: 3 } as const;
const lens = { exposure: 'auto', gain: 'auto', flip: 'none' } as const;
const libcamera = { ...lens, index: 0, exposureMode: 'sport', awb: 'auto', quality: 85 } as const;
const vid: RpicamVidSettings = { kind: 'rpicam-vid', ...size, rate: 30, ...libcamera, codec: 'mjpeg' };
const still: RpicamStillSettings = { kind: 'rpicam-still', ...size, ...libcamera, intervalS: 10, settleMs: 1000 };
const usb: V4l2Settings = { kind: 'v4l2', ...size, rate: 30, ...lens, device: '/dev/video0', format: 'mjpeg' };
const net: RtspSettings = {
  kind: 'rtsp',
  ...size,
  rate: 25,
  url: 'rtsp://10.0.0.5/1',
  transport: 'tcp',
  pictures: 'decoded',
};
const jetson: ArgusSettings = { kind: 'argus', ...size, rate: 30, ...lens, sensor: 1, codec: 'jpeg', quality: 90 };

const words = (text: string): string[] => text.split(' ');

test('rpicam-vid: what it leaves to the camera, and everything set', (t) => {
  t.deepEqual(
    rpicamVidArgs(vid, '/run/notes'),
    words(
      '--timeout 0 --codec mjpeg --quality 85 --camera 0 --width 1280 --height 720 --nopreview --exposure sport --awb auto --framerate 30 --flush --metadata /run/notes --metadata-format txt --output -',
    ),
  );
  const all: RpicamVidSettings = {
    ...vid,
    ...{ codec: 'yuv420', index: 1, exposure: 800, gain: 2.5, flip: 'both', focus: 0.2, exposureMode: 'normal' },
    ...{ awb: 'daylight', roi: [0.25, 0.25, 0.5, 0.5], rate: 25.5 },
  };
  t.deepEqual(
    rpicamVidArgs(all, '/run/notes'),
    words(
      '--timeout 0 --codec yuv420 --camera 1 --width 1280 --height 720 --nopreview --shutter 800us --gain 2.5 --exposure normal --awb daylight --autofocus-mode manual --lens-position 0.2 --hflip --vflip --roi 0.25,0.25,0.5,0.5 --framerate 25.5 --flush --metadata /run/notes --metadata-format txt --output -',
    ),
  );
  t.true(checkRpicam(rpicamVidArgs(all, 'n'), 'vid') instanceof Map);
  t.true(
    rpicamVidArgs({ ...vid, focus: 'continuous', flip: 'vertical' }, 'n')
      .join(' ')
      .includes('--autofocus-mode continuous --vflip --framerate'),
  );
});

test('rpicam-still: waits for its exposure only where it is automatic', (t) => {
  t.deepEqual(
    rpicamStillArgs(still),
    words(
      '--timeout 1000ms --camera 0 --width 1280 --height 720 --nopreview --exposure sport --awb auto --encoding jpg --quality 85 --thumb none --output -',
    ),
  );
  const set = rpicamStillArgs({ ...still, exposure: 1000, gain: 1 });
  t.deepEqual(set.slice(0, 1), ['--immediate']);
  t.true(checkRpicam(set, 'still') instanceof Map);
  t.is(checkRpicam([...set, '--codec', 'mjpeg'], 'still'), "unrecognised option '--codec'");
});

test('raspistill: what node-raspistill is told', (t) => {
  const settings: RaspistillSettings = {
    kind: 'raspistill',
    ...size,
    ...lens,
    quality: 85,
    intervalS: 10,
    settleMs: 500,
  };
  const common = {
    noFileSave: true,
    noPreview: true,
    encoding: 'jpg',
    thumb: 'none',
    time: 500,
    width: 1280,
    height: 720,
    quality: 85,
  };
  t.deepEqual(raspistillOptions(settings) as object, { ...common, horizontalFlip: false, verticalFlip: false });
  t.deepEqual(raspistillOptions({ ...settings, exposure: 900, gain: 16, flip: 'horizontal' }) as object, {
    ...common,
    ...{ shutterspeed: 900, iso: 800, horizontalFlip: true, verticalFlip: false },
  });
});

test('V4L2: the pictures untouched with their times beside them, or pixels', (t) => {
  const head =
    '-hide_banner -nostdin -nostats -loglevel level+info -copyts -fflags nobuffer -analyzeduration 0 -f v4l2 -ts default';
  t.deepEqual(
    v4l2Args(usb),
    words(
      `${head} -input_format mjpeg -framerate 30 -video_size 1280x720 -i /dev/video0 -map 0:v:0 -c:v copy -f mjpeg -flush_packets 1 pipe:1 -map 0:v:0 -c:v copy -f framecrc -flush_packets 1 pipe:3`,
    ),
  );
  t.deepEqual(
    v4l2Args({ ...usb, format: 'yuyv422' }),
    words(
      `${head} -input_format yuyv422 -framerate 30 -video_size 1280x720 -i /dev/video0 -map 0:v:0 -fps_mode passthrough -vf format=yuv420p,showinfo=checksum=0 -f rawvideo -flush_packets 1 pipe:1`,
    ),
  );
  t.not(typeof takeV4l2Input(v4l2Args(usb)), 'string');
});

test('V4L2: the controls of the device, a manual value after its automatic is off', (t) => {
  t.deepEqual(v4l2Controls(usb), []);
  const controls = v4l2Controls({ ...usb, exposure: 1000, gain: 32, focus: 20, flip: 'vertical' });
  t.deepEqual(
    controls.map(({ args }) => args.at(-1)),
    [
      ...['auto_exposure=1', 'exposure_time_absolute=10', 'gain_automatic=0', 'gain=32'],
      ...['focus_automatic_continuous=0', 'focus_absolute=20', 'vertical_flip=1'],
    ],
  );
  for (const { args, optional } of controls) t.true(optional || checkV4l2Ctl(args) === undefined);
});

test('RTSP: name and password stand in the address alone, escaped, and are struck from whatever is said', (t) => {
  t.deepEqual(
    rtspArgs(net, 'rtsp://10.0.0.5/1'),
    words(
      '-hide_banner -nostdin -nostats -loglevel level+info -fpsprobesize 0 -analyzeduration 1000000 -fflags nobuffer -flags low_delay -rtsp_transport tcp -allowed_media_types video -timeout 6000000 -i rtsp://10.0.0.5/1 -map 0:v:0 -fps_mode passthrough -vf format=yuv420p,showinfo=checksum=0 -f rawvideo -flush_packets 1 pipe:1',
    ),
  );
  const program = rtsp({ ...net, user: 'admin' }, 'p@ss/word');
  t.true(program.args('').includes('rtsp://admin:p%40ss%2Fword@10.0.0.5/1'));
  t.is(program.name, 'rtsp://10.0.0.5/1');
  t.deepEqual([...program.secrets].sort(), ['admin', 'p%40ss%2Fword', 'p@ss/word']);
});

test('nvarguscamerasrc: pictures through descriptor 3, notes on the standard output', (t) => {
  t.deepEqual(argusArgs(jetson), [
    ...words(
      '-v nvarguscamerasrc sensor-id=1 ! video/x-raw(memory:NVMM),width=1280,height=720,framerate=30/1,format=NV12 !',
    ),
    ...words(
      'nvvidconv flip-method=0 ! video/x-raw,format=I420 ! nvjpegenc quality=90 ! identity name=stamps silent=false !',
    ),
    ...words('fdsink fd=3 sync=false'),
  ]);
  const set = argusArgs({ ...jetson, codec: 'i420', exposure: 800, gain: 4, flip: 'both', rate: 29.97 });
  t.true(
    set.includes('exposuretimerange=800000 800000') && set.includes('gainrange=4 4') && set.includes('flip-method=2'),
  );
  t.true(set.some((arg) => arg.includes('framerate=29970/1000')) && !set.includes('nvjpegenc'));
  t.not(typeof checkGst(set), 'string');
});
