import { type CalibrationRecord, calibrationRecordOf } from '../calibration-record.ts';
import { bend, lensBefore } from '../lens.ts';
import { parseScene } from '../load-scene.ts';
import { project, testCamera } from './camera.ts';

const model = { k1: -0.11, k2: 0.015 };

/** What evidence states of a camera whose lens bends the picture. */
export function bentCalibration(): CalibrationRecord {
  const lens = lensBefore(model, testCamera);
  const points = [-4, 4].flatMap((x) =>
    [14, 22, 40].map((y) => {
      const image = bend(lens, project(testCamera, x, y));
      return `    - { image: [${image.x}, ${image.y}], road: [${x}, ${y}] }`;
    }),
  );
  const text = [
    'name: bent',
    `picture: { width: ${testCamera.width}, height: ${testCamera.height} }`,
    'calibration:',
    `  lens: { k1: ${model.k1}, k2: ${model.k2}, deviations: [[0.004, -0.002]] }`,
    '  scaleError: 0.004',
    '  points:',
    ...points,
  ];
  return calibrationRecordOf(parseScene(text.join('\n'), 'bent'), 0);
}
