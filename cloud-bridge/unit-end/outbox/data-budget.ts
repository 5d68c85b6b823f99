import type { Lane } from '../../contract/outbox.ts';

/** What leaves the unit, by what it costs data for. */
export type DataUse = Lane | 'evidence';

/** `thin`: less of it would do. `hold`: it waits until there is room again. */
export type DataVerdict = 'pass' | 'thin' | 'hold';

/** What may be sent over a link whose data costs money. */
export interface DataBudget {
  judge(use: DataUse): DataVerdict;
  /** Bytes that were handed to the link. */
  spend(use: DataUse, bytes: number): void;
}

/** A link whose data costs nothing. */
export const unmetered: DataBudget = { judge: () => 'pass', spend: () => undefined };
