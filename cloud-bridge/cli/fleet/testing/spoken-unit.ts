import { sleep } from '../../../../device/kernel/clock.ts';
import { AtalayaError } from '../../../../device/kernel/errors.ts';
import { milliseconds } from '../../../../device/kernel/units.ts';
import type { Desired } from '../../../contract/acts.ts';
import { filterOf, topicOf } from '../../../contract/address.ts';
import { encodeMessage, parseMessage } from '../../../contract/message.ts';
import type { TopicName, TopicParameters, TopicPayload } from '../../../contract/topics.ts';
import type { Arrival, Link } from '../../../link/link.ts';
import type { MemoryBroker } from '../../../testing/memory-broker.ts';

const zeros = '0'.repeat(64);
const now = () => new Date().toISOString();

/** What is said of a unit at a broker: just enough for people at the centre to have something to speak with. */
export class SpokenUnit {
  /** Documents that it was given, the newest last. */
  readonly given: Desired[] = [];
  outcome: 'confirmed' | 'rolled-back' | 'silent' = 'confirmed';
  readonly #unit: string;
  readonly #link: Link;
  #inForce = 0;

  constructor(broker: MemoryBroker, unit: string) {
    this.#unit = unit;
    this.#link = broker.link(
      {
        online: () => this.#say('state', {}, { online: true, at: now(), site: 'Bridge Street', health: 'good' }),
        offline: () => undefined,
        arrived: (arrival) => this.#arrived(arrival),
      },
      { clientId: unit },
    );
  }

  async listen(): Promise<void> {
    await this.#link.subscribe([filterOf('desired', this.#unit), filterOf('command', this.#unit)]);
  }

  async alert(): Promise<void> {
    const data = {
      id: `${this.#unit}-camera-lost-1`,
      name: 'camera-lost',
      state: 'critical' as const,
      since: now(),
      detail: 'no frame for 110 s',
    };
    const event = { sequence: 1, previous: 0, time: now(), data };
    await this.#say('alert', {}, { lane: 'alert', stream: '0123456789abcdef', events: [event] });
  }

  async leave(): Promise<void> {
    await this.#link.close();
  }

  async #say<N extends TopicName>(name: N, parameters: TopicParameters<N>, payload: TopicPayload<N>): Promise<void> {
    const { payload: bytes, qos, retain } = encodeMessage(name, payload);
    await this.#link.publish(topicOf(name, this.#unit, parameters), bytes, { qos, retain });
  }

  async #arrived({ topic, payload }: Arrival): Promise<void> {
    const message = parseMessage(topic, payload, 'down');
    if (message.kind === 'refused')
      throw new AtalayaError('internal', `the centre sent what is refused: ${message.detail}`);
    if (message.name === 'command') {
      const { id, name } = message.content;
      return this.#say('reply', { id }, { id, name, at: now(), outcome: 'done', result: { camera: 'good' } });
    }
    if (message.name !== 'desired') return;
    const { version } = message.content;
    this.given.push(message.content);
    if (this.outcome === 'silent') return;
    const before = this.#inForce;
    const said = (outcome: 'trial' | 'confirmed' | 'rolled-back', inForce: number, reasons: string[] = []) =>
      this.#say(
        'reported',
        {},
        { at: now(), outcome, version, sha256: zeros, reasons, inForce: { version: inForce, sha256: zeros } },
      );
    await said('trial', version);
    // A trial takes its time; two reports are never of one instant.
    await sleep(milliseconds(20));
    if (this.outcome === 'confirmed') this.#inForce = version;
    if (this.outcome === 'confirmed') await said('confirmed', version);
    else await said('rolled-back', before, ['frames-unseen: no frame was seen']);
  }
}
