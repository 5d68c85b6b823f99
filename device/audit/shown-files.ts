import type { EvidenceFile } from '../evidence/record/record.ts';

/** Pictures larger than this are named on the sheet, not shown. */
const largestShown = 12 * 1024 * 1024;

/** Keeps of the opened files those that the sheet shows, as they pass by on their way to the disk: pictures and what was read of the plate. */
export class Keeper {
  readonly #opened = new Set<EvidenceFile>();
  readonly #contents = new Map<EvidenceFile, Buffer>();

  /** The same bytes. */
  async *keep(file: EvidenceFile, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    this.#opened.add(file);
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of bytes) {
      length += chunk.byteLength;
      if (file.role !== 'clip' && length <= largestShown) chunks.push(Uint8Array.from(chunk));
      yield chunk;
    }
    if (file.role !== 'clip' && length <= largestShown) this.#contents.set(file, Buffer.concat(chunks));
  }

  isOpened(file: EvidenceFile): boolean {
    return this.#opened.has(file);
  }

  /** What was in it, of a picture that is not too large and of the plate. */
  content(file: EvidenceFile): Buffer | undefined {
    return this.#contents.get(file);
  }
}
