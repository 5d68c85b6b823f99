import test from 'ava';
import fc from 'fast-check';
import { fitHomography } from './homography.ts';
import { project, type TestCamera, testCamera } from './testing/camera.ts';
import { viewpointOf } from './viewpoint.ts';

const marks = [-5, 5, 0].flatMap((x) => [15, 30, 50].map((y) => ({ x: x + 0.02 * y, y })));

test('the camera is found where it stands, from exact points, whatever its height, tilt, turn and lens', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 700, max: 2500 }),
      fc.integer({ min: 3, max: 20 }),
      fc.double({ min: 0.08, max: 0.6, noNaN: true }),
      fc.double({ min: -0.6, max: 0.6, noNaN: true }),
      (focal, above, pitch, yaw) => {
        const camera: TestCamera = { ...testCamera, focal, above, pitch, yaw, at: { x: 3, y: -2 } };
        const fit = fitHomography(
          marks.map(({ x, y }) => ({ road: { x, y }, image: project(camera, x, y) })),
          { image: 1, road: 0.01 },
        );
        const found = fit && viewpointOf(fit.toImage, camera);
        return (
          found !== undefined &&
          Math.abs(found.above - above) < 0.01 &&
          Math.hypot(found.x - camera.at.x, found.y - camera.at.y) < 0.02
        );
      },
    ),
  );
  t.pass();
});

test('a map that no camera above the road makes has no viewpoint', (t) => {
  t.is(viewpointOf([10, 0, 300, 0, -10, 300, 0, 0, 1], { width: 640, height: 480 }), undefined);
});
