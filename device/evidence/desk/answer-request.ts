import { AtalayaError } from '../../kernel/errors.ts';
import type { IndexEntry } from '../index/index-store.ts';
import type { AuditedStore } from './audited-store.ts';
import type { Request, Value } from './desk-protocol.ts';

/** Plain data that is valid JSON. */
type Json = Value<keyof typeof import('./desk-protocol.ts').values>;

/** How a request is answered: by one value that is read or by an act, or by a stream that is read. */
export type Reply =
  | { readonly kind: 'read' | 'act'; readonly make: () => Promise<Json> }
  | { readonly kind: 'stream'; readonly items: AsyncIterable<Json> };

/** Lines of the index in one item. */
const linesTogether = 256;

/** What the store says to a request. Nothing is done before the reply is asked for its value. */
export function answerOf(store: AuditedStore, request: Request): Reply {
  switch (request.op) {
    case 'lines':
      return { kind: 'stream', items: together(store.lines(request.from)) };
    case 'ciphertext':
      return { kind: 'stream', items: pieces(store, request) };
    case 'entry':
      return { kind: 'read', make: () => entry(store, request.sequence) };
    case 'inclusion':
      return { kind: 'read', make: () => inclusion(store, request.sequence) };
    case 'consistency':
      return { kind: 'read', make: async () => (await store.consistency(request.size)).map(base64) };
    case 'act':
      return { kind: 'act', make: () => store.act(request.act, request.by) };
    case 'checkpoint':
      return { kind: 'act', make: async () => (await store.checkpoint()).note };
    case 'self-test':
      return { kind: 'act', make: () => selfTest(store, request) };
    case 'cosign':
      return { kind: 'act', make: async () => (await store.cosign(request.note)).note };
  }
}

async function* together(lines: AsyncIterable<IndexEntry>): AsyncGenerator<Value<'lines'>> {
  let some: Value<'lines'> = [];
  for await (const line of lines) {
    some.push(line.kind === 'evidence' ? { ...line, holds: [...line.holds] } : line);
    if (some.length < linesTogether) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}

/** Of evidence that the journal holds, whatever the client believes of it. */
async function* pieces(
  store: AuditedStore,
  { sequence, name }: Extract<Request, { op: 'ciphertext' }>,
): AsyncGenerator<Value<'ciphertext'>> {
  const found = await store.entry(sequence);
  if (found?.kind !== 'evidence') throw new AtalayaError('usage-invalid', `entry ${sequence} is no evidence`);
  for await (const piece of store.ciphertext(found.record, name)) yield base64(piece);
}

async function entry(store: AuditedStore, sequence: number): Promise<Value<'entry'>> {
  const found = await store.entry(sequence);
  return found === undefined ? null : { bytes: base64(found.bytes), signature: base64(found.signature) };
}

async function inclusion(store: AuditedStore, sequence: number): Promise<Value<'inclusion'>> {
  const { index, size, leafHash, hashes, checkpoint } = await store.inclusion(sequence);
  return { index, size, leafHash: base64(leafHash), hashes: hashes.map(base64), note: checkpoint?.note ?? null };
}

async function selfTest(
  { selfTest: run }: AuditedStore,
  { pulse, seal, actor }: Extract<Request, { op: 'self-test' }>,
): Promise<Value<'report'>> {
  if (run !== undefined) return (await run({ pulse, seal, actor })) as Value<'report'>;
  throw new AtalayaError('desk-closed', 'the unit is not open yet', { hint: 'Try again in a moment.' });
}

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
