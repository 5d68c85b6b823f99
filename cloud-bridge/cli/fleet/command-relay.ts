import type { z } from 'zod';
import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import { parse } from '../../../device/kernel/schema.ts';
import { signDocument } from '../../../device/kernel/signed/sign-document.ts';
import { milliseconds, toIso, utcMilliseconds } from '../../../device/kernel/units.ts';
import {
  type CommandName,
  commandArguments,
  command as commandDocument,
  commandSchemaId,
  type Reply,
} from '../../contract/acts.ts';
import { fleetProgram } from '../../fleet/program-name.ts';
import type { Session } from './session.ts';

/** A command on its way. */
export interface Sent {
  readonly unit: string;
  readonly id: string;
  readonly name: CommandName;
  /** When the broker had it; absent while it does not. */
  readonly relayed?: string;
  /** The centre has no broker: it waits there for one, until it expires. */
  readonly waits?: boolean;
}

export interface Answered extends Sent {
  readonly reply?: Reply;
}

/** How often it is looked whether a unit has replied. */
const lookEveryMs = 1000;

/** Signs a command for one unit and has it relayed. */
export async function relay<N extends CommandName>(
  { client, signer, io }: Session,
  unit: string,
  name: N,
  args: z.input<(typeof commandArguments)[N]>,
  minutes: number,
): Promise<Sent> {
  const now = io.clock.utc();
  const body = {
    schema: commandSchemaId,
    unit,
    name,
    id: io.newId(),
    issued: toIso(now),
    expires: toIso(utcMilliseconds(now + minutes * 60_000)),
    arguments: commandArguments[name].parse(args) as Record<string, JsonValue>,
  } as const;
  const command = parse(commandDocument, await signDocument(body, signer), `the command for ${unit}`, 'usage-invalid');
  const { id, relayed, broker } = await client.call('command', { parameters: {}, body: { command } }, io.signal);
  // A centre of an earlier version says neither.
  const waits = relayed === undefined && broker?.connected === false;
  return { unit, id, name, ...(relayed === undefined ? {} : { relayed }), ...(waits ? { waits } : {}) };
}

/** The reply of the unit; none where it does not come within the time. */
export async function replyTo({ client, io }: Session, sent: Sent, seconds: number): Promise<Answered> {
  const { clock, timer, signal } = io;
  const until = clock.monotonic() + seconds * 1000;
  const { unit, id } = sent;
  for (;;) {
    const { reply, relayed, broker } = await client.call('reply', { parameters: { unit, id } }, signal);
    const { waits: _, ...known } = sent;
    const waits = relayed === undefined && broker?.connected === false;
    const seen: Answered = { ...known, ...(relayed === undefined ? {} : { relayed }), ...(waits ? { waits } : {}) };
    if (reply !== undefined) return { ...seen, reply };
    if (clock.monotonic() >= until) return seen;
    await timer.sleep(milliseconds(lookEveryMs), signal);
    signal.throwIfAborted();
  }
}

/** What to say where no reply has come. */
export function noReply({ relayed, waits, unit, id }: Answered): string {
  const where =
    relayed !== undefined
      ? 'the unit has not answered yet'
      : waits === true
        ? 'waits: the centre has no broker, and gives it on until it expires'
        : 'the broker does not have it yet';
  return `${where}; look later: ${fleetProgram} command reply ${unit} ${id}`;
}
