import { randomBytes } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { sha256 } from '../../kernel/hash.ts';
import { opensCommitment, readPlate, sealPlate } from './plate-commitment.ts';

test('commitment and content are exactly those of the format', (t) => {
  const { commitment, content } = sealPlate('AB123CD', (size) => Buffer.alloc(size, 0xab));
  const salt = 'ab'.repeat(32);
  t.is(content.toString(), `{"salt":"${salt}","text":"AB123CD"}`);
  // printf %s "$salt:AB123CD" | sha256sum
  t.is(commitment, sha256(`${salt}:AB123CD`));
  t.deepEqual(readPlate(content), { salt, text: 'AB123CD' });
});

test('a content opens its own commitment and no other, whatever the plate', (t) => {
  const plate = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(plate, plate, (text, other) => {
      const one = sealPlate(text, randomBytes);
      const two = sealPlate(other, randomBytes);
      t.true(opensCommitment(one.content, one.commitment));
      t.false(opensCommitment(two.content, one.commitment));
      t.not(one.commitment, two.commitment);
      const forged = Buffer.from(JSON.stringify({ ...readPlate(one.content), text: `${text}X` }));
      t.false(opensCommitment(forged, one.commitment));
    }),
    { numRuns: 50 },
  );
});

test('what is no plate file opens nothing, and an empty plate is not committed to', (t) => {
  const salt = 'ab'.repeat(32);
  for (const bad of ['', '{}', 'null', '[]', `{"salt":"${salt}"}`, `{"salt":"ab","text":"A"}`, '\u0000']) {
    t.false(opensCommitment(Buffer.from(bad), sha256(`${salt}:`)));
  }
  t.throws(() => sealPlate('', randomBytes));
});
