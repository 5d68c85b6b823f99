import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { identityScore } from '../track/evaluate.ts';
import { degrade, parseTruth, randomFrom, trackBoxes } from '../track/urbantracker.ts';
import type { Figure } from './figure.ts';

const sets = [
  { name: 'sherbrooke', picture: { width: 800, height: 600 } },
  { name: 'stmarc', picture: { width: 1280, height: 720 } },
];

/**
 * Figures of the tracker: identities kept on annotated boxes, and updates per second of one thread.
 *
 * @param data folder that holds `tracks-urbantracker`; without it only the speed on made-up traffic is measured
 */
export function benchTrack(data: string | undefined): readonly Figure[] {
  return [
    ...(data === undefined ? [] : sets.flatMap((set) => identityFigures(data, set))),
    speedFigure(20),
    speedFigure(60),
  ];
}

function identityFigures(data: string, set: (typeof sets)[number]): readonly Figure[] {
  const file = join(data, 'tracks-urbantracker', `${set.name}_gt_mot.csv`);
  if (!existsSync(file)) return [];
  const truth = parseTruth(readFileSync(file, 'utf8'));
  const noisy = degrade(truth, { drop: 0.2, jitter: 2, random: randomFrom(1) });
  const idf1 = (boxes: typeof truth) =>
    identityScore(truth, trackBoxes(boxes, { rate: 30, picture: set.picture }).recorded).idf1;
  return [
    figure(`${set.name} IDF1, true boxes`, idf1(truth), '1', 'at least 0.95'),
    figure(`${set.name} IDF1, a fifth dropped, 2 px jitter`, idf1(noisy), '1', 'at least 0.85'),
  ];
}

/** Updates per second with `count` vehicles in view. */
function speedFigure(count: number): Figure {
  const random = randomFrom(1);
  const truth = Array.from({ length: count }, (_, id) => ({
    id,
    x: random() * 1200,
    y: id * 12,
    speed: random() * 4,
  })).flatMap(({ id, x, y, speed }) =>
    Array.from({ length: 600 }, (_, frame) => ({
      frame,
      id,
      box: { x: x + speed * frame, y, width: 60, height: 40 },
    })),
  );
  const boxes = degrade(truth, { drop: 0.1, jitter: 1, random });
  const begin = performance.now();
  const { updates } = trackBoxes(boxes, { rate: 30 });
  const seconds = (performance.now() - begin) / 1000;
  return figure(`updates with ${count} vehicles`, updates / seconds, '1/s', '25 frames/s');
}

function figure(name: string, value: number, unit: string, ratio: string): Figure {
  return { section: 'track', name, value, unit, ratio };
}
