import { unavailable } from './find-line.ts';
import type { KeeperLink, OpenKeeperLink } from './keeper-link.ts';
import { type FromKeeper, fromPlain, LineSplit, type ToKeeper } from './keeper-messages.ts';

type Opening = Extract<ToKeeper, { kind: 'open' }>;
/** A question without its number. */
type Question =
  | { readonly kind: 'set'; readonly line: string; readonly level: boolean }
  | { readonly kind: 'read'; readonly line: string }
  | { readonly kind: 'safe' };

interface Waiting {
  readonly resolve: (level: boolean | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** The unit's end of one keeper: questions and their answers, and the end of both. Questions that wait when the keeper ends reject. */
export class KeeperClient {
  readonly #link: KeeperLink;
  readonly #onMessage: (message: FromKeeper) => void;
  readonly #waiting = new Map<number, Waiting>();
  readonly #opened = Promise.withResolvers<void>();
  /** Why the keeper ended. */
  readonly ended: Promise<string>;
  onBeat: () => void = () => undefined;
  #next = 1;
  #over: string | undefined;

  constructor(open: OpenKeeperLink, onMessage: (message: FromKeeper) => void) {
    this.#onMessage = onMessage;
    const split = new LineSplit();
    this.#link = open((bytes) => {
      for (const text of split.take(bytes)) this.#take(JSON.parse(text) as FromKeeper);
    });
    this.#opened.promise.catch(() => undefined);
    this.ended = this.#link.ended.then((why) => this.#fail(why));
  }

  open(opening: Opening): Promise<void> {
    this.#send(opening);
    return this.#opened.promise;
  }

  ask(question: Question): Promise<boolean | undefined> {
    if (this.#over !== undefined) return Promise.reject(gone(this.#over));
    const id = this.#next;
    this.#next += 1;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#send({ ...question, id });
    });
  }

  beat(): void {
    if (this.#over === undefined) this.#send({ kind: 'beat' });
  }

  /** Resolves when the keeper has made the lines safe and ended. */
  async end(): Promise<void> {
    this.#link.end();
    await this.ended;
  }

  kill(): void {
    this.#link.kill();
  }

  #send(message: ToKeeper): void {
    this.#link.send(`${JSON.stringify(message)}\n`);
  }

  #take(message: FromKeeper): void {
    this.onBeat();
    switch (message.kind) {
      case 'opened':
        this.#opened.resolve();
        break;
      case 'refused':
        this.#opened.reject(fromPlain(message.fault));
        break;
      case 'done':
        this.#settle(message.id)?.resolve(message.level);
        break;
      case 'failed':
        this.#settle(message.id)?.reject(fromPlain(message.fault));
        break;
      default:
        this.#onMessage(message);
        break;
    }
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  #fail(why: string): string {
    this.#over = why;
    const fault = gone(why);
    this.#opened.reject(fault);
    for (const { reject } of this.#waiting.values()) reject(fault);
    this.#waiting.clear();
    return why;
  }
}

function gone(why: string): unknown {
  return unavailable(`the lines' keeper is gone: ${why}`, undefined);
}
