import test from 'ava';
import fc from 'fast-check';
import { fraction } from '../../kernel/units.ts';
import { type MadeRead, madeSight, madeSighting, rejectedSight } from '../testing/made-sights.ts';
import { defaultVoteSettings } from './settings.ts';
import type { Sighting, TrackPlate } from './track-plate.ts';
import { voteOn } from './vote.ts';

/** States every leading text, so that confidences can be compared that would not be stated. */
const stateAll = { ...defaultVoteSettings, leastConfidence: fraction(0), leastLead: Number.NEGATIVE_INFINITY };

/** Reads of different frames stand so far apart that each is a look of its own. */
const apart = (frame: number, text: string, more: MadeRead = {}): Sighting =>
  madeSighting(frame, madeSight(text, { x: frame * 50, ...more }));

const texts = ['AB1234', 'AB1Z34', 'A81234', 'XY9876', 'CD5555'] as const;

const read = fc
  .record({
    text: fc.constantFrom(...texts),
    confidence: fc.double({ min: 0.3, max: 1, noNaN: true }),
    share: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: texts.length, maxLength: texts.length }),
    height: fc.double({ min: 4, max: 40, noNaN: true }),
    sharpness: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ text, confidence, share, height, sharpness }) => {
    // What is left over is given to the other texts in part, none of them more than the read itself.
    const left = 1 - confidence;
    const sum = share.reduce((total, one) => total + one, 1);
    const alternatives = texts.flatMap((other, index) => {
      const p = Math.min(confidence, (left * (share[index] ?? 0)) / sum);
      return other === text || p < 0.001 ? [] : [[other, p] as const];
    });
    return { text, more: { confidence, height, sharpness, alternatives: Object.fromEntries(alternatives) } };
  });

const sightings = (least: number, most: number) =>
  fc
    .array(read, { minLength: least, maxLength: most })
    .map((reads) => reads.map(({ text, more }, frame) => apart(frame, text, more)));

function confidenceIn(plate: TrackPlate): number {
  return plate.kind === 'read' ? plate.confidence : 0;
}

/** What the vote says of a text; undefined where another leads. */
const confidenceOf = (plate: TrackPlate, text: string): number | undefined =>
  plate.kind === 'read' && plate.text === text ? plate.confidence : undefined;

const textOf = (plate: TrackPlate): string | undefined => (plate.kind === 'read' ? plate.text : undefined);

test('one read is never surer than its reader was', (t) => {
  fc.assert(
    fc.property(sightings(1, 1), ([one]) => {
      const plate = voteOn(one === undefined ? [] : [one], stateAll);
      t.true(confidenceIn(plate) <= (one?.sight.read?.confidence ?? 0) + 1e-12);
    }),
  );
});

test('an independent look that agrees never lowers the confidence', (t) => {
  fc.assert(
    fc.property(sightings(1, 8), read, (before, { more }) => {
      const first = voteOn(before, stateAll);
      const text = textOf(first);
      if (text === undefined || more.alternatives[text] !== undefined) return;
      const after = voteOn([...before, apart(100, text, more)], stateAll);
      t.is(textOf(after), text);
      t.true(confidenceIn(after) >= confidenceIn(first) - 1e-12);
    }),
    { numRuns: 500 },
  );
});

test('an independent look that does not name the text never raises its confidence', (t) => {
  fc.assert(
    fc.property(sightings(1, 8), read, (before, { text: other, more }) => {
      const first = voteOn(before, stateAll);
      const text = textOf(first);
      if (text === undefined || text === other || more.alternatives[text] !== undefined) return;
      const after = voteOn([...before, apart(100, other, more)], stateAll);
      t.true((confidenceOf(after, text) ?? 0) <= confidenceIn(first) + 1e-12);
    }),
    { numRuns: 500 },
  );
});

test('the order of the frames does not matter, however their looks are grouped', (t) => {
  const crowded = fc
    .array(fc.tuple(read, fc.integer({ min: 0, max: 40 })), { minLength: 1, maxLength: 8 })
    .map((all) => all.map(([{ text, more }, x], frame) => madeSighting(frame, madeSight(text, { ...more, x }))));
  fc.assert(
    fc.property(
      crowded.chain((all) =>
        fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length })),
      ),
      ([all, shuffled]) => {
        t.deepEqual(voteOn(shuffled, stateAll), voteOn(all, stateAll));
        t.deepEqual(voteOn(shuffled, defaultVoteSettings), voteOn(all, defaultVoteSettings));
      },
    ),
  );
});

test('a text that no frame names never wins, and the winner is bound to a frame that names it', (t) => {
  fc.assert(
    fc.property(sightings(1, 8), (all) => {
      const plate = voteOn(all, stateAll);
      if (plate.kind === 'unread') return t.fail('every leading text is stated here');
      const bound = all.find(({ frame }) => frame === plate.winner.frame);
      const said = bound?.sight.read;
      const named = [said, ...(said?.alternatives ?? [])].map((one) => one?.text);
      t.true(named.includes(plate.text));
      t.true(plate.winner.crop === bound?.crop);
      t.is(plate.winner.said, said?.text === plate.text ? 'read' : 'alternative');
      t.is(plate.characters.map(({ character }) => character).join(''), plate.text);
    }),
  );
});

test('three hundred looks at one blurred picture are hardly more than one', (t) => {
  const blurred = { confidence: 0.75, height: 9, sharpness: 0.1 };
  const looks = (count: number) =>
    Array.from({ length: count }, (_, frame) =>
      madeSighting(frame, madeSight('AB1234', { ...blurred, x: (frame % 3) * 0.5 })),
    );
  const [one, many] = [confidenceIn(voteOn(looks(1), stateAll)), confidenceIn(voteOn(looks(300), stateAll))];
  t.true(many >= one);
  t.true(many <= 0.75, `${many}`);
  t.is(textOf(voteOn(looks(300), { ...defaultVoteSettings, leastConfidence: fraction(0.9) })), undefined);
});

test('independent looks make a vote surer, up to a bound', (t) => {
  const looks = (count: number) => Array.from({ length: count }, (_, frame) => apart(frame, 'AB1234'));
  const [one, two, fifty] = [1, 2, 50].map((count) => voteOn(looks(count), defaultVoteSettings));
  t.true(confidenceIn(two as TrackPlate) > confidenceIn(one as TrackPlate));
  t.true(confidenceIn(fifty as TrackPlate) <= defaultVoteSettings.mostConfidence);
  t.is(fifty?.kind === 'read' && fifty.agreeing, 50);
});

test('two frames that say different texts disagree, two against one still do, three against one decide', (t) => {
  const split = voteOn([apart(1, 'AB1234'), apart(2, 'XY9876')], defaultVoteSettings);
  t.like(split, { kind: 'unread', reason: 'frames-disagree', looked: 2 });
  const one = [apart(1, 'AB1234'), apart(2, 'XY9876'), apart(3, 'AB1234')];
  t.like(voteOn(one, defaultVoteSettings), { kind: 'unread', reason: 'frames-disagree' });
  const decided = voteOn([...one, apart(4, 'AB1234')], defaultVoteSettings);
  t.like(decided, { kind: 'read', text: 'AB1234' });
  t.deepEqual(
    decided.reads.map(({ reason }) => reason),
    ['counted', 'outvoted', 'counted', 'counted'],
  );
});

test('large sharp frames outvote small blurred ones', (t) => {
  const far = { height: 5, sharpness: 0.05, confidence: 0.7 };
  const near = { height: 30, sharpness: 0.8, confidence: 0.97 };
  const all = [apart(1, 'XY9876', far), apart(2, 'XY9876', far), apart(3, 'AB1234', near), apart(4, 'AB1234', near)];
  t.like(voteOn(all, defaultVoteSettings), { kind: 'read', text: 'AB1234' });
});

test('a text that every frame names second can win, and it says so', (t) => {
  const all = ['AB1Z34', 'A81234', 'XY9876', 'CD5555'].map((text, frame) =>
    apart(frame, text, { confidence: 0.5, alternatives: { AB1234: frame === 2 ? 0.49 : 0.45 } }),
  );
  const plate = voteOn(all, { ...defaultVoteSettings, leastConfidence: fraction(0.6) });
  t.like(plate, { kind: 'read', text: 'AB1234', agreeing: 0 });
  t.like(plate.kind === 'read' && plate.winner, { frame: 2, said: 'alternative' });
});

test('without a read the most telling reason is given, and the crop that came closest', (t) => {
  const reasonOf = (...sights: Parameters<typeof madeSighting>[1][]) =>
    voteOn(
      sights.map((sight, frame) => madeSighting(frame, sight)),
      defaultVoteSettings,
    );
  t.like(voteOn([], defaultVoteSettings), { kind: 'unread', reason: 'never-looked' });
  t.like(reasonOf(rejectedSight()), { reason: 'no-text-found' });
  t.like(reasonOf(rejectedSight('not-plate-shaped')), { reason: 'no-text-found' });
  t.like(reasonOf(rejectedSight('another-vehicle'), rejectedSight()), { reason: 'another-vehicle' });
  t.like(reasonOf(rejectedSight('too-small'), rejectedSight('another-vehicle')), { reason: 'too-small' });
  t.like(reasonOf(rejectedSight('too-small'), rejectedSight('no-format-fits')), { reason: 'no-format-fits' });
  const unclear = reasonOf(rejectedSight('no-format-fits'), rejectedSight('unclear', 'too-small'), rejectedSight());
  t.like(unclear, { reason: 'unclear', best: { frame: 1 }, looked: 3 });
  t.is(unclear.reads.length, 3);
});

test('a lone read that is too unsure is unclear', (t) => {
  t.like(voteOn([apart(1, 'AB1234', { confidence: 0.5 })], defaultVoteSettings), { kind: 'unread', reason: 'unclear' });
});

test('at most so many regions are named, the others are counted', (t) => {
  const all = Array.from({ length: 40 }, (_, frame) => ({
    ...apart(frame, 'AB1234'),
    sight: { ...madeSight('AB1234', { x: frame * 50 }), rejected: rejectedSight('too-small', 'second-best').rejected },
  }));
  const { reads, omitted } = voteOn(all, defaultVoteSettings);
  t.is(reads.length, defaultVoteSettings.mostReads);
  t.is(omitted, 120 - defaultVoteSettings.mostReads);
  t.is(reads.filter(({ reason }) => reason === 'counted').length, 40);
});

test('the plate is bound to the best frame whose crop is there', (t) => {
  const all = [apart(1, 'AB1234', { confidence: 0.99 }), apart(2, 'AB1234'), apart(3, 'AB1234', { confidence: 0.8 })];
  const winner = (of: readonly Sighting[]) => {
    const plate = voteOn(of, defaultVoteSettings);
    return plate.kind === 'read' ? plate.winner.frame : undefined;
  };
  t.is(winner(all), 1);
  t.is(winner(all.map((one) => (one.frame === 1 ? { ...one, crop: undefined } : one))), 2);
  t.is(winner(all.map((one) => ({ ...one, crop: undefined }))), undefined);
});

test('whatever numbers a reader gives, there is an answer', (t) => {
  const odd = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1, 0, 1, 2, 0.5);
  fc.assert(
    fc.property(fc.array(fc.tuple(odd, odd, odd, odd), { minLength: 1, maxLength: 6 }), (all) => {
      const plate = voteOn(
        all.map(([confidence, height, sharpness, other], frame) =>
          apart(frame, 'AB1234', { confidence, height, sharpness, alternatives: { XY9876: other } }),
        ),
        stateAll,
      );
      t.true(plate.kind === 'unread' || (plate.confidence >= 0 && plate.confidence <= 1));
    }),
  );
});
