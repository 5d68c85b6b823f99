import type { JsonValue } from '../../../../device/kernel/canonical-json.ts';
import { AtalayaError } from '../../../../device/kernel/errors.ts';
import type { Files } from '../../../../device/kernel/files.ts';
import { ManualClock } from '../../../../device/kernel/manual-clock.ts';
import { signDocument } from '../../../../device/kernel/signed/sign-document.ts';
import { seededRandom } from '../../../../device/kernel/testing/seeded-random.ts';
import { type Command, type CommandName, commandNames, commandSchemaId, type Reply } from '../../../contract/acts.ts';
import type { People } from '../../../contract/people.ts';
import { issuedAt, type MadePerson, makePerson, peopleOf } from '../../../contract/testing/made-people.ts';
import { CommandInbox } from '../command-inbox.ts';
import type { CommandAudit, CommandContext, CommandExecutors, CommandOutcome } from '../command-types.ts';

export const unit = 'unit-1';
export const staff = {
  operator: makePerson('Ana', 'operator'),
  supervisor: makePerson('Ben', 'supervisor'),
  auditor: makePerson('Cleo', 'auditor'),
  technician: makePerson('Dan', 'technician'),
} as const;
export const stranger: MadePerson = makePerson('Eve', 'supervisor');
export const people: People = await peopleOf(Object.values(staff));

/** Good arguments of each command. */
export const goodArguments: Readonly<Record<CommandName, { [field: string]: JsonValue }>> = {
  'self-test': {},
  snapshot: { width: 320 },
  reboot: { reason: 'after maintenance' },
  'log-level': { level: 'debug', minutes: 5 },
  'evidence-pull': { evidence: ['E-1'] },
  diagnostics: { minutes: 2 },
};

/** A signed command, good unless said otherwise. */
export async function commandOf(
  name: CommandName,
  id: string,
  person: MadePerson = staff.supervisor,
  changed: Partial<Command> = {},
): Promise<Command> {
  const body = {
    schema: commandSchemaId,
    unit,
    name,
    id,
    issued: new Date(issuedAt).toISOString(),
    expires: new Date(issuedAt + 600_000).toISOString(),
    arguments: goodArguments[name],
    ...changed,
  } as const;
  return signDocument(body as Command & { readonly arguments: JsonValue }, person.signer) as Promise<Command>;
}

export interface Ran {
  readonly name: CommandName;
  readonly args: unknown;
  readonly context: CommandContext;
}

/** What a unit around the inbox does and sees; `up` and the functions may be changed by a test. */
export class Surroundings {
  readonly clock = new ManualClock(issuedAt + 1000);
  readonly ran: Ran[] = [];
  readonly audited: CommandAudit[] = [];
  readonly replied: Reply[] = [];
  readonly faults: AtalayaError[] = [];
  /** In order: what was audited and what was replied. */
  readonly order: string[] = [];
  up = true;
  /** What the broker would never take. */
  refuses: (reply: Reply) => boolean = () => false;
  people: People | undefined = people;
  execute: (ran: Ran) => Promise<CommandOutcome> = async () => ({ outcome: 'done' });
  audit: (entry: CommandAudit) => Promise<void> = async () => undefined;

  open(files: Files, damaged: 'refuse' | 'set-aside' = 'refuse'): Promise<CommandInbox> {
    const executor = (name: CommandName) => (args: unknown, context: CommandContext) => {
      const ran = { name, args, context };
      this.ran.push(ran);
      return this.execute(ran);
    };
    return CommandInbox.open({
      folder: '/data/commands',
      files,
      damaged,
      unit,
      people: () => this.people,
      clock: this.clock,
      timer: this.clock,
      random: seededRandom(1),
      executors: Object.fromEntries(commandNames.map((name) => [name, executor(name)])) as unknown as CommandExecutors,
      audit: async (entry) => {
        await this.audit(entry);
        this.audited.push(entry);
        this.order.push(`audit ${entry.id}`);
      },
      reply: async (reply) => {
        if (!this.up) throw new AtalayaError('link-down', 'no link');
        if (this.refuses(reply)) throw new AtalayaError('link-refused', 'the packet is too long for the broker');
        this.replied.push(reply);
        this.order.push(`reply ${reply.id}`);
      },
      onFault: (fault) => this.faults.push(fault),
    });
  }
}
