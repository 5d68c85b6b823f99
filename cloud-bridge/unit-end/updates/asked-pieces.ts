import { blockStep, smallestBlock } from '../../contract/stream.ts';

/** A block of a file, at the size that it was asked for with. */
export interface Piece {
  readonly offset: number;
  /** Of a block; the last one of a file has less. */
  readonly size: number;
}

interface Asked extends Piece {
  readonly bytes: number;
  readonly epoch: number;
  readonly at: number;
}

/** What a name of a stream stands for. */
export interface Stream {
  /** Rises whenever what was asked for before may be lost. */
  readonly epoch: number;
  readonly size: number;
}

/** Epochs whose blocks are still known when they come. */
const mostEpochs = 16;

/**
 * The pieces of one file: which to ask for next, which are asked for, which were given up.
 *
 * Blocks of one epoch come, where they come, before anything of the next: so whatever of a later epoch comes says that what is missing of
 * the earlier ones is lost.
 */
export class AskedPieces {
  readonly #wants: (offset: number) => boolean;
  readonly #asked = new Map<number, Asked>();
  /** Given up, and to be asked for again; where they come after all they are taken. */
  readonly #lost = new Map<number, Piece>();
  readonly #streams = new Map<string, Stream>();
  #next = 0;
  #epoch = 0;

  constructor(wants: (offset: number) => boolean) {
    this.#wants = wants;
  }

  get asked(): number {
    return this.#asked.size;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Names of streams of ours. */
  get tokens(): readonly string[] {
    return [...this.#streams.keys()];
  }

  /** Monotonic time at which the oldest that is outstanding was asked for. */
  get oldest(): number | undefined {
    return this.#asked.values().next().value?.at;
  }

  stream(token: string): Stream | undefined {
    return this.#streams.get(token);
  }

  /** Nothing is left to be asked for or to come. */
  over(length: number): boolean {
    return this.#asked.size === 0 && this.#lost.size === 0 && this.#skip(length) >= length;
  }

  /** The next piece to ask for, of at most so many bytes, or of those that it had when it was asked for before. */
  peek(length: number, most: number): Piece | undefined {
    for (const piece of this.#lost.values()) {
      if (piece.offset < length) return piece;
      this.#lost.delete(piece.offset);
    }
    const offset = this.#skip(length);
    if (offset >= length) return undefined;
    let size = most;
    while (size > smallestBlock && !this.#fits(offset, size, length)) size /= 2;
    return { offset, size };
  }

  /** What `peek` gave is asked for now. */
  ask(piece: Piece, bytes: number, at: number): void {
    if (!this.#lost.delete(piece.offset)) this.#next = piece.offset + piece.size;
    this.#asked.set(piece.offset, { ...piece, bytes, epoch: this.#epoch, at });
  }

  /** The name for pieces of this size: drawn by `draw` where there is none in this epoch. Forgotten names are given to `forget`. */
  token(size: number, draw: () => string, forget: (token: string) => void): string {
    for (const [token, stream] of this.#streams) {
      if (stream.epoch === this.#epoch && stream.size === size) return token;
      if (stream.epoch <= this.#epoch - mostEpochs) {
        this.#streams.delete(token);
        forget(token);
      }
    }
    const token = draw();
    this.#streams.set(token, { epoch: this.#epoch, size });
    return token;
  }

  /** What is asked for from now on is told from what was before. */
  newEpoch(): void {
    this.#epoch += 1;
  }

  /**
   * A block has come. `asked`: it is taken off the list, with the time of asking where that was the one that is answered; `late`: it was given
   * up; `twice`: it came before; `never`: nobody asked for it.
   */
  came(
    offset: number,
    { size, epoch }: Stream,
  ):
    | { readonly kind: 'asked'; readonly bytes: number; readonly at: number | undefined }
    | { readonly kind: 'late' | 'twice' | 'never' } {
    const asked = this.#asked.get(offset);
    if (asked !== undefined && asked.size === size) {
      this.#asked.delete(offset);
      return { kind: 'asked', bytes: asked.bytes, at: asked.epoch === epoch ? asked.at : undefined };
    }
    if (this.#lost.get(offset)?.size === size) {
      this.#lost.delete(offset);
      return { kind: 'late' };
    }
    return { kind: offset < this.#next ? 'twice' : 'never' };
  }

  /** Gives up what was asked for before this epoch; bytes of credit that come free. */
  giveUp(epoch: number): { readonly pieces: number; readonly bytes: number } {
    let pieces = 0;
    let bytes = 0;
    for (const asked of [...this.#asked.values()].filter((one) => one.epoch < epoch)) {
      this.#asked.delete(asked.offset);
      this.#lost.set(asked.offset, { offset: asked.offset, size: asked.size });
      pieces += 1;
      bytes += asked.bytes;
    }
    return { pieces, bytes };
  }

  /** The next offset that is wanted; within a step that is begun all is. */
  #skip(length: number): number {
    while (this.#next < length && this.#next % blockStep === 0 && !this.#wants(this.#next)) this.#next += blockStep;
    return this.#next;
  }

  /** It begins at a multiple of its size, and nothing of it is here. */
  #fits(offset: number, size: number, length: number): boolean {
    if (offset % size !== 0) return false;
    const steps = Math.min(length, offset + size);
    for (let at = offset - (offset % blockStep) + blockStep; at < steps; at += blockStep)
      if (!this.#wants(at)) return false;
    return true;
  }
}
