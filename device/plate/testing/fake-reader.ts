import type { ModelIdentity } from '../../detect/detect-messages.ts';
import { AtalayaError } from '../../kernel/errors.ts';
import type { PlateReader, PlateSight, VehicleCrop } from '../plate-reader.ts';

/** A crop that the fake reader was asked about, which is answered when a test says so. */
export interface Question {
  readonly crop: VehicleCrop;
  answer(sight: PlateSight): void;
  fail(error: unknown): void;
}

/**
 * A reader that says what it is told to: by `answer` at once, or where that gives undefined by whoever takes its questions. Behaves as the
 * real one does: one at a time in the order of the questions, and closing it fails what it has not answered.
 */
export class FakeReader implements PlateReader {
  readonly models: readonly ModelIdentity[] = [];
  readonly asked: VehicleCrop[] = [];
  /** Questions that are not answered yet, oldest first. */
  readonly open: Question[] = [];
  closed = false;
  /** Most questions that were open at once. */
  most = 0;
  readonly #answer: (crop: VehicleCrop) => PlateSight | undefined;

  constructor(answer: (crop: VehicleCrop) => PlateSight | undefined = () => undefined) {
    this.#answer = answer;
  }

  async read(crop: VehicleCrop): Promise<PlateSight> {
    if (this.closed) throw new AtalayaError('engine-failed', 'the reader is closed');
    this.asked.push(crop);
    const sight = this.#answer(crop);
    if (sight !== undefined) return sight;
    const { promise, resolve, reject } = Promise.withResolvers<PlateSight>();
    const question: Question = {
      crop,
      answer: (said) => this.#settle(question, () => resolve(said)),
      fail: (error) => this.#settle(question, () => reject(error)),
    };
    this.open.push(question);
    this.most = Math.max(this.most, this.open.length);
    return promise;
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const question of [...this.open]) question.fail(new AtalayaError('engine-failed', 'the reader was closed'));
  }

  #settle(question: Question, settle: () => void): void {
    const index = this.open.indexOf(question);
    if (index >= 0) this.open.splice(index, 1);
    settle();
  }
}
