import test from 'ava';
import fc from 'fast-check';
import { fraction } from '../../kernel/units.ts';
import type { Quad, RejectReason } from '../plate-reader.ts';
import { choose, type Judged } from './choose.ts';
import { joinViews } from './reading.ts';

const quad: Quad = [
  { x: 0, y: 0 },
  { x: 80, y: 0 },
  { x: 80, y: 20 },
  { x: 0, y: 20 },
];

function judged(text: string, confidence: number, reason?: RejectReason): Judged {
  const fit = { text, confidence: fraction(0.5), characters: [], format: 'xx-any', generic: false };
  return {
    candidate: {
      lines: [{ kernel: quad, quad, score: 0.9, pieces: 1 }],
      quad,
      characterHeight: 13,
      score: 0.9,
      framed: 1,
      ruledOut: reason,
    },
    reading: joinViews([{ raw: fit, fits: text === '' ? [] : [fit] }]),
    confidence: fraction(confidence),
    reason,
  };
}

test('the surest text is the plate; the others say why they are not, surest first', (t) => {
  const { chosen, rejected } = choose(
    [
      judged('AA1111', 0.1),
      judged('', 0),
      judged('BB2222', 0.97),
      judged('CC3333', 0.65),
      judged('DD4444', 0, 'cut-off'),
    ],
    fraction(0.6),
  );
  t.is(chosen?.reading.best?.text, 'BB2222');
  t.deepEqual(
    rejected.map(({ reason }) => reason),
    ['second-best', 'unclear', 'no-format-fits', 'cut-off'],
  );
});

test('two texts that are as sure as each other: neither is the plate', (t) => {
  const { chosen, rejected } = choose([judged('AA1111', 0.9), judged('BB2222', 0.9)], fraction(0.6));
  t.is(chosen, undefined);
  t.deepEqual(
    rejected.map(({ reason }) => reason),
    ['unclear', 'unclear'],
  );
});

test('alone, a text keeps its confidence; beside others it never gains, and together they are no more than certain', (t) => {
  const one = choose([judged('AA1111', 0.83)], fraction(0.6));
  t.true(Math.abs((one.chosen?.confidence ?? 0) - 0.83) < 1e-9);
  const confidences = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(confidences, (values) => {
      const { chosen, rejected } = choose(
        values.map((value, i) => judged(`AA${1000 + i}`, value)),
        fraction(0.6),
      );
      const all = [...(chosen === undefined ? [] : [chosen]), ...rejected];
      const highest = Math.max(...values);
      return (
        all.length === values.length &&
        all.every(({ confidence }) => confidence <= highest + 1e-9) &&
        all.reduce((sum, { confidence }) => sum + confidence, 0) <= 1 + 1e-9
      );
    }),
  );
});
