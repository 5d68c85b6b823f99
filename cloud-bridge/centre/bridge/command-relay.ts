import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import type { Clock } from '../../../device/kernel/clock.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import type { Log } from '../../../device/kernel/log/log.ts';
import { toIso } from '../../../device/kernel/units.ts';
import type { Command, Reply } from '../../contract/acts.ts';
import { topicOf } from '../../contract/address.ts';
import { encodeMessage } from '../../contract/message.ts';
import type { Link } from '../../link/link.ts';
import type { Archive } from '../archive/archive.ts';
import { changeDocument } from './documents.ts';

/** The document `command/{unit}/{id}`. */
export interface RelayedCommand {
  /** As it was signed. */
  readonly command: Command;
  readonly by: string;
  readonly received: string;
  /** When the broker had it. */
  readonly relayed?: string;
  readonly reply?: Reply;
}

export type Given =
  | { readonly kind: 'given' }
  /** Another command has this id. */
  | { readonly kind: 'refused'; readonly reason: string };

export type Answered =
  | { readonly kind: 'first'; readonly command: Command }
  | { readonly kind: 'again'; readonly command: Command }
  /** Nobody gave such a command here. */
  | { readonly kind: 'unknown' };

/**
 * Gives signed commands to their units and keeps the replies. A command is durable before it is published; one that finds no broker is
 * published when there is one again, unless it has expired by then. The first reply stands.
 */
export class CommandRelay {
  readonly #archive: Archive;
  readonly #link: Pick<Link, 'publish' | 'state'>;
  readonly #clock: Clock;
  readonly #log: Log;
  /** Keys of documents. */
  readonly #pending = new Set<string>();

  constructor(archive: Archive, link: Pick<Link, 'publish' | 'state'>, clock: Clock, log: Log) {
    this.#archive = archive;
    this.#link = link;
    this.#clock = clock;
    this.#log = log;
  }

  get pending(): number {
    return this.#pending.size;
  }

  async load(): Promise<void> {
    for (const { key, value } of await this.#archive.documents('command')) {
      const { relayed, command } = value as unknown as RelayedCommand;
      if (relayed === undefined && !this.#isOver(command)) this.#pending.add(key);
    }
  }

  async give(command: Command, by: string): Promise<Given> {
    const value: RelayedCommand = { command, by, received: toIso(this.#clock.utc()) };
    const key = `${command.unit}/${command.id}`;
    if (!(await this.#archive.putDocument('command', key, value as unknown as JsonValue, 0))) {
      const standing = await this.find(command.unit, command.id);
      if (standing?.command.signature?.value !== command.signature?.value) {
        return { kind: 'refused', reason: `another command has the id ${command.id}` };
      }
    }
    await this.#relay(key);
    return { kind: 'given' };
  }

  async find(unit: string, id: string): Promise<RelayedCommand | undefined> {
    return (await this.#archive.document('command', `${unit}/${id}`))?.value as unknown as RelayedCommand | undefined;
  }

  async replied(unit: string, reply: Reply): Promise<Answered> {
    if ((await this.find(unit, reply.id)) === undefined) return { kind: 'unknown' };
    let first = false;
    const after = await changeDocument(this.#archive, 'command', `${unit}/${reply.id}`, (before) => {
      const standing = before as unknown as RelayedCommand;
      first = standing.reply === undefined;
      return (first ? { ...standing, reply } : before) as JsonValue;
    });
    const { command } = after as unknown as RelayedCommand;
    return { kind: first ? 'first' : 'again', command };
  }

  async publishPending(): Promise<void> {
    for (const key of [...this.#pending]) {
      if (this.#link.state.kind !== 'online') return;
      await this.#relay(key);
    }
  }

  async #relay(key: string): Promise<void> {
    this.#pending.add(key);
    const standing = (await this.#archive.document('command', key))?.value as unknown as RelayedCommand | undefined;
    if (standing === undefined || standing.relayed !== undefined || this.#isOver(standing.command)) {
      this.#pending.delete(key);
      return;
    }
    const { unit, name, id } = standing.command;
    const { payload, qos } = encodeMessage('command', standing.command);
    try {
      await this.#link.publish(topicOf('command', unit, { name, id }), payload, { qos });
    } catch (error) {
      if (!(error instanceof AtalayaError)) throw error;
      this.#log.warn({ part: 'commands', unit, command: id, name, error }, 'the command waits for the broker');
      return;
    }
    this.#pending.delete(key);
    const relayed = toIso(this.#clock.utc());
    await changeDocument(this.#archive, 'command', key, (before) => ({
      ...(before as Record<string, JsonValue>),
      relayed,
    }));
  }

  #isOver({ expires }: Command): boolean {
    return Date.parse(expires) <= this.#clock.utc();
  }
}
