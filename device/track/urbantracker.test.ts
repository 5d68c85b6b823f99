import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { clearScore, identityScore } from './evaluate.ts';
import { degrade, gaussian, parseTruth, randomFrom, trackBoxes } from './urbantracker.ts';

const folder = join(import.meta.dirname, '../../../shared/data/tracks-urbantracker');
const sets = [
  { name: 'sherbrooke', picture: { width: 800, height: 600 } },
  { name: 'stmarc', picture: { width: 1280, height: 720 } },
];

for (const { name, picture } of sets) {
  const file = join(folder, `${name}_gt_mot.csv`);
  const missing = !existsSync(file);

  test(`${name}: IDF1 at least 0.95 on the true boxes`, (t) => {
    if (missing) return skip(t);
    const truth = parseTruth(readFileSync(file, 'utf8'));
    const run = trackBoxes(truth, { rate: 30, picture });
    for (const computed of [run.recorded, run.online]) {
      const { idf1 } = identityScore(truth, computed);
      const { mota, switches } = clearScore(truth, computed);
      t.log(`IDF1 ${idf1.toFixed(4)}, MOTA ${mota.toFixed(4)}, ${switches} switches`);
      t.true(idf1 >= 0.95);
    }
  });

  // The frame rate is not stated with the data, so a tracker that serves only one would be right by luck.
  for (const rate of [15, 30]) {
    for (const seed of [1, 2, 3, 4]) {
      test(`${name}: IDF1 at least 0.85 with a fifth dropped and 2 px of jitter, ${rate} frames/s, seed ${seed}`, (t) => {
        if (missing) return skip(t);
        const truth = parseTruth(readFileSync(file, 'utf8'));
        const boxes = degrade(truth, { drop: 0.2, jitter: 2, random: randomFrom(seed) });
        const { recorded, online } = trackBoxes(boxes, { rate, picture });
        const { idf1 } = identityScore(truth, recorded);
        const { mota, switches } = clearScore(truth, recorded);
        t.log(`without the predicted boxes in the gaps: IDF1 ${identityScore(truth, online).idf1.toFixed(4)}`);
        t.log(`IDF1 ${idf1.toFixed(4)}, MOTA ${mota.toFixed(4)}, ${switches} switches`);
        t.true(idf1 >= 0.85);
      });
    }
  }

  test(`${name}: IDF1 at least 0.95 on the true boxes of every third frame`, (t) => {
    if (missing) return skip(t);
    const truth = parseTruth(readFileSync(file, 'utf8')).filter((o) => o.frame % 3 === 0);
    const { recorded } = trackBoxes(truth, { rate: 30, stride: 3, picture });
    t.true(identityScore(truth, recorded).idf1 >= 0.95);
  });
}

function skip(t: { log(message: string): void; pass(): void }): void {
  t.log(`skipped: ${folder} is not there`);
  t.pass();
}

test('the degradation drops its share and jitters every edge by its sigma', (t) => {
  const truth = Array.from({ length: 20_000 }, (_, frame) => ({
    frame,
    id: 1,
    box: { x: 100, y: 100, width: 80, height: 50 },
  }));
  const boxes = degrade(truth, { drop: 0.2, jitter: 2, random: randomFrom(9) });
  t.true(Math.abs(boxes.length / truth.length - 0.8) < 0.01);
  const edges = [
    boxes.map(({ box }) => box.x - 100),
    boxes.map(({ box }) => box.x + box.width - 180),
    boxes.map(({ box }) => box.y + box.height - 150),
  ];
  for (const errors of edges) {
    const sigma = Math.sqrt(errors.reduce((sum, e) => sum + e * e, 0) / errors.length);
    t.true(Math.abs(sigma - 2) < 0.05, `${sigma}`);
  }
});

test('the random numbers are the same for the same seed and differ for another', (t) => {
  const draw = (seed: number) => {
    const random = randomFrom(seed);
    return Array.from({ length: 5 }, () => gaussian(random));
  };
  t.deepEqual(draw(3), draw(3));
  t.notDeepEqual(draw(3), draw(4));
});

test('a line that is no box is refused with its number', (t) => {
  t.throws(() => parseTruth('frame,id,x,y,w,h,type\n1,1,0,0,5,5,car\n2,1,zero,0,5,5,car\n'), { message: /line 3/ });
});
