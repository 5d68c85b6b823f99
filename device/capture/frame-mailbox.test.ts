import test from 'ava';
import fc from 'fast-check';
import { FrameMailbox } from './frame-mailbox.ts';

interface Letter {
  readonly number: number;
}
const letter = (number: number): Letter => ({ number });
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const turns = async (count: number) => {
  for (let i = 0; i < count; i += 1) await turn();
};

/** One puts `count`, one takes until the end, each with its own pauses. */
async function exchange(mode: 'newest' | 'every', count: number, puts: readonly number[], takes: readonly number[]) {
  const skipped: number[] = [];
  const taken: number[] = [];
  const mailbox = new FrameMailbox<Letter>(mode, ({ number }) => skipped.push(number));
  const putting = async () => {
    for (let i = 0; i < count; i += 1) {
      await turns(puts[i % puts.length] ?? 0);
      await mailbox.put(letter(i));
    }
    mailbox.close();
  };
  const taking = async () => {
    for (let i = 0; ; i += 1) {
      await turns(takes[i % takes.length] ?? 0);
      const next = await mailbox.take();
      if (next === undefined) return;
      taken.push(next.number);
    }
  };
  await Promise.all([putting(), taking()]);
  return { skipped, taken };
}

const pauses = fc.array(fc.nat(4), { minLength: 1, maxLength: 8 });

test('every: all arrive, in order, whoever is slower', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.nat(30), pauses, pauses, async (count, puts, takes) => {
      const { skipped, taken } = await exchange('every', count, puts, takes);
      t.deepEqual(
        taken,
        Array.from({ length: count }, (_, i) => i),
      );
      t.deepEqual(skipped, []);
    }),
    { numRuns: 60 },
  );
});

test('newest: each is either taken or counted as skipped, in order, and the last one is taken', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 30 }), pauses, pauses, async (count, puts, takes) => {
      const { skipped, taken } = await exchange('newest', count, puts, takes);
      t.deepEqual(
        [...taken, ...skipped].sort((a, b) => a - b),
        Array.from({ length: count }, (_, i) => i),
      );
      t.deepEqual(
        taken,
        taken.toSorted((a, b) => a - b),
      );
      t.is(taken.at(-1), count - 1);
    }),
    { numRuns: 60 },
  );
});

test('newest: putting never waits, and what was not taken is skipped at once', async (t) => {
  const skipped: number[] = [];
  const mailbox = new FrameMailbox<Letter>('newest', ({ number }) => skipped.push(number));
  for (let i = 0; i < 5; i += 1) await mailbox.put(letter(i));
  t.deepEqual(skipped, [0, 1, 2, 3]);
  t.is((await mailbox.take())?.number, 4);
});

test('every: putting waits until the one before was taken', async (t) => {
  const mailbox = new FrameMailbox<Letter>('every', () => t.fail());
  await mailbox.put(letter(0));
  let done = false;
  const second = mailbox.put(letter(1)).then(() => {
    done = true;
  });
  await turns(3);
  t.false(done);
  t.is((await mailbox.take())?.number, 0);
  await second;
  t.is((await mailbox.take())?.number, 1);
});

test('closing wakes one that waits to take', async (t) => {
  for (const mode of ['newest', 'every'] as const) {
    const mailbox = new FrameMailbox<Letter>(mode, () => t.fail());
    const taken = mailbox.take();
    await turn();
    mailbox.close();
    t.is(await taken, undefined);
    t.is(await mailbox.take(), undefined);
  }
});

test('closing wakes one that waits to put, whose frame is handed back; the one before can still be taken', async (t) => {
  const skipped: number[] = [];
  const mailbox = new FrameMailbox<Letter>('every', ({ number }) => skipped.push(number));
  await mailbox.put(letter(0));
  const waiting = mailbox.put(letter(1));
  await turn();
  mailbox.close();
  await waiting;
  t.deepEqual(skipped, [1]);
  t.is((await mailbox.take())?.number, 0);
  t.is(await mailbox.take(), undefined);
  await mailbox.put(letter(2));
  t.deepEqual(skipped, [1, 2]);
});
