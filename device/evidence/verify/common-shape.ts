import { bound, digest, figure, flag, objectOf, oneOf, positive, text, utc } from './shape.ts';

export interface Moment {
  readonly utc: string;
  readonly elapsedMs: number;
}

/** What every record states. */
export interface CommonRecord {
  readonly schema: string;
  readonly unit: string;
  readonly boot: string;
  readonly sequence: number;
  readonly signer: string;
}

/** The members that every record has. */
export const common = { schema: text, unit: text, boot: text, sequence: positive, signer: digest };

const commonMembers = Object.entries(common);

export const moment = objectOf({
  utc,
  elapsedMs: figure,
  clock: objectOf({
    source: oneOf('system', 'recording', 'nominal'),
    synchronised: flag,
    dated: flag,
    intervalErrorMs: bound,
  }),
});

/** The members that every record has, whatever its schema; in words what is wrong with them. */
export function commonRecord(value: unknown): CommonRecord | string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'the record must be an object';
  for (const [name, shape] of commonMembers) {
    const fault = shape(Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined);
    if (fault !== undefined) return `record.${name} ${fault.must}`;
  }
  return value as CommonRecord;
}
