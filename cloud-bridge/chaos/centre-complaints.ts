import type { Archive, ArchivedEvent, Document } from '../centre/archive/archive.ts';
import type { CentreAlert } from '../centre/bridge/alert-keeper.ts';
import type { BridgeRefusal } from '../centre/bridge/refusals.ts';

/**
 * What a bridge may refuse in a run in which nobody lies: events of a unit whose key it has not heard of yet, and what comes faster than it
 * can be archived. Both are sent again.
 */
const expected: ReadonlySet<string> = new Set<BridgeRefusal>(['key-unknown', 'too-much']);

/** What a centre raises of a unit that lies, or of one that was wronged. */
const unjust: ReadonlySet<string> = new Set<CentreAlert>([
  'log-inconsistent',
  'record-refused',
  'signing-key-changed',
  'event-conflict',
  'evidence-mismatch',
]);

/** What the centre itself found wrong with what units sent it, and told a person of. */
export async function complaintsOf(archive: Pick<Archive, 'documents'>): Promise<readonly string[]> {
  const refused = (await archive.documents('unit')).flatMap(({ key, value }) => {
    const { refused = {} } = value as unknown as { readonly refused?: Readonly<Record<string, number>> };
    return Object.entries(refused)
      .filter(([reason]) => !expected.has(reason))
      .map(([reason, count]) => `the centre refused something of ${key}: ${reason}, ${count} times`);
  });
  const alerts = (await archive.documents('alert')).flatMap(({ key, value }) => {
    const { name, detail } = value as unknown as { readonly name?: string; readonly detail?: string };
    return name === undefined || !unjust.has(name) ? [] : [`the centre raised an alert: ${key}: ${name}: ${detail}`];
  });
  return [...refused, ...alerts];
}

const page = 5000;

/** The centre's alerts have to stand as the newest event of each says, whatever came twice and out of turn. */
export async function strayAlertsOf(archive: Pick<Archive, 'documents' | 'events'>): Promise<readonly string[]> {
  const newest = new Map<string, ArchivedEvent>();
  for (let afterPosition = 0; ; ) {
    const events = await archive.events({ order: 'position', kinds: ['alert'], afterPosition, limit: page });
    for (const event of events) {
      const key = `${event.unit}/${(event.data as unknown as { readonly id: string }).id}`;
      if ((newest.get(key)?.sequence ?? 0) < event.sequence) newest.set(key, event);
    }
    const last = events.at(-1);
    if (last === undefined) break;
    afterPosition = last.position;
  }
  // A closed one is moved away in time; what was raised again since stands before it.
  const all = [...(await archive.documents('alert-closed')), ...(await archive.documents('alert'))];
  const documents = new Map(all.map((document) => [document.key, document]));
  return [...newest].flatMap(([key, event]) => {
    const stands = stateOf(documents.get(key));
    const said = stateOf(event);
    const at = `${event.unit}/alert/${event.sequence}`;
    return stands === said ? [] : [`alert astray: ${key} stands as ${stands ?? 'nothing'}, and ${at} says ${said}`];
  });
}

function stateOf(of: ArchivedEvent | Document | undefined): string | undefined {
  if (of === undefined) return undefined;
  const { state, since } = ('data' in of ? of.data : of.value) as unknown as Readonly<Record<string, string>>;
  return `${state} since ${since}`;
}
