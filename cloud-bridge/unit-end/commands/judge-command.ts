import { toIso, type UtcMilliseconds, utcMilliseconds } from '../../../device/kernel/units.ts';
import { type Command, type CommandName, commandArguments } from '../../contract/acts.ts';
import { authorise, clockDifference, type People, type Person } from '../../contract/people.ts';
import { faultsOf } from '../../contract/read-json.ts';

/** What a command is held against. */
export interface CommandSituation {
  /** What the topic says. */
  readonly topic: { readonly name: string; readonly id: string };
  /** This unit. */
  readonly unit: string;
  readonly people: People | undefined;
  readonly now: {
    readonly utc: UtcMilliseconds;
    /** False where nothing disciplines the clock: it may be days behind, and nothing is refused for having been issued since. */
    readonly reliable: boolean;
  };
  /** The unit does not know any more what it did of what was issued before. Undefined where it knows all. */
  readonly forgotten?: UtcMilliseconds | undefined;
}

export type CommandRefusalCode =
  | 'topic-differs'
  | 'foreign-unit'
  | 'no-trust'
  | 'not-signed'
  | 'signature-malformed'
  | 'unknown-key'
  | 'altered'
  | 'not-allowed'
  | 'arguments-malformed'
  | 'never-valid'
  | 'valid-too-long'
  | 'expired'
  | 'not-yet-issued'
  | 'memory-lost';

/** How long a command may be valid, as brokers keep it for a unit that is away: whoever holds one back has it done no later than that. */
const longestValidity = 7 * 24 * 3_600_000;

export type JudgedCommand =
  | {
      readonly kind: 'allowed';
      readonly person: Person;
      readonly name: CommandName;
      /** As the schema of the command has them, defaults filled in. */
      readonly args: unknown;
    }
  | {
      readonly kind: 'refused';
      readonly code: CommandRefusalCode;
      readonly words: string;
      /** Who signed it. */
      readonly person: Person;
    }
  /** Refused, and nobody known has signed it. */
  | { readonly kind: 'stranger'; readonly code: CommandRefusalCode; readonly words: string };

/**
 * Whether a command is to be done; the first check that fails gives the reason: topic, unit, signature, person, role, arguments, time,
 * and whether the unit would know if it had done it.
 *
 * Whether its id came before is for the caller, who remembers. Where the clock is not reliable it may be behind, and a command is refused as
 * expired only by what the clock says at the least. Never throws.
 */
export function judgeCommand(
  command: Command,
  { topic, unit, people, now, forgotten }: CommandSituation,
): JudgedCommand {
  const { name, id } = command;
  if (topic.name !== name || topic.id !== id)
    return refused('topic-differs', 'the topic names another command than the document');
  if (command.unit !== unit) return refused('foreign-unit', `the command is for ${command.unit}, and this is ${unit}`);
  if (people === undefined) return refused('no-trust', 'no trust document is in force here');
  const authorised = authorise(command, people, `command.${name}`);
  if (authorised.kind === 'refused') return refused(authorised.reason, authorised.detail, authorised.person);
  const { person } = authorised;
  const args = commandArguments[name].safeParse(command.arguments);
  if (!args.success) return refused('arguments-malformed', faultsOf(args.error), person);
  const late = timeRefusal(command, now) ?? memoryRefusal(command, forgotten);
  return late === undefined
    ? { kind: 'allowed', person, name, args: args.data }
    : refused(late.code, late.words, person);
}

function timeRefusal(
  { issued, expires }: Command,
  { utc, reliable }: CommandSituation['now'],
): { readonly code: CommandRefusalCode; readonly words: string } | undefined {
  const from = Date.parse(issued);
  const until = Date.parse(expires);
  if (until <= from) return { code: 'never-valid', words: 'it expires before it is issued' };
  if (until - from > longestValidity)
    return { code: 'valid-too-long', words: 'it is valid for more than the seven days that a command may be' };
  if (utc >= until) return { code: 'expired', words: `it expired at ${expires}, and here it is ${toIso(utc)}` };
  if (reliable && from > utc + clockDifference)
    return { code: 'not-yet-issued', words: `it is issued at ${issued}, and here it is ${toIso(utc)}` };
  return undefined;
}

/** Whoever signed it may have had a clock that was ahead, as far as that is borne. */
function memoryRefusal(
  { issued }: Command,
  forgotten: UtcMilliseconds | undefined,
): { readonly code: CommandRefusalCode; readonly words: string } | undefined {
  if (forgotten === undefined || Date.parse(issued) > forgotten + clockDifference) return undefined;
  const words = `it is issued at ${issued}, and what was done before ${toIso(forgotten)} is not known any more: sign it anew after ${toIso(utcMilliseconds(forgotten + clockDifference))}`;
  return { code: 'memory-lost', words };
}

function refused(code: CommandRefusalCode, words: string, person?: Person): JudgedCommand {
  return person === undefined ? { kind: 'stranger', code, words } : { kind: 'refused', code, words, person };
}
