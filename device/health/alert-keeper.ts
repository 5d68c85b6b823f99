import { dirname } from 'node:path';
import { z } from 'zod';
import { type Alert, alert } from '../../cloud-bridge/contract/events.ts';
import type { Clock } from '../kernel/clock.ts';
import { makeFolders, readWholeFile, storeFault, writeWholeFile } from '../kernel/durable-file.ts';
import { AtalayaError, isAtalayaError } from '../kernel/errors.ts';
import type { Files } from '../kernel/files.ts';
import { toIso, type UtcMilliseconds, utcMilliseconds } from '../kernel/units.ts';
import { type AlertName, alertNames } from './alert-rules.ts';
import type { HealthFacts, HealthLimits } from './health-facts.ts';
import { type AlertState, judgeAlerts, noAlerts, type OpenAlert } from './judge-alerts.ts';

export interface AlertKeeperOptions {
  readonly unit: string;
  /** Of the file in which open alerts survive a restart. */
  readonly path: string;
  readonly files: Files;
  readonly limits: HealthLimits;
  readonly clock: Pick<Clock, 'utc' | 'monotonic'>;
  /** Hands a change on for good; where it rejects, the change is offered again at the next look. */
  readonly offer: (alert: Alert, time: UtcMilliseconds) => Promise<void>;
  /**
   * The file could not be read or written; the alerts are judged on. Or a change was not taken: told once for each reason until all are
   * taken again. Or so many wait that the oldest are given up: told once, as long.
   */
  readonly onFault: (fault: AtalayaError) => void;
}

const schema = 'atalaya/alerts/1';
const memory = z.strictObject({
  schema: z.literal(schema),
  open: z.array(alert.extend({ state: z.enum(['raised', 'critical']), subject: z.string() })),
  /** Changes that nobody has taken yet. */
  unsent: z.array(alert),
});
type Memory = z.infer<typeof memory>;

/** Changes that wait while nobody takes them; older ones are given up. */
const mostUnsent = 1000;
/** Reasons that are remembered to have been told. */
const mostReasons = 50;

/**
 * The alerts of a unit over its restarts.
 *
 * Guarantees: a change is on the medium before it is offered, so that a power cut in between offers it again, under the same id; an alert
 * whose cause went away while the unit was off is closed after the restart; a look writes only where something changed. One look at a
 * time. Where the medium takes nothing, that is told and changes are offered all the same: an alert that is sent and forgotten is better
 * than one that is not sent. A file that cannot be read is told and begun anew. No change is given up or held back without a word.
 */
export class AlertKeeper {
  readonly #options: AlertKeeperOptions;
  #state: AlertState;
  #unsent: Alert[];
  #refusedOffers = 0;
  #givenUp = 0;
  readonly #told = new Set<string>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: AlertKeeperOptions, state: AlertState, unsent: readonly Alert[]) {
    this.#options = options;
    this.#state = state;
    this.#unsent = [...unsent];
  }

  static async open(options: AlertKeeperOptions): Promise<AlertKeeper> {
    const { open, unsent } = await remembered(options);
    const known = open.filter(isKnown);
    // Of a name that this software does not judge nobody would ever close it.
    const orphans = open.filter((one) => !isKnown(one)).map((one) => closed(one, options.clock.utc()));
    const state = { ...noAlerts, open: new Map(known.map((one) => [`${one.name}/${one.subject}`, one])) };
    return new AlertKeeper(options, state, [...unsent, ...orphans]);
  }

  /** Raised and critical ones. */
  get alerts(): readonly OpenAlert[] {
    return [...this.#state.open.values()];
  }

  /** Changes that nobody has taken yet. */
  get unsent(): number {
    return this.#unsent.length;
  }

  /** How often a change was offered and not taken, since the start. */
  get refusedOffers(): number {
    return this.#refusedOffers;
  }

  /** Changes that were never taken, and are not remembered any more, since the start. */
  get givenUp(): number {
    return this.#givenUp;
  }

  /** Judges the facts and hands the changes on; resolves with them. Never rejects. */
  look(facts: HealthFacts): Promise<readonly Alert[]> {
    const turn = this.#turn.then(() => this.#look(facts));
    this.#turn = turn;
    return turn;
  }

  async #look(facts: HealthFacts): Promise<readonly Alert[]> {
    const { unit, limits, clock } = this.#options;
    const at = { unit, utc: clock.utc(), monotonic: clock.monotonic() };
    const { state, changes } = judgeAlerts(this.#state, facts, limits, at);
    this.#state = state;
    if (changes.length > 0) {
      this.#unsent.push(...changes);
      this.#giveUp();
      await this.#write();
    }
    const before = this.#unsent.length;
    await this.#send();
    if (this.#unsent.length < before) await this.#write();
    return changes;
  }

  async #send(): Promise<void> {
    for (let next = this.#unsent[0]; next !== undefined; next = this.#unsent[0]) {
      try {
        await this.#options.offer(next, utcMilliseconds(Date.parse(next.since)));
      } catch (error) {
        this.#refusedOffers += 1;
        this.#tell(refusalOf(error));
        return;
      }
      this.#unsent.shift();
    }
    this.#told.clear();
  }

  /** The oldest, beyond the bound. */
  #giveUp(): void {
    const excess = this.#unsent.length - mostUnsent;
    if (excess <= 0) return;
    this.#unsent.splice(0, excess);
    this.#givenUp += excess;
    const why = `more than ${mostUnsent} alerts wait to be taken: the oldest are given up`;
    this.#tell(new AtalayaError('store-full', why, { hint: 'See why alerts are not taken.' }));
  }

  /** Once for each reason. */
  #tell(fault: AtalayaError): void {
    const reason = `${fault.code} ${fault.message}`;
    if (this.#told.has(reason) || this.#told.size >= mostReasons) return;
    this.#told.add(reason);
    this.#options.onFault(fault);
  }

  async #write(): Promise<void> {
    const { files, path, onFault } = this.#options;
    const content: Memory = { schema, open: this.alerts.map(({ now: _, ...one }) => one), unsent: this.#unsent };
    try {
      await makeFolders(files, dirname(path));
      await writeWholeFile(files, path, Buffer.from(`${JSON.stringify(content)}\n`));
    } catch (error) {
      onFault(isAtalayaError(error) ? error : storeFault(error, `cannot write ${path}`));
    }
  }
}

const isKnown = <A extends { readonly name: string }>(one: A): one is A & { readonly name: AlertName } =>
  (alertNames as readonly string[]).includes(one.name);

/** What is held up is said with the reason, which may hold up others too. */
function refusalOf(error: unknown): AtalayaError {
  const reason = error instanceof Error ? error.message : String(error);
  const { code, hint } = isAtalayaError(error) ? error : { code: 'internal' as const, hint: undefined };
  const details = { cause: error, ...(hint === undefined ? {} : { hint }) };
  return new AtalayaError(code, `alerts are not taken, and wait: ${reason}`, details);
}

const closed = ({ subject: _, figures: __, ...one }: Memory['open'][number], utc: UtcMilliseconds): Alert => ({
  ...one,
  state: 'closed',
  since: toIso(utc),
  detail: `over: ${one.detail}`.slice(0, 1000),
});

async function remembered({ files, path, onFault }: AlertKeeperOptions): Promise<Omit<Memory, 'schema'>> {
  try {
    const content = await readWholeFile(files, path);
    if (content === undefined) return { open: [], unsent: [] };
    const read = memory.safeParse(JSON.parse(content.toString('utf8')));
    if (read.success) return read.data;
  } catch (error) {
    if (isAtalayaError(error)) {
      onFault(error);
      return { open: [], unsent: [] };
    }
  }
  onFault(new AtalayaError('store-damaged', `${path} does not say which alerts are open`));
  return { open: [], unsent: [] };
}
