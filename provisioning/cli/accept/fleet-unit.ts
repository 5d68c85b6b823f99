import { relay, replyTo } from '../../../cloud-bridge/cli/fleet/command-relay.ts';
import { requireHeard } from '../../../cloud-bridge/cli/fleet/known-units.ts';
import { requirePermission } from '../../../cloud-bridge/cli/fleet/permitted.ts';
import type { Session } from '../../../cloud-bridge/cli/fleet/session.ts';
import type { Reply } from '../../../cloud-bridge/contract/acts.ts';
import { mayDo, type Role } from '../../../cloud-bridge/contract/roles.ts';
import { fleetProgram } from '../../../cloud-bridge/fleet/program-name.ts';
import { plain } from '../../../cloud-bridge/fleet/text.ts';
import { idOf } from '../../../cloud-bridge/fleet/trust-draft.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { type SelfTestReport, selfTestReport } from '../../../device/selftest/contract/self-test-report.ts';
import type { EvidenceProof } from '../../accept/acceptance.ts';
import type { TestedUnit } from '../../accept/take-steps.ts';
import { centreWord } from './centre-word.ts';
import { proveEvidence } from './prove-evidence.ts';

export interface FleetUnitOptions {
  readonly unit: string;
  /** How long the unit may take to answer a command. */
  readonly waitS: number;
  /** How long evidence may take to the centre. */
  readonly evidenceWaitS: number;
  /** The key that the unit's own page showed for its evidence. */
  readonly evidenceKey: string | undefined;
}

/** Until when a command is to be done: clocks of units differ, and one that is too late is refused. */
const usualMinutes = 15;

/** A unit through its centre: commands that the person signs, replies, archived events. */
export class FleetUnit implements TestedUnit {
  readonly #session: Session;
  readonly #reader: Session | undefined;
  readonly #options: FleetUnitOptions;

  /** `reader`: of somebody who may read events, perhaps the same; where nobody may, the centre is taken at its word, and that is told. */
  constructor(session: Session, reader: Session | undefined, options: FleetUnitOptions) {
    this.#session = session;
    this.#reader = reader;
    this.#options = options;
  }

  async selfTest({ pulse, seal }: Parameters<TestedUnit['selfTest']>[0]): Promise<SelfTestReport> {
    const given = { ...(pulse === undefined ? {} : { pulse: [...pulse] }), ...(seal === undefined ? {} : { seal }) };
    // An output is not to be switched when nobody looks any more.
    const minutes = pulse === undefined ? usualMinutes : this.#options.waitS / 60;
    const { report } = await this.#command('self-test', given, minutes);
    const read = selfTestReport.safeParse(report);
    const { unit } = this.#options;
    if (!read.success) {
      const [issue] = read.error.issues;
      throw strange(unit, `no report of a self-test (${issue?.path.join('.')}: ${issue?.message})`);
    }
    if (read.data.unit !== unit) throw strange(unit, `with a report of the unit ${plain(read.data.unit)}`);
    return read.data;
  }

  async snapshot(): Promise<Buffer> {
    const { image } = await this.#command('snapshot', { width: 1920 }, usualMinutes);
    const content = typeof image === 'string' ? Buffer.from(image, 'base64') : Buffer.alloc(0);
    if (isJpeg(content)) return content;
    throw strange(this.#options.unit, 'without a picture');
  }

  prove(evidence: { readonly sequence: number; readonly id: string }): Promise<EvidenceProof> {
    const { unit, evidenceKey, evidenceWaitS: waitS } = this.#options;
    const wish = { unit, ...evidence, evidenceKey, waitS };
    return this.#reader === undefined ? centreWord(this.#session, wish) : proveEvidence(this.#reader, wish);
  }

  async #command<N extends 'self-test' | 'snapshot'>(
    name: N,
    args: Parameters<typeof relay<N>>[3],
    minutes: number,
  ): Promise<NonNullable<Reply['result']>> {
    const { unit, waitS } = this.#options;
    const sent = await relay(this.#session, unit, name, args, minutes);
    const { reply, relayed } = await replyTo(this.#session, sent, waitS);
    if (reply === undefined) {
      const where = relayed === undefined ? 'the centre could not give it to a broker' : 'the broker has given it on';
      throw new AtalayaError('deadline-exceeded', `${unit} has not answered ${name} within ${waitS} s; ${where}`, {
        hint: `Look at its power and network, and at the bridge: ${fleetProgram} status ${unit}. Then make the same call again: it goes on from here.`,
      });
    }
    if (reply.outcome === 'done') return reply.result ?? {};
    throw new AtalayaError('act-refused', `${unit} says of ${name}: ${reply.outcome}: ${plain(reply.reason ?? '')}`, {
      hint: 'Mend what it names (a command that has expired at once says that two clocks differ); then make the same call again.',
    });
  }
}

export interface Accepting {
  readonly name: string;
  readonly role: Role;
  /** They may read events themselves. */
  readonly reads: boolean;
}

/** Who accepts, and whether the centre will let them, before anything is begun. Throws `act-refused`, `usage-invalid`. */
export async function requireAccepting(session: Session, unit: string): Promise<Accepting> {
  await requirePermission(session, 'command.self-test');
  const trust = await requirePermission(session, 'command.snapshot');
  await requireHeard(session, [unit], 'A unit is heard of once it has reached the broker.');
  const person = trust.people.find(({ publicKey }) => idOf(publicKey) === session.signer.id);
  if (person === undefined) throw new AtalayaError('internal', 'somebody is permitted whom nobody names');
  const { name, role } = person;
  return { name, role, reads: mayDo(role, 'events.read') };
}

/** Throws `act-refused` where somebody who was named to read the events may not. */
export const requireReading = (reader: Session): Promise<unknown> => requirePermission(reader, 'events.read');

const isJpeg = (content: Buffer): boolean => content.byteLength > 100 && content.readUInt16BE(0) === 0xffd8;

function strange(unit: string, what: string): AtalayaError {
  return new AtalayaError('message-refused', `${unit} answered ${what}`, {
    hint: `Look whether its software and this program are of versions that belong together: ${fleetProgram} status ${unit}`,
  });
}
