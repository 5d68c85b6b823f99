import { AtalayaError } from '../../../../device/kernel/errors.ts';
import type { Random } from '../../../../device/kernel/supervise.ts';
import type { Link, LinkSession } from '../../../link/link.ts';

interface Flying {
  readonly topic: string;
  readonly payload: Buffer;
  readonly done: () => void;
  readonly failed: (fault: AtalayaError) => void;
}

export interface HostileLinkEnds {
  readonly online: (session: LinkSession) => void;
  readonly offline: () => void;
  /** A message comes to the centre. */
  readonly delivered: (topic: string, payload: Buffer) => void;
}

/**
 * A link and a broker behind it that do with each message what the test says: pass it on, pass it on twice, take it and lose it, pass it on
 * and lose the acknowledgement, hand it over behind later ones. Throws where more is published than the session allows.
 */
export class HostileLink implements Pick<Link, 'publish' | 'inFlight'> {
  readonly #ends: HostileLinkEnds;
  readonly #random: Random;
  #session: LinkSession | undefined;
  #flying: Flying[] = [];
  /** The most that was ever on its way. */
  most = 0;
  mostBytes = 0;
  /** What went wrong on the way that must not. */
  violation: string | undefined;

  constructor(random: Random, ends: HostileLinkEnds) {
    this.#random = random;
    this.#ends = ends;
  }

  get inFlight(): number {
    return this.#flying.length;
  }

  get isOnline(): boolean {
    return this.#session !== undefined;
  }

  publish(topic: string, payload: Buffer | string): Promise<void> {
    return new Promise((done, failed) => {
      if (this.#session === undefined) return failed(new AtalayaError('link-down', 'no connection'));
      const bytes = Buffer.from(payload);
      if (bytes.byteLength > (this.#session.maximumPacketSize ?? 120 * 1024)) this.violation = 'a packet is too long';
      this.#flying.push({ topic, payload: bytes, done, failed });
      this.most = Math.max(this.most, this.#flying.length);
      this.mostBytes = Math.max(
        this.mostBytes,
        this.#flying.reduce((sum, { payload: each }) => sum + each.byteLength, 0),
      );
      if (this.#flying.length > this.#session.receiveMaximum) this.violation = 'more in flight than the broker takes';
    });
  }

  connect(session: LinkSession): void {
    if (this.#session !== undefined) return;
    this.#session = session;
    this.#ends.online(session);
  }

  /** Loses the connection; of what is on its way, some has arrived. */
  cut(): void {
    if (this.#session === undefined) return;
    this.#session = undefined;
    const lost = this.#flying.splice(0);
    const arrived = Math.floor(this.#random() * (lost.length + 1));
    for (const { topic, payload } of lost.slice(0, arrived)) this.#ends.delivered(topic, payload);
    for (const { failed } of lost) failed(new AtalayaError('link-down', 'the connection was cut'));
    this.#ends.offline();
  }

  /** One message goes its way, as well as `mischief`, from 0 to 1, lets it. */
  step(mischief: number): void {
    const at = this.#random() < mischief ? Math.floor(this.#random() * this.#flying.length) : 0;
    const [message] = this.#flying.splice(at, 1);
    if (message === undefined) return;
    const { topic, payload, done } = message;
    // A broker that is killed has acknowledged what it then forgets.
    const times = this.#random() < mischief ? ([0, 1, 2][Math.floor(this.#random() * 3)] ?? 1) : 1;
    for (let i = 0; i < times; i += 1) this.#ends.delivered(topic, payload);
    done();
  }
}
