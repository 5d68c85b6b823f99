import type { JsonValue } from '../../../device/kernel/canonical-json.ts';
import type { Clock } from '../../../device/kernel/clock.ts';
import { milliseconds, toIso, utcMilliseconds } from '../../../device/kernel/units.ts';
import type { AlertView } from '../../contract/api-views.ts';
import type { Alert, AlertState } from '../../contract/events.ts';
import type { Archive, Arrived } from '../archive/archive.ts';
import { changeDocument } from './documents.ts';

/** What the centre itself raises: of a unit, or of itself (`centreItself`). */
export const centreAlerts = {
  /** A checkpoint that contradicts what was archived or cosigned: the log was rewritten. */
  'log-inconsistent': 'critical',
  /** A record whose signature does not hold. */
  'record-refused': 'critical',
  /** The unit signs with another key than before. */
  'signing-key-changed': 'critical',
  /** Two different events in one place. */
  'event-conflict': 'raised',
  /** An event that the archive takes at no time, while it takes others; it is kept aside. */
  'event-set-aside': 'critical',
  /** A sealed file that is not what the record says. */
  'evidence-mismatch': 'critical',
  /** Nothing is heard of the unit; critical when that lasts. */
  'unit-silent': 'raised',
  /** What the unit says that it runs is not signed by it, or bears the nonce of no job of its own. */
  'version-report-refused': 'critical',
  /** The document of who may do what expires, or has; critical in the last days. */
  'trust-expiring': 'raised',
} as const satisfies Record<string, AlertState>;
export type CentreAlert = keyof typeof centreAlerts;

/** The document `alert/{unit}/{id}`. */
interface AlertDocument extends AlertView {
  /** Of the event that it is as of. */
  readonly stream?: string;
  readonly sequence?: number;
}

type AlertEvent = Pick<Arrived, 'unit' | 'kind' | 'stream' | 'sequence' | 'data'>;

/** A state of affairs that the centre has found. */
export interface Finding {
  readonly state: Exclude<AlertState, 'closed'>;
  /** When it came to this; the same finding by two bridges has the same. */
  readonly since: string;
  readonly detail: string;
  readonly figures?: NonNullable<Alert['figures']>;
}

/** Closed alerts are forgotten as documents after this; their events stay. */
const keptClosed = milliseconds(30 * 24 * 3600 * 1000);

/** The alerts of the fleet as they stand: documents made of events, and of what the centre finds. */
export class AlertKeeper {
  readonly #archive: Archive;
  readonly #clock: Clock;
  readonly #notify: boolean;
  /** Those of the centre that stand, so that the same finding a thousand times is one write. */
  readonly #raised = new Map<string, string>();

  /** `notify`: there are queues, and whoever reads them is told what is critical. */
  constructor(archive: Archive, clock: Clock, notify: boolean) {
    this.#archive = archive;
    this.#clock = clock;
    this.#notify = notify;
  }

  /**
   * Takes events of alerts into account, in the order of their sequence; one that came before is no news. Durable when resolved.
   */
  async apply(events: readonly AlertEvent[]): Promise<void> {
    const byAlert = Map.groupBy(
      events.filter(({ kind }) => kind === 'alert'),
      ({ unit, data }) => `${unit}/${(data as unknown as Alert).id}`,
    );
    for (const [key, ofOne] of byAlert) {
      const inOrder = ofOne.toSorted((one, other) => one.sequence - other.sequence);
      const change = (before: JsonValue | undefined) => {
        const standing = before as unknown as AlertDocument | undefined;
        return inOrder.reduce((alert, event) => applied(alert, event), standing) as unknown as JsonValue;
      };
      // One that is closed and moved away remembers what it is as of: an old event that comes again does not raise it again.
      const closedOne = async () => (await this.#archive.document('alert-closed', key))?.value;
      await changeDocument(this.#archive, 'alert', key, change, closedOne);
    }
  }

  /** Says that something is the matter with a unit. The same again changes nothing. True where it is news. */
  async raise(unit: string, name: CentreAlert, detail: string): Promise<boolean> {
    const key = keyOf(unit, name);
    if (this.#raised.get(key) === detail) return false;
    const standing = (await this.#archive.document('alert', key))?.value as unknown as AlertDocument | undefined;
    const news = standing === undefined || standing.state === 'closed';
    if (news) await this.#put(unit, name, detail.slice(0, 1000));
    this.#raised.set(key, detail);
    return news;
  }

  async #put(unit: string, name: CentreAlert, detail: string): Promise<void> {
    const now = this.#now();
    const state: AlertState = centreAlerts[name];
    const alert: AlertDocument = {
      ...{ id: idOf(name), unit, name, state, since: now, raised: now, detail, from: 'centre' },
    };
    const value = alert as unknown as JsonValue;
    // First the queue: a crash in between tells twice, never not at all.
    if (state === 'critical' && this.#notify) {
      await this.#archive.forward('notification.email', `${keyOf(unit, name)}/${now}`, value);
    }
    await changeDocument(this.#archive, 'alert', keyOf(unit, name), () => value);
  }

  /** Says how it stands with a unit; one that is raised may become critical, and stays so until it is closed. Durable when resolved. */
  async stand(unit: string, name: CentreAlert, { state, since, detail, figures }: Finding): Promise<void> {
    const key = keyOf(unit, name);
    const now = this.#now();
    const change = (before: AlertDocument | undefined): AlertDocument => {
      if (before !== undefined && (before.state === state || before.state === 'critical')) return before;
      const goesOn = before !== undefined && before.state !== 'closed';
      return {
        ...{ id: idOf(name), unit, name, state, since, raised: goesOn ? before.raised : now, detail, from: 'centre' },
        ...(figures === undefined ? {} : { figures }),
        ...(goesOn && before.acknowledged !== undefined ? { acknowledged: before.acknowledged } : {}),
      };
    };
    const standing = (await this.#archive.document('alert', key))?.value as unknown as AlertDocument | undefined;
    const after = change(standing);
    if (after === standing) return;
    // First the queue, by a name that another bridge gives as well.
    if (state === 'critical' && this.#notify) {
      await this.#archive.forward('notification.email', `${key}/${since}`, after as unknown as JsonValue);
    }
    await changeDocument(
      this.#archive,
      'alert',
      key,
      (before) => change(before as unknown as AlertDocument | undefined) as unknown as JsonValue,
    );
  }

  /** Says that it is the matter no more. */
  async close(unit: string, name: CentreAlert): Promise<void> {
    const key = keyOf(unit, name);
    this.#raised.delete(key);
    if ((await this.#archive.document('alert', key)) === undefined) return;
    await changeDocument(this.#archive, 'alert', key, (before) =>
      closed(before as unknown as AlertDocument, this.#now()),
    );
  }

  /**
   * Somebody looks after it. What the centre found at one moment, and cannot find out to be over, ends with that. Undefined where there is
   * no such alert.
   */
  async acknowledge(unit: string, id: string, by: string, note: string): Promise<AlertView | undefined> {
    const key = `${unit}/${id}`;
    if ((await this.#archive.document('alert', key)) === undefined) return undefined;
    const at = this.#now();
    const after = await changeDocument(this.#archive, 'alert', key, (before) => {
      const alert = { ...(before as unknown as AlertDocument), acknowledged: { by, at, note } };
      return endsWithPerson.has(alert.name) && alert.from === 'centre'
        ? closed(alert, at)
        : (alert as unknown as JsonValue);
    });
    this.#raised.delete(key);
    return viewOf(after as unknown as AlertDocument);
  }

  /** Those of a state; without one, those that are not closed. */
  async list(filter: {
    readonly state?: AlertState | undefined;
    readonly unit?: string | undefined;
  }): Promise<readonly AlertView[]> {
    const prefix = filter.unit === undefined ? '' : `${filter.unit}/`;
    const kinds = filter.state === 'closed' ? (['alert-closed', 'alert'] as const) : (['alert'] as const);
    const byKey = new Map<string, AlertDocument>();
    for (const kind of kinds) {
      for (const { key, value } of await this.#archive.documents(kind, prefix)) {
        byKey.set(key, value as unknown as AlertDocument);
      }
    }
    return [...byKey.values()]
      .map(viewOf)
      .filter(({ state }) => (filter.state === undefined ? state !== 'closed' : state === filter.state))
      .sort((one, other) => (one.since < other.since ? 1 : -1));
  }

  /** Moves away what is closed: often, so that those that are read often are few. What is raised again meanwhile stays. */
  async moveClosed(): Promise<void> {
    for (const { key, version, value } of await this.#archive.documents('alert')) {
      if ((value as unknown as AlertDocument).state !== 'closed') continue;
      await changeDocument(this.#archive, 'alert-closed', key, () => value);
      await this.#archive.removeDocument('alert', key, version);
    }
  }

  /** Removes what was closed long ago. */
  async forgetClosed(): Promise<void> {
    const before = toIso(utcMilliseconds(this.#clock.utc() - keptClosed));
    for (const { key, version, value } of await this.#archive.documents('alert-closed')) {
      if ((value as unknown as AlertDocument).since >= before) continue;
      await this.#archive.removeDocument('alert-closed', key, version);
    }
  }

  #now(): string {
    return toIso(this.#clock.utc());
  }
}

/** What happened at one moment, and of which nothing says that it is over. */
const endsWithPerson: ReadonlySet<string> = new Set<CentreAlert>([
  'record-refused',
  'event-conflict',
  'event-set-aside',
  'evidence-mismatch',
]);

const idOf = (name: CentreAlert): string => `centre-${name}`;
const keyOf = (unit: string, name: CentreAlert): string => `${unit}/${idOf(name)}`;

function applied(before: AlertDocument | undefined, { unit, stream, sequence, data }: AlertEvent): AlertDocument {
  // In another stream the numbers begin anew, and it is the newer one: a unit begins one when it has lost the one before.
  if (before?.stream === stream && sequence <= (before.sequence ?? 0)) return before;
  const said = data as unknown as Alert;
  const goesOn = before !== undefined && before.state !== 'closed';
  return {
    ...said,
    ...{ unit, from: 'unit', stream, sequence },
    raised: goesOn ? before.raised : said.since,
    ...(goesOn && before.acknowledged !== undefined ? { acknowledged: before.acknowledged } : {}),
  };
}

function closed(alert: AlertDocument, since: string): JsonValue {
  return (alert.state === 'closed' ? alert : { ...alert, state: 'closed', since }) as unknown as JsonValue;
}

function viewOf({ stream: _, sequence: __, ...view }: AlertDocument): AlertView {
  return view as unknown as AlertView;
}
