import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { formatTreeHead } from '../../../../device/evidence/log/checkpoint.ts';
import { formatNote, formatVkey, type NoteKey, noteKey } from '../../../../device/evidence/log/note.ts';
import { canonicalJson, type JsonValue } from '../../../../device/kernel/canonical-json.ts';
import { sha256 } from '../../../../device/kernel/hash.ts';
import type { UnsignedVersionReport, VersionReport } from '../../../../ota/contract/version-report.ts';
import type { Command } from '../../../contract/acts.ts';
import { filtersOf, topicOf } from '../../../contract/address.ts';
import type { Ack, LedgerEntry } from '../../../contract/events.ts';
import type { EvidenceGet } from '../../../contract/evidence.ts';
import { encodeMessage, parseMessage } from '../../../contract/message.ts';
import type { Lane } from '../../../contract/outbox.ts';
import type { StreamAnswer } from '../../../contract/stream.ts';
import {
  blockBytes,
  type EventKind,
  type TopicName,
  type TopicParameters,
  type TopicPayload,
  topics,
} from '../../../contract/topics.ts';
import type { Link, LinkHandlers } from '../../../link/link.ts';
import { GrowingTree } from '../../witness/leaf-edge.ts';

/** A key that signs records and checkpoints of a unit. */
export class UnitKey {
  readonly privateKey: KeyObject;
  readonly spkiPem: string;
  readonly id: string;
  readonly note: NoteKey;
  readonly algorithm: 'ed25519' | 'p256';

  constructor(unit: string, algorithm: 'ed25519' | 'p256' = 'ed25519') {
    const { privateKey, publicKey } =
      algorithm === 'ed25519'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const spki = publicKey.export({ format: 'der', type: 'spki' });
    this.privateKey = privateKey;
    this.algorithm = algorithm;
    this.spkiPem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
    this.id = sha256(spki);
    this.note = noteKey(`atalaya/${unit}`, algorithm, spki);
  }

  sign(message: string): Buffer {
    return sign(this.algorithm === 'p256' ? 'sha256' : null, Buffer.from(message), this.privateKey);
  }
}

export interface EventParts {
  readonly sequence: number;
  readonly previous?: number;
  readonly time?: string;
  readonly data: JsonValue;
}

const laneOf: Readonly<Record<EventKind, Lane>> = {
  infraction: 'infraction',
  audit: 'infraction',
  alert: 'alert',
  count: 'telemetry',
  telemetry: 'telemetry',
};

/** A unit as the centre knows it: it says what a test has it say, and remembers what it was told. */
export class SpeakingUnit {
  readonly id: string;
  readonly acks: Ack[] = [];
  readonly cosigned: string[] = [];
  readonly commands: Command[] = [];
  readonly desired: unknown[] = [];
  readonly gets: EvidenceGet[] = [];
  readonly grants: unknown[] = [];
  /** Of files of the update repositories. */
  readonly answers: StreamAnswer[] = [];
  readonly streamed: Buffer[] = [];
  /** Ids of jobs that it was told of; undefined where the hint was taken back. */
  readonly hints: (string | undefined)[] = [];
  /** Grants that were taken back. */
  emptied = 0;
  readonly stream: string;
  key: UnitKey;
  /** Called for each request for blocks. */
  onGet: (get: EvidenceGet) => void = () => undefined;
  readonly #link: Link;
  readonly #tree = new GrowingTree({ size: 0, nodes: [] });

  constructor(id: string, connect: (handlers: LinkHandlers) => Link, key = new UnitKey(id)) {
    this.id = id;
    this.key = key;
    this.stream = sha256(id).slice(0, 32);
    this.#link = connect({
      online: () => undefined,
      offline: () => undefined,
      arrived: ({ topic, payload }) => this.#arrived(topic, payload),
    });
    const down = (Object.keys(topics) as TopicName[]).filter((name) => topics[name].way === 'down');
    void this.#link.subscribe(down.flatMap((name) => filtersOf(name, id)));
  }

  async online(): Promise<void> {
    while (this.#link.state.kind !== 'online') await new Promise((resolve) => setTimeout(resolve, 2));
  }

  async say<N extends TopicName>(name: N, parameters: TopicParameters<N>, payload: TopicPayload<N>): Promise<void> {
    const { payload: encoded, qos, retain } = encodeMessage(name, payload);
    await this.#link.publish(topicOf(name, this.id, parameters), encoded, { qos, retain });
  }

  /** Whatever it may be. */
  raw(topic: string, payload: Buffer | string, retain = false): Promise<void> {
    return this.#link.publish(topic, payload, { qos: 1, retain });
  }

  state(more: Record<string, JsonValue> = {}): Promise<void> {
    const signingKey = { spki: this.key.spkiPem, vkey: formatVkey(this.key.note) };
    return this.say('state', {}, { online: true, at: '2026-03-01T12:00:00.000Z', signingKey, ...more });
  }

  events(kind: EventKind, events: readonly EventParts[], stream = this.stream): Promise<void> {
    const message = {
      lane: laneOf[kind],
      stream,
      events: events.map(({ sequence, previous = sequence - 1, time = '2026-03-01T12:00:00.000Z', data }) => ({
        ...{ sequence, previous, time, data },
      })),
    };
    return this.say(kind, {}, message as never);
  }

  /** In pieces of so many bytes. */
  async pieces(
    kind: EventKind,
    event: EventParts,
    bytes: number,
    alter: (index: number, piece: Buffer) => Buffer = (_, piece) => piece,
  ): Promise<void> {
    const text = Buffer.from(JSON.stringify(event.data));
    const count = Math.ceil(text.byteLength / bytes);
    for (let index = 0; index < count; index += 1) {
      const piece = alter(index, text.subarray(index * bytes, (index + 1) * bytes));
      await this.say(kind, {}, {
        ...{
          lane: laneOf[kind],
          stream: this.stream,
          sequence: event.sequence,
          previous: event.previous ?? event.sequence - 1,
        },
        ...{ time: '2026-03-01T12:00:00.000Z', part: { index, count, sha256: sha256(text) } },
        content: piece.toString('base64'),
      } as never);
    }
  }

  /** An entry of its ledger, signed. */
  entry(sequence: number, more: Record<string, JsonValue> = {}, key = this.key): LedgerEntry {
    const record = { schema: 'atalaya/evidence/3', unit: this.id, sequence, signer: key.id, ...more };
    return { record, signature: key.sign(canonicalJson(record)).toString('base64') } as LedgerEntry;
  }

  /** A report of what it runs, signed. */
  versions(more: Partial<UnsignedVersionReport> = {}, key = this.key): VersionReport {
    const report: UnsignedVersionReport = {
      ...{
        schema: 'atalaya/version-report/1',
        unit: this.id,
        at: new Date().toISOString(),
        slot: 'image',
        trial: false,
      },
      ...{ hardware: ['x64'], parts: [], metadata: { image: null, director: null }, refused: [], ...more },
    };
    const value = key.sign(canonicalJson(report as unknown as JsonValue)).toString('base64');
    return { ...report, signature: { key: key.id, algorithm: key.algorithm, value } };
  }

  /** Sends entries, and remembers their tree. */
  async ledger(from: number, to: number): Promise<void> {
    const events = [];
    for (let sequence = from; sequence <= to; sequence += 1) {
      const entry = this.entry(sequence);
      this.#tree.append(entry);
      events.push({ sequence, data: entry as unknown as JsonValue });
    }
    await this.events('infraction', events);
  }

  /** The checkpoint of all entries so far; `root` to state another tree. */
  note(root = this.#tree.root, size = this.#tree.size): string {
    const text = formatTreeHead({ origin: this.key.note.name, size, root });
    return formatNote({
      text,
      signatures: [{ name: this.key.note.name, keyId: this.key.note.id, signature: this.key.sign(text) }],
    });
  }

  /** The highest acknowledged sequence of a lane. */
  upTo(lane: Lane): number {
    const marks = this.acks.flatMap(({ marks }) => marks).filter((mark) => mark.lane === lane);
    return Math.max(0, ...marks.map(({ upTo }) => upTo));
  }

  get refused(): readonly { readonly sequence: number; readonly reason: string }[] {
    return this.acks.flatMap(({ refused = [] }) => refused);
  }

  /** Gives the blocks of a file that are asked for. */
  async blocks({ evidence, file, blocks }: EvidenceGet, content: Buffer): Promise<void> {
    for (const block of blocks) {
      const bytes = content.subarray(block * blockBytes, (block + 1) * blockBytes);
      await this.say('evidenceBlock', { id: evidence, file, block: String(block) }, bytes);
    }
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  #arrived(topic: string, payload: Buffer): void {
    const message = parseMessage(topic, payload, 'down');
    if (topic === topicOf('certificateGrant', this.id, {}) && payload.byteLength === 0) {
      this.emptied += 1;
      return;
    }
    if (topic === topicOf('jobNotify', this.id, {}) && payload.byteLength === 0) {
      this.hints.push(undefined);
      return;
    }
    if (message.kind === 'refused') throw new Error(`the centre said something that is no message: ${message.detail}`);
    if (message.name === 'ack') this.acks.push(message.content);
    if (message.name === 'streamAnswer') this.answers.push(message.content);
    if (message.name === 'streamData') this.streamed.push(Buffer.from(message.content));
    if (message.name === 'jobNotify') this.hints.push(message.content.job);
    if (message.name === 'cosigned') this.cosigned.push(message.content.note);
    if (message.name === 'command') this.commands.push(JSON.parse(payload.toString()));
    if (message.name === 'certificateGrant') this.grants.push(JSON.parse(payload.toString()));
    if (message.name === 'desired') this.desired.push(JSON.parse(payload.toString()));
    if (message.name === 'evidenceGet') {
      this.gets.push(message.content);
      this.onGet(message.content);
    }
  }
}
