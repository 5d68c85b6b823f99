import { z } from 'zod';
import { canonicalJson } from '../../../device/kernel/canonical-json.ts';
import type { Clock } from '../../../device/kernel/clock.ts';
import { readWholeFile, writeWholeFile } from '../../../device/kernel/durable-file.ts';
import type { AtalayaError } from '../../../device/kernel/errors.ts';
import { isAtalayaError } from '../../../device/kernel/errors.ts';
import type { Files } from '../../../device/kernel/files.ts';
import type { DataBudget, DataUse, DataVerdict } from './data-budget.ts';

export interface MonthlyBudgetOptions {
  readonly files: Files;
  readonly clock: Clock;
  /** Bytes a calendar month, UTC: topics and payloads. TCP, TLS and MQTT add about a tenth. */
  readonly mostBytes: number;
}

/** One month's spending. */
interface Spending {
  /** Months since 1970. */
  readonly month: number;
  /** Of the month, from 1. */
  readonly day: number;
  /** Bytes in this month before this day. */
  readonly before: number;
  /** Bytes in this month. */
  readonly spent: number;
}

const format = 'atalaya/data-budget/1';
const count = z.number().min(0);
const schema = z.strictObject({ format: z.literal(format), month: z.int(), day: z.int(), before: count, spent: count });

/** From this part of a day's share on, telemetry is thinned and evidence waits. */
const thinFrom = 0.8;
const reserveMost = 256 * 1024;

/**
 * A month's data on a metered link, dealt out by days: what is left of the month, over the days that are left, is the share of a day.
 * Alerts and infractions always pass and are counted. From four fifths of the share on telemetry is thinned and evidence waits; beyond it
 * telemetry waits too, until the next day, UTC.
 *
 * The count on the disk runs ahead of what was spent by up to 256 KiB, so that a crash never loses any of it. A clock that steps back does not
 * give a day twice.
 */
export class MonthlyBudget implements DataBudget {
  readonly #path: string;
  readonly #options: MonthlyBudgetOptions;
  #now: Spending;
  /** What the disk has as spent. */
  #reserved: number;
  #writing: Promise<void> | undefined;
  #fault: AtalayaError | undefined;

  constructor(path: string, options: MonthlyBudgetOptions, found: Spending | undefined) {
    this.#path = path;
    this.#options = options;
    this.#now = found ?? { ...dayOf(options.clock), before: 0, spent: 0 };
    this.#reserved = this.#now.spent;
  }

  /** A file that is damaged counts as none. Throws `store-failed`. */
  static async open(path: string, options: MonthlyBudgetOptions): Promise<MonthlyBudget> {
    const content = await readWholeFile(options.files, path);
    return new MonthlyBudget(path, options, content === undefined ? undefined : parseSpending(content));
  }

  /** Bytes in this month, and what today's share is and what of it is spent. */
  get figures(): { readonly spent: number; readonly share: number; readonly today: number } {
    this.#turn();
    const { spent, before, day, month } = this.#now;
    const share = Math.max(0, this.#options.mostBytes - before) / (daysOf(month) - day + 1);
    return { spent, share, today: spent - before };
  }

  /** Why the count is not on the disk, where that is so. */
  get fault(): AtalayaError | undefined {
    return this.#fault;
  }

  judge(use: DataUse): DataVerdict {
    if (use === 'alert' || use === 'infraction') return 'pass';
    const { share, today } = this.figures;
    if (today < share * thinFrom) return 'pass';
    return use === 'telemetry' && today < share ? 'thin' : 'hold';
  }

  spend(_use: DataUse, bytes: number): void {
    this.#turn();
    this.#now = { ...this.#now, spent: this.#now.spent + bytes };
    if (this.#now.spent > this.#reserved) this.#reserve();
  }

  /** Writes what was really spent. */
  async close(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    await this.#write(this.#now).catch(() => undefined);
  }

  #turn(): void {
    const today = dayOf(this.#options.clock);
    const { month, day, spent } = this.#now;
    if (today.month === month && today.day === day) return;
    const later = today.month > month || (today.month === month && today.day > day);
    // A clock that was far ahead and has been corrected keeps what was spent; one that steps back a little changes nothing.
    if (!later && month - today.month < 2) return;
    const before = later && today.month > month ? 0 : spent;
    this.#now = { ...today, before, spent: before };
    this.#reserve();
  }

  #reserve(): void {
    this.#reserved = this.#now.spent + Math.min(reserveMost, this.#options.mostBytes / 100);
    this.#writing ??= this.#writeReserved();
  }

  async #writeReserved(): Promise<void> {
    let written: number;
    do {
      written = this.#reserved;
      await this.#write({ ...this.#now, spent: written }).catch((error: unknown) => {
        if (!isAtalayaError(error)) throw error;
        this.#fault = error;
        // Tried again with the next bytes.
        this.#reserved = this.#now.spent;
        written = this.#reserved;
      });
    } while (written !== this.#reserved);
    this.#writing = undefined;
  }

  async #write(spending: Spending): Promise<void> {
    const document = { format, ...spending };
    await writeWholeFile(this.#options.files, this.#path, Buffer.from(canonicalJson(document)));
    this.#fault = undefined;
  }
}

function dayOf(clock: Clock): { readonly month: number; readonly day: number } {
  const date = new Date(clock.utc());
  return { month: (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth(), day: date.getUTCDate() };
}

/** Days of a month that is counted from January 1970. */
const daysOf = (month: number) => new Date(Date.UTC(1970, month + 1, 0)).getUTCDate();

function parseSpending(content: Buffer): Spending | undefined {
  try {
    const { format: _, ...spending } = schema.parse(JSON.parse(content.toString()));
    return spending;
  } catch {
    return undefined;
  }
}
