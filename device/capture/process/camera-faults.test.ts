import test from 'ava';
import fc from 'fast-check';
import { argusComplaints } from './argus-program.ts';
import { cameraFault, redact } from './camera-faults.ts';
import { rtsp, rtspComplaints, v4l2Complaints } from './ffmpeg-program.ts';
import { framecrcLines, identityLine, metadataLines } from './note-readers.ts';
import { raspistillComplaints } from './raspistill-program.ts';
import { rpicamComplaints } from './rpicam-program.ts';

const size = { width: 640, height: 480 } as const;
const camera = (password: string) =>
  rtsp(
    {
      kind: 'rtsp',
      ...size,
      ...{
        startS: 5,
        stallS: 3,
        rate: 25,
        url: 'rtsp://10.0.0.5/1',
        user: 'kerb',
        transport: 'tcp',
        pictures: 'decoded',
      },
    },
    password,
  );

test('no fault repeats a password, however the program writes it', (t) => {
  fc.assert(
    fc.property(fc.string({ minLength: 6, maxLength: 20, unit: 'grapheme-ascii' }), (password) => {
      const program = camera(password);
      const [address = ''] = program.args('').filter((arg) => arg.startsWith('rtsp://'));
      for (const said of [
        `${address}: Invalid data found`,
        `user kerb, password ${password}`,
        encodeURIComponent(password),
      ]) {
        const { message } = cameraFault(program, 'it ended', [said]);
        t.false(message.replace('rtsp://10.0.0.5/1', '').includes(password));
        t.false(message.includes('kerb:'));
      }
    }),
  );
});

test('what stands before the host of any address is struck', (t) => {
  t.is(
    redact('open rtsp://a:b@host/1 failed, rtsps://c@host/2', []),
    'open rtsp://***@host/1 failed, rtsps://***@host/2',
  );
  t.is(redact('rtsp://host/a@b', []), 'rtsp://host/a@b');
});

test('every complaint that is known says what to do', (t) => {
  const all = [rpicamComplaints, v4l2Complaints, rtspComplaints, argusComplaints, raspistillComplaints].flat();
  t.true(all.length > 20);
  for (const { reason, hint, says } of all) {
    t.regex(hint, /^[A-Z].*\.$/s, reason);
    t.false(says.global, 'a pattern that remembers would find only every other one');
  }
});

const words = [
  [rtspComplaints, '[rtsp @ 0x55] method DESCRIBE failed: 401 Unauthorized', /name or password/],
  [
    rtspComplaints,
    '[tcp @ 0x55] Connection to tcp://10.0.0.9:554?timeout=0 failed: No route to host',
    /no way to the camera/,
  ],
  [rtspComplaints, '[rtsp @ 0x55] method DESCRIBE failed: 404 Not Found', /no such stream/],
  [v4l2Complaints, '[video4linux2,v4l2 @ 0x1] Cannot open video device /dev/video0: Permission denied', /may not open/],
  [v4l2Complaints, '[video4linux2,v4l2 @ 0x1] ioctl(VIDIOC_STREAMON): Device or resource busy', /another program/],
  [v4l2Complaints, '[video4linux2,v4l2 @ 0x1] ioctl(VIDIOC_DQBUF): Input/output error', /stopped in the middle/],
  [
    argusComplaints,
    'Error generated. gstnvarguscamerasrc.cpp, execute:751 Failed to create CaptureSession',
    /camera service/,
  ],
  [argusComplaints, 'Error generated. gstnvarguscamerasrc.cpp, execute:725 No cameras available', /no such sensor/],
  [argusComplaints, 'WARNING: erroneous pipeline: no element "nvarguscamerasrc"', /not installed/],
  [
    raspistillComplaints,
    'mmal: Camera is not detected. Please check carefully the camera module is installed correctly',
    /sees no camera/,
  ],
] as const;
for (const [complaints, says, reason] of words) {
  test(`understood: ${says}`, (t) => {
    t.regex(complaints.find((complaint) => complaint.says.test(says))?.reason ?? '', reason);
  });
}

test('notes: the words of rpicam-apps, ffmpeg and GStreamer', (t) => {
  const metadata = metadataLines();
  const block = ['', 'ExposureTime=4997', 'SensorTimestamp=123456789012', 'Lux=12.5', ''];
  t.deepEqual(block.map(metadata).filter(Boolean), [{ stamp: 123456.789012, errors: [] }]);
  t.deepEqual(['Lux=1', ''].map(metadata).filter(Boolean), [{ stamp: undefined, errors: [] }]);

  const framecrc = framecrcLines();
  const lines = [
    '#software: Lavf59.27.100',
    '#tb 0: 1/1000000',
    '#dimensions 0: 1280x720',
    '0,  7000000,  7033366,  33333,  89332, 0x7f15cdf9',
  ];
  t.deepEqual(lines.map(framecrc).filter(Boolean), [{ stamp: 7033.366, bytes: 89332, errors: [] }]);
  t.is(framecrc('0, NOPTS, NOPTS, 0, 12, 0x1')?.stamp, undefined);

  const chain = (pts: string) =>
    `/GstPipeline:pipeline0/GstIdentity:stamps: last-message = chain   ******* (stamps:sink) (3110400 bytes, dts: none, pts: ${pts}, duration: 0:00:00.033333333, offset: 1)`;
  t.deepEqual(identityLine(chain('1:02:03.500000000')), { stamp: 3_723_500, bytes: 3_110_400, errors: [] });
  t.deepEqual(identityLine(chain('none')), { stamp: undefined, bytes: 3_110_400, errors: [] });
  t.is(identityLine('Setting pipeline to PLAYING ...'), undefined);
});
