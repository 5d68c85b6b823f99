import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import mqtt from 'mqtt';

export interface Heard {
  /** UTC ms, of this machine. */
  readonly at: number;
  /** Levels after `atalaya/v1/UNIT/`. */
  readonly topic: string;
  readonly content: Said;
}

/** Fields that are looked at, of whatever message. */
export interface Said {
  readonly online?: boolean;
  readonly software?: string;
  readonly job?: string;
  readonly step?: string;
  readonly reasons?: readonly string[];
  readonly progress?: { readonly done: number; readonly total: number };
  readonly interruptionS?: number;
  readonly parts?: readonly { readonly kind?: string; readonly version: string; readonly release?: number }[];
  readonly events?: readonly { readonly data?: { readonly record?: SaidRecord } }[];
  /** Of a command. */
  readonly result?: { readonly report?: SaidReport };
}

/** Of the record of an infraction. */
export interface SaidRecord {
  readonly provenance?: { readonly scene?: { readonly name: string; readonly sha256: string } };
  readonly infraction?: { readonly lane?: string | null; readonly measured?: { readonly limitKmh?: number } };
  readonly auxiliary?: { readonly calibration?: unknown };
}

/** Of a self-test. */
export interface SaidReport {
  readonly scene?: { readonly name: string; readonly sha256: string };
  readonly findings?: readonly { readonly check: string; readonly outcome: string; readonly says: string }[];
}

const ends = new Set(['confirmed', 'rolled-back', 'refused', 'failed', 'canceled']);

export const isJob = ({ topic }: Heard): boolean => topic === 'job/update';
export const isEnd = (heard: Heard): boolean => isJob(heard) && ends.has(String(heard.content.step));
export const isOnline = ({ topic, content }: Heard, version: string): boolean =>
  topic === 'state' && content.online === true && content.software === version;

/** Seconds from the unit's leave-taking, or its last will, to its next word. */
export function longestAway(heard: readonly Heard[]): number {
  let [since, longest]: [number | undefined, number] = [undefined, 0];
  for (const { topic, content, at: when } of heard) {
    if (topic !== 'state') continue;
    if (content.online === false) since ??= when;
    else if (since !== undefined) {
      longest = Math.max(longest, when - since);
      since = undefined;
    }
  }
  return longest / 1000;
}

/** Everything that a unit says to its broker, as somebody hears it who has nothing to do with either. */
export class WatchedTopics {
  readonly heard: Heard[] = [];
  readonly #client: mqtt.MqttClient;
  readonly #waiting = new Set<() => void>();

  constructor(client: mqtt.MqttClient, unit: string) {
    this.#client = client;
    const prefix = `atalaya/v1/${unit}/`;
    client.on('message', (topic, payload) => {
      if (!topic.startsWith(prefix)) return;
      const name = topic.slice(prefix.length);
      if (payload.byteLength > 0) this.#take(name, payload);
    });
  }

  /** `folder` has key and certificate of `bridge-2`; `ca`: path of the authorities from there. */
  static async open(folder: string, url: string, unit: string, ca = 'pki/ca.pem'): Promise<WatchedTopics> {
    const read = (name: string) => readFile(join(folder, name));
    const client = await mqtt.connectAsync(url, {
      protocolVersion: 5,
      clientId: 'bridge-2',
      ca: await read(ca),
      cert: await read('bridge-2.pem'),
      key: await read('bridge-2.key'),
    });
    const watched = new WatchedTopics(client, unit);
    await client.subscribeAsync(`atalaya/v1/${unit}/#`, { qos: 0 });
    return watched;
  }

  /** The first message from the `from`th on that is as wanted. Rejects after `time` ms with what was heard last. */
  until(what: string, wanted: (heard: Heard) => boolean, time: number, from = 0): Promise<Heard> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.heard.slice(from).find(wanted);
        if (found === undefined) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(found);
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        const last = this.heard
          .slice(-6)
          .map(({ topic, content }) => `${topic} ${JSON.stringify(content).slice(0, 400)}`);
        reject(new Error(`${what} was not heard within ${time / 1000} s; last:\n${last.join('\n')}`));
      }, time);
      this.#waiting.add(look);
      look();
    });
  }

  async close(): Promise<void> {
    await this.#client.endAsync();
  }

  #take(topic: string, payload: Buffer): void {
    try {
      this.heard.push({ at: Date.now(), topic, content: JSON.parse(payload.toString()) });
    } catch {
      return;
    }
    for (const look of [...this.#waiting]) look();
  }
}
