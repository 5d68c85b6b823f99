import { z } from 'zod';
import type { JsonValue } from '../../device/kernel/canonical-json.ts';
import { alert, count, ledgerEntry } from '../contract/events.ts';
import type { EventKind } from '../contract/topics.ts';
import { infractionRecord, infractionWords } from './infraction-words.ts';
import { counted } from './text.ts';

/** Events other than figures in one line for a person; what is of no form that is known here says so, and `--json` shows it. */

const words: Readonly<Record<Exclude<EventKind, 'telemetry'>, (data: unknown) => string | undefined>> = {
  infraction: (data) => recordWords(data, infractionOf),
  audit: (data) => recordWords(data, actOf),
  alert: (data) => {
    const told = alert.safeParse(data).data;
    return told && `${told.name} ${told.state}: ${told.detail}`;
  },
  count: (data) => {
    const told = count.safeParse(data).data;
    return told && `${told.class} over ${told.line}, ${told.direction}${told.dated ? '' : ', not dated'}`;
  },
};

export function eventWords(kind: Exclude<EventKind, 'telemetry'>, data: JsonValue): string {
  return words[kind](data) ?? 'of a form that this program does not know: --json shows it';
}

function recordWords(data: unknown, of: (record: unknown) => string | undefined): string | undefined {
  const entry = ledgerEntry.safeParse(data).data;
  if (entry === undefined) return undefined;
  return of(entry.record) ?? `entry ${entry.record.sequence} of the ledger, ${entry.record.schema}`;
}

function infractionOf(record: unknown): string | undefined {
  const read = infractionRecord.safeParse(record).data;
  if (read === undefined) return undefined;
  const { id, infraction } = read;
  const where = typeof infraction.lane === 'string' ? [`lane ${infraction.lane}`] : [];
  const who = infraction.class === undefined ? [] : [infraction.class];
  return [...(id === undefined ? [] : [id]), infractionWords(infraction), ...where, ...who].join(', ');
}

const of = z.looseObject({
  actor: z.looseObject({ kind: z.string(), name: z.string(), role: z.string().optional() }),
  action: z.looseObject({ kind: z.string() }),
});

const evidence = z.union([z.string(), z.array(z.string())]);
const action = z.looseObject({
  kind: z.string(),
  evidence: evidence.optional().catch(undefined),
  hold: z.string().optional().catch(undefined),
  name: z.string().optional().catch(undefined),
  outcome: z.string().optional().catch(undefined),
  version: z.number().optional().catch(undefined),
});

/** An act on evidence or on the unit, as its ledger has it, and who did it. */
function actOf(record: unknown): string | undefined {
  const read = of.safeParse(record).data;
  const told = action.safeParse(read?.action).data;
  if (read === undefined || told === undefined) return undefined;
  const { actor } = read;
  const role = actor.role === undefined ? '' : ` (${actor.role})`;
  const by = actor.kind === 'unit' ? 'the unit itself' : `${actor.name}${role}`;
  return `${actionWords(told)}, by ${by}`;
}

function actionWords({ kind, evidence: named, hold, name, outcome, version }: z.infer<typeof action>): string {
  const what =
    typeof named === 'string'
      ? named
      : named?.length === 1
        ? named[0]
        : counted(named?.length ?? 0, 'piece of evidence', 'pieces of evidence');
  switch (kind) {
    case 'list':
      return 'evidence listed';
    case 'read':
      return `${what} looked at`;
    case 'export':
      return `${what} exported`;
    case 'hold':
      return `${what} held for ${hold ?? '?'}`;
    case 'release':
      return `${what} no longer held for ${hold ?? '?'}`;
    case 'erase':
      return `${what} erased`;
    case 'command':
      return `command ${name ?? '?'} ${outcome ?? '?'}`;
    case 'configuration':
      return `configuration${version === undefined ? '' : ` ${version}`} ${outcome ?? '?'}`;
    case 'update':
      return `update ${outcome ?? '?'}`;
    default:
      return kind;
  }
}
