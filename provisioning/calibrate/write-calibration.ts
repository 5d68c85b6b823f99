import { isMap, parseDocument, YAMLSeq } from 'yaml';
import { AtalayaError } from '../../device/kernel/errors.ts';
import { parseScene } from '../../device/scene/load-scene.ts';
import type { Scene } from '../../device/scene/scene.ts';
import type { Calibration } from './fit-calibration.ts';

/** Ten times finer than anybody can point, and than any tape. */
const toPixel = (value: number): number => Math.round(value * 100) / 100;
const toMetre = (value: number): number => Math.round(value * 10000) / 10000;

/**
 * The scene file with the calibration in it, everything else and its comments as they were. A certificate of the calibration before is
 * taken out: it speaks of other marks. Throws `scene-mismatch` where the points were read from a picture of another shape than the scene's,
 * and `scene-invalid` where the whole is no scene.
 */
export function withCalibration(
  text: string,
  what: string,
  { points, lens, picture, allowedPx }: Calibration,
  date: string,
): { readonly text: string; readonly scene: Scene } {
  const document = parseDocument(text);
  const size = { width: document.getIn(['picture', 'width']), height: document.getIn(['picture', 'height']) };
  if (
    document.errors.length > 0 ||
    !isMap(document.contents) ||
    typeof size.width !== 'number' ||
    typeof size.height !== 'number'
  ) {
    parseScene(text, what);
    throw new AtalayaError('scene-invalid', `scene ${what} has no picture size`);
  }
  const [sx, sy] = [size.width / picture.width, size.height / picture.height];
  if (Math.abs(sx / sy - 1) > 0.01) {
    const read = `${picture.width} x ${picture.height}`;
    throw new AtalayaError(
      'scene-mismatch',
      `the points were read from a picture of ${read}, scene ${what} is drawn on ${size.width} x ${size.height}, which is another shape`,
      { hint: 'Read the points from a picture that this camera takes with its present settings.' },
    );
  }
  const pairs = points.pairs.map(({ image, road, name }, i) => {
    const node = document.createNode(
      { image: [toPixel(image.x * sx), toPixel(image.y * sy)], road: [toMetre(road.x), toMetre(road.y)] },
      { flow: true },
    );
    if (name !== `${i + 1}`) node.comment = ` ${name.replace(/\s+/g, ' ')}`;
    return node;
  });
  const { image, road, scale = 0 } = points.error;
  document.set(
    'calibration',
    document.createNode({
      date,
      pixelError: toMetre(image * sx),
      roadError: toMetre(road),
      ...(scale > 0 ? { scaleError: Number(scale.toPrecision(3)) } : {}),
      allowedResidual: toPixel(allowedPx * sx),
    }),
  );
  if (lens !== undefined) {
    const { k1, k2, deviations, source } = lens;
    const node = document.createNode({ k1, k2, deviations: deviations.map((one) => [...one]) }, { flow: true });
    node.comment = ` ${source.replace(/\s+/g, ' ')}`;
    document.setIn(['calibration', 'lens'], node);
  }
  const list = new YAMLSeq();
  for (const pair of pairs) list.add(pair);
  document.setIn(['calibration', 'points'], list);
  const written = document.toString({ lineWidth: 150, flowCollectionPadding: true });
  return { text: written, scene: parseScene(written, what) };
}
