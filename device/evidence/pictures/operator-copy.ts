import { setImmediate } from 'node:timers/promises';
import type { KeptFrame } from '../../capture/kept-frame.ts';
import type { RgbPicture } from '../../capture/to-rgb.ts';
import type { Infraction } from '../../judge/infraction.ts';
import type { TrackPoint } from '../../track/track.ts';
import type { Surroundings } from './bystander-memory.ts';
import { raw } from './frame-pixels.ts';
import { maskAreas } from './mask-areas.ts';
import type { ClearPicture } from './package-files.ts';
import { planRedaction, type Redaction } from './redact.ts';
import type { PlacedBox } from './track-box.ts';

/**
 * The copy for the operator: the picture of the moment with bystanders covered (`Redaction` says what and how far).
 *
 * Without detections around the frame, nothing but the accused's box is shown, on black; undefined where that is not known either.
 */
export async function operatorCopy(
  frame: KeptFrame,
  rgb: RgbPicture,
  placed: PlacedBox | undefined,
  { class: kind }: Pick<Infraction, 'class'>,
  track: readonly TrackPoint[],
  surroundings: Surroundings | undefined,
): Promise<ClearPicture | undefined> {
  const { width, height } = rgb;
  const boxIn = (number: number) => track.find((point) => point.frame === number)?.box;
  const plan = planRedaction(width, height, { class: kind, box: placed?.box, boxIn }, surroundings);
  if (!plan.known && plan.accused === undefined) return undefined;
  const masked = await maskAreas(rgb, plan, setImmediate);
  const content = await raw(masked).jpeg({ quality: 85, chromaSubsampling: '4:4:4' }).toBuffer();
  // A copy of our own, whatever the frame is.
  if (masked.data.buffer instanceof ArrayBuffer) masked.data.buffer.transfer(0);
  return {
    about: {
      name: 'operator.jpg',
      role: 'operator',
      moment: 'at',
      mediaType: 'image/jpeg',
      width,
      height,
      origin: 'derived',
      making: `JPEG, quality 85, 4:4:4; ${covering(plan, surroundings)}`,
    },
    frame,
    content,
  };
}

function covering(plan: Redaction, surroundings: Surroundings | undefined): string {
  if (surroundings === undefined) {
    return "black outside the accused's box: no frame within 0.3 s of this one was searched for bystanders";
  }
  const frames = `by the detections of frame ${surroundings.frames.map(({ sequence }) => sequence).join(', ')}`;
  if (!plan.known) {
    return `black outside the accused's box, in it ${plan.people.length} areas of people covered, ${frames}, which do not say where all are`;
  }
  const kept =
    plan.accused === undefined
      ? 'the accused among them, since its box is not known'
      : "none of it in the accused's box";
  return (
    `covered with one colour each: ${plan.people.length} areas of people and two-wheelers, ${plan.vehicles.length} of the lower ` +
    `parts of other vehicles (${kept}), ${frames}; ` +
    `${surroundings.searched === 'auto' ? '' : 'black where the detector does not look; '}what was not detected is not covered`
  );
}
