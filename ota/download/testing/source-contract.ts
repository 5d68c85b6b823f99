import { randomBytes } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { blockStep } from '../../../cloud-bridge/contract/stream.ts';
import { isAtalayaError } from '../../../device/kernel/errors.ts';
import { fault } from '../../../device/kernel/testing/fault.ts';
import type { BlockSink, BlockWishes, UpdateSource } from '../../contract/parts.ts';

/** A source with these files by their paths, and how to let its time pass. */
export interface SourceHarness {
  readonly source: UpdateSource;
  finish<T>(work: Promise<T>): Promise<T>;
  /** Milliseconds that have passed on the clock of the source. */
  now(): number;
  close(): Promise<void>;
}

/** Where a test lets blocks go. */
export class GatheringSink implements BlockSink {
  readonly content: Buffer;
  /** How often each step came. */
  readonly steps: number[];
  readonly lengths: number[] = [];
  readonly #onTake: (offset: number) => void;

  constructor(length: number, onTake: (offset: number) => void = () => undefined) {
    this.content = Buffer.alloc(length);
    this.steps = Array.from({ length: Math.ceil(length / blockStep) }, () => 0);
    this.#onTake = onTake;
  }

  async take(offset: number, bytes: Uint8Array): Promise<void> {
    this.#onTake(offset);
    this.content.set(bytes, offset);
    for (let at = offset; at < offset + bytes.byteLength; at += blockStep) {
      this.steps[at / blockStep] = (this.steps[at / blockStep] ?? 0) + 1;
    }
  }

  lengthIs(bytes: number): void {
    this.lengths.push(bytes);
  }
}

/** What is wanted of a file: everything where nothing else is said. */
export const wishes = (length: number, more: Partial<BlockWishes> = {}): BlockWishes => ({
  length,
  wants: () => true,
  rate: () => undefined,
  ...more,
});

const never = new AbortController().signal;
const target = `targets/${'ab'.repeat(32)}.unit-1.2.3-r7-x64.tar.zst`;
const absent = `targets/${'cd'.repeat(32)}.unit-1.2.3-r7-x64.tar.zst`;

/** What every source does. */
export function testSource(
  name: string,
  open: (files: ReadonlyMap<string, Buffer>) => Promise<SourceHarness | undefined>,
) {
  const content = randomBytes(300_001);
  const files = new Map([
    ['image/timestamp.json', Buffer.from('{"timestamp":1}')],
    ['image/1.root.json', randomBytes(70_000)],
    ['director/12.targets.json', randomBytes(8192)],
    [target, content],
  ]);
  const each = (title: string, body: (t: ExecutionContext, harness: SourceHarness) => Promise<void>) =>
    test(`${name}: ${title}`, async (t) => {
      const harness = await open(files);
      if (harness === undefined) {
        t.log('absent on this machine: passed over');
        t.pass();
        return;
      }
      try {
        await body(t, harness);
      } finally {
        await harness.close();
      }
    });

  each('metadata comes whole, and what is absent is undefined', async (t, { source, finish }) => {
    for (const path of ['image/timestamp.json', 'image/1.root.json', 'director/12.targets.json'])
      t.deepEqual(await finish(source.metadata(path, 100_000)), files.get(path));
    t.is(await finish(source.metadata('image/2.root.json', 100_000)), undefined);
  });

  each('metadata beyond what it may have, and paths of another form, are refused', async (t, { source, finish }) => {
    t.is((await fault(finish(source.metadata('image/1.root.json', 69_999)))).code, 'document-refused');
    for (const path of ['../etc/passwd', 'image/../image/timestamp.json', '/etc/passwd', 'targets/x', 'image', '']) {
      t.is((await fault(finish(source.metadata(path, 1000)))).code, 'document-refused', path);
      t.is(
        (await fault(finish(source.blocks(path, wishes(10), new GatheringSink(10), never)))).code,
        'document-refused',
        path,
      );
    }
  });

  each('a whole file comes, each step once', async (t, { source, finish }) => {
    const sink = new GatheringSink(content.byteLength);
    await finish(source.blocks(target, wishes(content.byteLength), sink, never));
    t.true(sink.content.equals(content));
    t.true(sink.steps.every((times) => times === 1));
    t.deepEqual([...new Set(sink.lengths)], [content.byteLength]);
  });

  each('nothing comes that is not wanted', async (t, { source, finish }) => {
    const sink = new GatheringSink(content.byteLength);
    const wants = (offset: number) => (offset / blockStep) % 7 === 3 || offset > 200_000;
    await finish(source.blocks(target, wishes(content.byteLength, { wants }), sink, never));
    t.deepEqual(
      sink.steps,
      sink.steps.map((_, step) => (wants(step * blockStep) ? 1 : 0)),
    );
    t.true(sink.content.subarray(-50_000).equals(content.subarray(-50_000)));
  });

  each('a file that is not there is refused; one of another length is told', async (t, { source, finish }) => {
    const nothing = source.blocks(absent, wishes(5000), new GatheringSink(5000), never);
    t.is((await fault(finish(nothing))).code, 'document-refused');
    for (const length of [content.byteLength - 1, content.byteLength + 1, 3 * content.byteLength]) {
      const sink = new GatheringSink(3 * content.byteLength);
      await finish(source.blocks(target, wishes(length), sink, never));
      t.true(sink.lengths.includes(content.byteLength));
    }
  });

  each('it can be stopped, and takes up where it is told', async (t, { source, finish }) => {
    const stop = new AbortController();
    const sink = new GatheringSink(content.byteLength, () => stop.abort());
    await finish(source.blocks(target, wishes(content.byteLength, { rate: () => 400_000 }), sink, stop.signal));
    const wants = (offset: number) => sink.steps[offset / blockStep] === 0;
    await finish(source.blocks(target, wishes(content.byteLength, { wants }), sink, never));
    t.true(sink.content.equals(content));
    t.true(sink.steps.every((times) => times === 1));
  });

  each('what the sink throws comes out', async (t, { source, finish }) => {
    const sink = new GatheringSink(content.byteLength, () => {
      throw new Error('no room');
    });
    const failed = await finish(source.blocks(target, wishes(content.byteLength), sink, never)).catch(
      (e: unknown) => e,
    );
    t.true(failed instanceof Error && !isAtalayaError(failed) && failed.message === 'no room');
  });

  each('it takes no more in a second than it may', async (t, { source, finish, now }) => {
    const wants = (offset: number) => offset < 131_072;
    const sink = new GatheringSink(content.byteLength);
    const began = now();
    await finish(source.blocks(target, wishes(content.byteLength, { wants, rate: () => 150_000 }), sink, never));
    const took = now() - began;
    t.is(
      sink.steps.reduce((sum, times) => sum + times),
      32,
    );
    // A quarter of a second of it may come at once, and so may the last piece.
    t.true(took > 400 && took < 10_000, `${took} ms`);
  });
}
