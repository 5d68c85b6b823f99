import type { Encrypter } from 'age-encryption';
import { AtalayaError } from '../../kernel/errors.ts';
import type { Turns } from './turns.ts';

/** Bytes as they are, or as they come. */
export type Content = Uint8Array | AsyncIterable<Uint8Array>;

/** The payload of an age file is encrypted in chunks of so many bytes, each at a stretch (age-encryption.org/v1, Payload). */
const chunkBytes = 64 * 1024;

/** Far above what the headers of hundreds of recipients take. */
const mostHeaderBytes = 1024 * 1024;

/** The last line of a header begins so; no line before it can, as stanzas begin with an arrow and their bodies are base64. */
const macLine = Buffer.from('\n--- ');

/**
 * The body of an age file, while it is encrypted; its header (everything up to and with the line of the MAC) is given to `onHeader`
 * before the first of it. Header and body together are the age file.
 *
 * Nothing is read ahead of the reader but a chunk or two. Leaving early ends the source. Throws what the source throws, and the
 * signal's reason.
 */
export async function* encryptApart(
  encrypter: Encrypter,
  content: Content,
  turns: Turns,
  onHeader: (header: Buffer) => void,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const stream = await encrypter.encrypt(asStream(content, turns, signal));
  let header: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of stream) {
    if (header === undefined) {
      yield chunk;
      continue;
    }
    header = Buffer.concat([header, chunk]);
    const length = headerLength(header);
    if (length !== undefined) {
      onHeader(Buffer.from(header.subarray(0, length)));
      const rest = header.subarray(length);
      header = undefined;
      if (rest.byteLength > 0) yield rest;
    } else if (header.byteLength > mostHeaderBytes) {
      break;
    }
  }
  if (header !== undefined) throw new AtalayaError('internal', 'an age file without the end of a header');
}

/** Bytes of the header that a beginning of an age file holds, undefined where its end is not in it. */
export function headerLength(start: Buffer): number | undefined {
  const at = start.indexOf(macLine);
  const end = at < 0 ? -1 : start.indexOf('\n', at + macLine.byteLength);
  return end < 0 ? undefined : end + 1;
}

/** Content as a stream of chunks no larger than age's own, one in each turn of the event loop, and only when asked for. */
export function asStream(content: Content, turns: Turns, signal?: AbortSignal): ReadableStream<Uint8Array> {
  const chunks = slices(content);
  let stop = (): void => undefined;
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        if (signal === undefined) return;
        const abort = (): void => {
          controller.error(signal.reason);
          // A source that hangs never comes to its end; nobody waits for it.
          void chunks.return().catch(() => undefined);
        };
        stop = () => signal.removeEventListener('abort', abort);
        if (signal.aborted) abort();
        else signal.addEventListener('abort', abort, { once: true });
      },
      pull: async (controller) => {
        try {
          const next = await chunks.next();
          await turns.next();
          if (signal?.aborted === true) return;
          if (next.done !== true) {
            controller.enqueue(next.value);
            return;
          }
          controller.close();
          stop();
        } catch (error) {
          stop();
          throw error;
        }
      },
      cancel: async () => {
        stop();
        await chunks.return();
      },
    },
    { highWaterMark: 0 },
  );
}

async function* slices(content: Content): AsyncGenerator<Uint8Array, void, undefined> {
  if (content instanceof Uint8Array) {
    for (let at = 0; at < content.byteLength; at += chunkBytes) yield content.subarray(at, at + chunkBytes);
    return;
  }
  for await (const chunk of content) yield* slices(chunk);
}
