import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { canonicalJson, type JsonValue } from '../../kernel/canonical-json.ts';
import { sha256 } from '../../kernel/hash.ts';
import { fraction, milliseconds } from '../../kernel/units.ts';
import { defaultVoteSettings } from '../../plate/vote/settings.ts';
import { neverRead, type PlateOnTrack, type TrackRead, unreadReasons } from '../../plate/vote/track-plate.ts';
import { type PlateStatement, statementOf } from '../record/plate-file.ts';
import { timeOf } from '../testing/fixtures.ts';
import { plateModels, plateRead, plateUnread } from '../testing/plates.ts';
import { opensCommitment, plateStep, readPlate, sealPlate } from './plate-commitment.ts';

const said = (text: string): PlateStatement => statementOf(plateRead(text, 168), 70, plateModels);
const thrown = (work: () => unknown): Error => {
  try {
    work();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('no fault where one is due');
};

test('commitment and content are exactly those of the format', (t) => {
  const { commitment, content } = sealPlate(said('AB123CD'), (size) => Buffer.alloc(size, 0xab));
  const text = content.toString();
  t.is(canonicalJson(JSON.parse(text) as JsonValue), text);
  t.is(commitment, sha256(text));
  const read = readPlate(content);
  t.like(read, {
    schema: 'atalaya/plate/1',
    salt: 'ab'.repeat(32),
    outcome: 'read',
    text: 'AB123CD',
    format: 'cl-new',
    confidence: 0.996,
    agreeing: 2,
    frame: 168,
    said: 'read',
    track: 70,
    looked: 4,
    dropped: 1,
    omitted: 0,
    models: plateModels,
  });
  t.deepEqual(
    read?.reads.map(({ frame, elapsedMs, reason, weight }) => [frame, elapsedMs, reason, weight]),
    [
      [165, 6600, 'too-small', 0],
      [166, 6640, 'outvoted', 0.25],
      [167, 6680, 'counted', 0.5],
      [168, 6720, 'counted', 1],
    ],
  );
  const sum = spawnSync('sha256sum', { input: content, encoding: 'utf8' });
  if (sum.error !== undefined) t.log('sha256sum is not here: not compared');
  else t.is(sum.stdout.slice(0, 64), commitment);
});

test('an unread plate is committed to in the same way, whatever the reason', (t) => {
  for (const reason of unreadReasons) {
    for (const plate of [plateUnread(reason, 9), neverRead(reason)]) {
      const { commitment, content } = sealPlate(statementOf(plate, 3, []), randomBytes);
      t.true(opensCommitment(content, commitment));
      t.like(readPlate(content), { outcome: 'unread', reason, frame: plate.best?.frame ?? null });
    }
  }
});

test('a content opens its own commitment and no other, whatever the plate', (t) => {
  const plate = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter((text) => text.isWellFormed());
  fc.assert(
    fc.property(plate, plate, (text, other) => {
      const one = sealPlate(said(text), randomBytes);
      const two = sealPlate(said(other), randomBytes);
      t.true(opensCommitment(one.content, one.commitment));
      t.false(opensCommitment(two.content, one.commitment));
      t.not(one.commitment, two.commitment);
      const forged = Buffer.from(canonicalJson({ ...readPlate(one.content), text: `${text}X` } as JsonValue));
      t.false(opensCommitment(forged, one.commitment));
    }),
    { numRuns: 50 },
  );
});

/** A read whose figures have all digits that they can have. */
function longRead(number: number): TrackRead {
  const digits = (times: number) => times * (1 + Math.SQRT2 * 1e-9 + number / 7);
  const corner = { x: 100 * digits(1.1), y: 100 * digits(1.3) };
  return {
    ...(plateRead('ABCDEFGH12', 10_000_000).reads[1] as TrackRead),
    time: { ...timeOf(10_000_000), elapsed: milliseconds(digits(1e7)) },
    confidence: fraction(Math.SQRT1_2),
    weight: Math.SQRT1_2,
    quad: [corner, corner, corner, corner],
  };
}

test('the size tells neither whether a plate was read, nor how long it is, nor how many looks it took', (t) => {
  const sizes = new Set<number>();
  for (const text of ['A', 'ABCD12', 'ABC1D23', 'ABCDEFGH12'])
    sizes.add(sealPlate(said(text), randomBytes).content.length);
  for (const reason of unreadReasons) {
    sizes.add(sealPlate(statementOf(neverRead(reason), 1, []), randomBytes).content.length);
    sizes.add(sealPlate(statementOf(plateUnread(reason, 5), 1, plateModels), randomBytes).content.length);
  }
  const whole = plateRead('ABCD12', 168);
  // As many as a vote keeps, with figures as long as they can be.
  for (const count of [1, 16, defaultVoteSettings.mostReads]) {
    const reads = Array.from({ length: count }, (_, i) => longRead(i));
    sizes.add(sealPlate(statementOf({ ...whole, reads }, 1, plateModels), randomBytes).content.length);
  }
  t.deepEqual([...sizes], [plateStep]);
  fc.assert(
    fc.property(fc.nat(400), (times) => {
      const reads = Array.from({ length: times }, () => whole.reads).flat();
      const { length } = sealPlate(statementOf({ ...whole, reads }, 1, plateModels), randomBytes).content;
      return length % plateStep === 0;
    }),
    { numRuns: 20 },
  );
});

test('what is no plate file is none, and what could not be read back is not sealed, nor repeated', (t) => {
  for (const bad of ['', '{}', 'null', '[]', '{"salt":"ab","text":"A"}', '\u0000', '{"schema":"atalaya/plate/1"}']) {
    t.is(readPlate(Buffer.from(bad)), undefined);
  }
  const broken: readonly Partial<PlateOnTrack>[] = [{ text: '' }, { confidence: fraction(Number.NaN) }, { looked: -1 }];
  for (const part of broken) {
    const error = thrown(() =>
      sealPlate(statementOf({ ...plateRead('QX789ZW', 168), ...part }, 70, plateModels), randomBytes),
    );
    t.regex(error.message, /^this is no statement of a plate: (text|confidence|looked)$/);
    t.false(error.message.includes('QX789ZW'));
  }
});
