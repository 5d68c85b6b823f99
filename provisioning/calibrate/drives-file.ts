import { z } from 'zod';
import { AtalayaError } from '../../device/kernel/errors.ts';
import type { Drive } from './compare-drives.ts';

/** What the unit measured of one passing, for drives whose file has the reference alone. */
export interface MeasuredPassing {
  readonly time: string;
  readonly lane: string | null;
  readonly speedKmh: number;
  readonly uncertaintyKmh: number;
}

/** A passing belongs to a drive at most this far from it in time, seconds. */
const within = 5;

const speed = z.coerce.number().positive().max(400);
const uncertainty = z.coerce.number().positive().max(50);
const row = z.strictObject({
  drive: z.string().min(1).max(60).optional(),
  lane: z.string().min(1).max(60),
  time: z.iso.datetime({ offset: true }).optional(),
  reference_kmh: speed,
  reference_u_kmh: uncertainty,
  measured_kmh: speed.optional(),
  measured_u_kmh: uncertainty.optional(),
});

type Row = z.infer<typeof row>;
const columns = Object.keys(row.shape);

/**
 * The drives of a CSV file with the columns `lane,reference_kmh,reference_u_kmh` and either `measured_kmh,measured_u_kmh`, or `time` (ISO
 * 8601 with its zone), by which the measured speed is looked up among `passings`. Commas or semicolons; lines that begin with # are passed
 * over. Uncertainties are standard ones. Throws `usage-invalid` with the line of each fault.
 */
export function readDrives(text: string, what: string, passings: readonly MeasuredPassing[]): readonly Drive[] {
  const lines = text.split(/\r?\n/).map((line, i) => ({ line, number: i + 1 }));
  const [head, ...rest] = lines.filter(({ line }) => line.trim() !== '' && !line.startsWith('#'));
  if (head === undefined) throw refused(what, ['it is empty']);
  const separator = head.line.includes(';') ? ';' : ',';
  const names = head.line.split(separator).map((name) => name.trim());
  const unknown = names.filter((name) => !columns.includes(name));
  if (unknown.length > 0) {
    throw refused(what, [
      `line ${head.number}: there is no column ${unknown.join(', ')}; known are ${columns.join(', ')}`,
    ]);
  }
  const faults: string[] = [];
  const drives = rest.flatMap(({ line, number }, i): readonly Drive[] => {
    const cells = line.split(separator).map((cell) => cell.trim());
    const given = Object.fromEntries(names.map((name, j) => [name, cells[j] ?? '']).filter(([, cell]) => cell !== ''));
    const parsed = row.safeParse(given);
    if (!parsed.success) {
      for (const issue of parsed.error.issues) faults.push(`line ${number}: ${issue.path.join('.')}: ${issue.message}`);
      return [];
    }
    const drive = driveOf(parsed.data, parsed.data.drive ?? `${i + 1}`, passings);
    if (typeof drive !== 'string') return [drive];
    faults.push(`line ${number}: ${drive}`);
    return [];
  });
  if (faults.length > 0) throw refused(what, faults);
  if (drives.length === 0) throw refused(what, ['it has no drive']);
  return drives;
}

function driveOf(given: Row, name: string, passings: readonly MeasuredPassing[]): Drive | string {
  const { lane, reference_kmh: referenceKmh, reference_u_kmh: referenceU, time } = given;
  const { measured_kmh: measuredKmh, measured_u_kmh: measuredU } = given;
  const common = { name, lane, referenceKmh, referenceU };
  if (measuredKmh !== undefined && measuredU !== undefined) return { ...common, measuredKmh, measuredU };
  if (time === undefined)
    return 'give measured_kmh and measured_u_kmh, or the time at which the unit is to have seen it';
  const at = Date.parse(time);
  const near = passings.filter(
    (one) => Math.abs(Date.parse(one.time) - at) <= within * 1000 && (one.lane === null || one.lane === lane),
  );
  const [one, other] = near;
  if (one === undefined) return `the unit has no speed in lane ${lane} within ${within} s of ${time}`;
  if (other !== undefined)
    return `the unit has ${near.length} speeds in lane ${lane} within ${within} s of ${time}: drive where nobody else does`;
  return { ...common, measuredKmh: one.speedKmh, measuredU: one.uncertaintyKmh };
}

const refused = (what: string, faults: readonly string[]): AtalayaError =>
  new AtalayaError('usage-invalid', `${what} is not taken:\n${faults.map((fault) => `  ${fault}`).join('\n')}`, {
    hint: `Columns: lane,reference_kmh,reference_u_kmh and measured_kmh,measured_u_kmh, or time with --events. Decimal points, standard uncertainties.`,
  });
