import { join } from 'node:path';
import test from 'ava';
import { checkTree, importsOf, violation } from '../.ci/import-rules.ts';

const judge = (from: string, statement: string) => importsOf(from, statement).map(violation);

test('the tree keeps its import rules', (t) => {
  t.deepEqual(checkTree(join(import.meta.dirname, '..')), []);
});

test('what the rules forbid is found, whichever way it is written', (t) => {
  const forbidden: readonly (readonly [string, string])[] = [
    ['device/kernel/clock.ts', "import { judge } from '../judge/judge.ts';"],
    ['device/capture/camera.ts', "import type { Track } from '../track/track.ts';"],
    ['device/track/tracker.ts', "export * from '../judge/judge.ts';"],
    ['device/judge/judge.ts', "const unit = await import('../unit.ts');"],
    ['device/judge/judge.ts', "import sharp from 'sharp';"],
    ['device/detect/detector.ts', "import {\n  InferenceSession,\n} from 'onnxruntime-node';"],
    ['device/scene/scene.ts', "import { Judge } from '../judge/judge.ts';"],
    ['ota/slots.ts', "import { loadBundle } from '../models/bundles/import-bundles.ts';"],
    ['models/graph/lower.ts', "import { Tracker } from '../../device/track/tracker.ts';"],
    ['device/evidence/record.ts', "import { made } from '../capture/testing/made-recordings.ts';"],
  ];
  for (const [from, statement] of forbidden) t.truthy(judge(from, statement)[0], `${from}: ${statement}`);
});

test('what the rules allow passes', (t) => {
  const allowed: readonly (readonly [string, string])[] = [
    ['device/judge/judge.ts', "import type { Track } from '../track/track.ts';"],
    ['device/detect/detect-worker.ts', "import { loadBundle } from '../../models/contract/bundle.ts';"],
    ['device/unit/unit.ts', "import { Judge } from './judge/judge.ts';"],
    ['device/capture/mjpeg-camera.ts', "import sharp from 'sharp';"],
    ['device/evidence/record.test.ts', "import sharp from 'sharp';"],
    ['device/kernel/hash.ts', "import { createHash } from 'node:crypto';"],
  ];
  for (const [from, statement] of allowed) t.deepEqual(judge(from, statement), [undefined], `${from}: ${statement}`);
});
