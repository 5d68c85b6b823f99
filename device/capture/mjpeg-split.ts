/**
 * Cuts a stream of bytes into JPEG files by their own structure (ITU-T T.81, B.1.1): marker segments are walked by their lengths, so
 * that a thumbnail inside a segment does not end the picture, and entropy-coded data ends at the first marker that is neither a
 * stuffed zero nor a restart.
 */

export type MjpegPiece =
  /** One whole JPEG file, SOI to EOI. */
  | { readonly kind: 'picture'; readonly bytes: Uint8Array }
  /**
   * `bytes` that hold no picture were passed over. `frame` is true where a picture began, so that it takes a frame's number: an empty
   * frame, or one broken inside.
   */
  | { readonly kind: 'damage'; readonly frame: boolean; readonly reason: string; readonly bytes: number };

export type MjpegEnd = { readonly kind: 'clean' } | { readonly kind: 'truncated'; readonly bytes: number };

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;

/** A JPEG larger than this is damage, not a picture: it bounds the memory that a hostile file can take. */
const LARGEST_PICTURE = 64 * 1024 * 1024;

/** Takes chunks of any size, yields whole pictures in order, and returns how the stream ended. */
export async function* splitMjpeg(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<MjpegPiece, MjpegEnd> {
  let rest: Uint8Array = new Uint8Array(0);
  for await (const chunk of chunks) {
    rest = rest.byteLength === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    for (;;) {
      const step = next(rest, at);
      if (step.kind === 'more') break;
      at = step.end;
      yield step.piece;
    }
    // A copy, not a view: the reader may use its chunk's memory again.
    rest = rest.slice(at);
    if (rest.byteLength > LARGEST_PICTURE) return { kind: 'truncated', bytes: rest.byteLength };
  }
  return rest.every((byte) => byte === 0) ? { kind: 'clean' } : { kind: 'truncated', bytes: rest.byteLength };
}

type Step = { readonly kind: 'more' } | { readonly kind: 'piece'; readonly piece: MjpegPiece; readonly end: number };
const more: Step = { kind: 'more' };

function next(bytes: Uint8Array, start: number): Step {
  if (start + 2 > bytes.byteLength) return more;
  if (bytes[start] !== 0xff || bytes[start + 1] !== SOI) return skipToStart(bytes, start);
  let at = start + 2;
  let scans = 0;
  for (;;) {
    if (at + 2 > bytes.byteLength) return more;
    if (bytes[at] !== 0xff) return damage(bytes, start, at, 'a marker is missing inside the picture');
    const marker = bytes[at + 1] ?? 0;
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (marker === EOI) {
      const end = at + 2;
      if (scans === 0)
        return {
          kind: 'piece',
          end,
          piece: { kind: 'damage', frame: true, reason: 'the frame is empty', bytes: end - start },
        };
      return { kind: 'piece', end, piece: { kind: 'picture', bytes: bytes.slice(start, end) } };
    }
    if (marker === SOI) return damage(bytes, start, at, 'the picture stops before its end');
    if (at + 4 > bytes.byteLength) return more;
    const length = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
    if (length < 2) return damage(bytes, start, at + 2, 'a marker segment has no length');
    at += 2 + length;
    if (marker !== SOS) continue;
    scans += 1;
    const end = endOfScan(bytes, at);
    if (end === undefined) return more;
    at = end;
  }
}

/** Index of the first marker after entropy-coded data, or undefined where the data goes on past the buffer. */
function endOfScan(bytes: Uint8Array, start: number): number | undefined {
  let at = start;
  for (;;) {
    at = bytes.indexOf(0xff, at);
    if (at < 0 || at + 1 >= bytes.byteLength) return undefined;
    const marker = bytes[at + 1] ?? 0;
    const inData = marker === 0 || marker === 0xff || (marker >= 0xd0 && marker <= 0xd7);
    if (!inData) return at;
    at += marker === 0xff ? 1 : 2;
  }
}

function skipToStart(bytes: Uint8Array, start: number): Step {
  const end = nextSoi(bytes, start);
  if (end === undefined) return more;
  return {
    kind: 'piece',
    end,
    piece: { kind: 'damage', frame: false, reason: 'bytes between pictures', bytes: end - start },
  };
}

function damage(bytes: Uint8Array, start: number, from: number, reason: string): Step {
  const end = nextSoi(bytes, from);
  return end === undefined
    ? more
    : { kind: 'piece', end, piece: { kind: 'damage', frame: true, reason, bytes: end - start } };
}

function nextSoi(bytes: Uint8Array, from: number): number | undefined {
  const end = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf(Buffer.from([0xff, SOI]), from);
  return end < 0 ? undefined : end;
}
