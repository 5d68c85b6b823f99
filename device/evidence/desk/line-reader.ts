import { AtalayaError } from '../../kernel/errors.ts';

const newline = 0x0a;

/** Bytes as lines, none longer than a bound, and no more read than somebody asks for. */
export class LineReader {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #longest: number;
  /** Of the line that is not complete, and of those after it. */
  #rest: Buffer[] = [];
  #bytes = 0;
  #reading: Promise<boolean> | undefined;

  constructor(chunks: AsyncIterable<Buffer>, longest: number) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.#longest = longest;
  }

  /** Resolves when the next line has begun, or with false where there is none. May be asked again while it is waited for. */
  async begun(): Promise<boolean> {
    return this.#bytes > 0 || this.#more();
  }

  /** The next line without its end; undefined at the end of the bytes, a line without its end included. Throws `usage-invalid`. */
  async line(): Promise<Buffer | undefined> {
    for (let searched = 0; ; ) {
      for (; searched < this.#rest.length; searched += 1) {
        const at = this.#rest[searched]?.indexOf(newline) ?? -1;
        if (at !== -1) return this.#take(searched, at);
      }
      this.#check(this.#bytes);
      if (!(await this.#more())) return undefined;
    }
  }

  #take(chunk: number, at: number): Buffer {
    const last = this.#rest[chunk] ?? Buffer.alloc(0);
    const line = Buffer.concat([...this.#rest.slice(0, chunk), last.subarray(0, at)]);
    this.#check(line.byteLength);
    const over = last.subarray(at + 1);
    this.#rest = [...(over.byteLength === 0 ? [] : [over]), ...this.#rest.slice(chunk + 1)];
    this.#bytes -= line.byteLength + 1;
    return line;
  }

  #check(bytes: number): void {
    if (bytes > this.#longest)
      throw new AtalayaError('usage-invalid', `a line at the desk is longer than ${this.#longest} bytes`);
  }

  #more(): Promise<boolean> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<boolean> {
    const next = await this.#chunks.next();
    if (next.done === true) return false;
    this.#rest.push(next.value);
    this.#bytes += next.value.byteLength;
    return true;
  }
}
