/** One passing of a vehicle whose speed somebody else knows. All uncertainties are standard ones (1 sigma), km/h. */
export interface Drive {
  readonly name: string;
  readonly lane: string;
  readonly referenceKmh: number;
  readonly referenceU: number;
  readonly measuredKmh: number;
  readonly measuredU: number;
}

export interface ComparedDrive extends Drive {
  /** Measured less reference. */
  readonly differenceKmh: number;
  /** Normalised error: 1 or less where the two agree within their expanded uncertainties. */
  readonly en: number;
}

/** Several drives taken together. */
export interface DriveSummary {
  readonly drives: number;
  readonly biasKmh: number;
  /** Standard uncertainty of the bias: the scatter, which drives average out, and the reference, which they do not. */
  readonly biasU: number;
  /** Scatter of one drive, 1 sigma. */
  readonly scatterKmh: number;
  /** Of those, by |En| above 1. */
  readonly disagreeing: number;
  /** The bias is greater than twice its own uncertainty: it is there. */
  readonly isBiased: boolean;
  /** Drives after which the scatter leaves the bias uncertain by no more than `drivesFor.biasKmh`. */
  readonly needed: number;
}

export interface DriveComparison {
  readonly verdict: 'passed' | 'failed' | 'not-decided';
  /** Why, in sentences; the first bears the verdict. */
  readonly says: readonly string[];
  readonly drives: readonly ComparedDrive[];
  readonly lanes: readonly (DriveSummary & { readonly lane: string })[];
  readonly all: DriveSummary;
}

/** Expanded uncertainties have the coverage factor 2, as the normalised error asks. */
const coverage = 2;

/** What a check must have. */
export const drivesFor = {
  /** Drives in each lane. */
  perLane: 3,
  /** Expanded uncertainty of the bias by scatter alone, km/h, that the needed drives are counted for. */
  biasKmh: 1,
  /** A reference whose uncertainty is above this share of the unit's own can prove nothing about it. */
  referenceShare: 1,
  /** Above this share a better reference is recommended. */
  goodReferenceShare: 1 / 3,
} as const;

/**
 * Holds measured speeds against reference speeds by the normalised error En = |d| / sqrt(U_ref^2 + U_meas^2) with expanded uncertainties,
 * which is to be 1 or less (ISO 13528:2022, 9.7; ISO/IEC 17043:2010, B.3.1.3 e). Passed: each lane has three drives or more and all of them
 * agree. Not decided: there are too few, or the reference is too coarse for any answer.
 */
export function compareDrives(drives: readonly Drive[], lanes: readonly string[]): DriveComparison {
  const compared = drives.map((drive): ComparedDrive => {
    const differenceKmh = drive.measuredKmh - drive.referenceKmh;
    const en = Math.abs(differenceKmh) / (coverage * Math.hypot(drive.referenceU, drive.measuredU));
    return { ...drive, differenceKmh, en };
  });
  const names = [...new Set([...lanes, ...drives.map(({ lane }) => lane)])];
  const byLane = names.map((lane) => ({ lane, ...summaryOf(compared.filter((drive) => drive.lane === lane)) }));
  const all = summaryOf(compared);
  return { ...verdictOf(compared, byLane), drives: compared, lanes: byLane, all };
}

function summaryOf(drives: readonly ComparedDrive[]): DriveSummary {
  const count = drives.length;
  if (count === 0) {
    return {
      drives: 0,
      biasKmh: 0,
      biasU: 0,
      scatterKmh: 0,
      disagreeing: 0,
      isBiased: false,
      needed: drivesFor.perLane,
    };
  }
  const biasKmh = mean(drives.map(({ differenceKmh }) => differenceKmh));
  const spread = count < 2 ? 0 : drives.reduce((sum, one) => sum + (one.differenceKmh - biasKmh) ** 2, 0) / (count - 1);
  // A few drives may agree by luck: what the unit says of one speed is believed where it is more.
  const scatterKmh = Math.sqrt(Math.max(spread, mean(drives.map(({ measuredU }) => measuredU ** 2))));
  const reference = Math.sqrt(mean(drives.map(({ referenceU }) => referenceU ** 2)));
  const biasU = Math.hypot(scatterKmh / Math.sqrt(count), reference);
  return {
    drives: count,
    biasKmh,
    biasU,
    scatterKmh,
    disagreeing: drives.filter(({ en }) => !(en <= 1)).length,
    isBiased: Math.abs(biasKmh) > coverage * biasU,
    needed: Math.max(drivesFor.perLane, Math.ceil(((coverage * scatterKmh) / drivesFor.biasKmh) ** 2)),
  };
}

function verdictOf(
  drives: readonly ComparedDrive[],
  lanes: DriveComparison['lanes'],
): Pick<DriveComparison, 'verdict' | 'says'> {
  const remarks = lanes.flatMap(({ lane, isBiased, biasKmh, biasU }) =>
    isBiased
      ? [
          `Lane ${lane}: the unit measures ${Math.abs(biasKmh).toFixed(1)} km/h too ${biasKmh > 0 ? 'much' : 'little'} on average (±${biasU.toFixed(1)}). Look at the calibration again, even where every drive agrees.`,
        ]
      : [],
  );
  const wrong = drives.filter(({ en }) => !(en <= 1));
  if (wrong.length > 0) {
    const each = wrong.map(
      ({ name, differenceKmh, en }) => `${name} by ${signed(differenceKmh)} km/h (En ${en.toFixed(2)})`,
    );
    return {
      verdict: 'failed',
      says: [
        `Failed: ${wrong.length} of ${drives.length} drives disagree beyond both uncertainties: ${each.join(', ')}. Do not use this calibration for speed.`,
        ...remarks,
      ],
    };
  }
  const share = shareOf(drives);
  if (share > drivesFor.referenceShare) {
    return {
      verdict: 'not-decided',
      says: [
        `Not decided: the reference is ${share.toFixed(1)} times as uncertain as the unit, so that agreement proves nothing. Use a better reference.`,
        ...remarks,
      ],
    };
  }
  const short = lanes.filter((lane) => lane.drives < drivesFor.perLane);
  if (short.length > 0) {
    const each = short.map(({ lane, drives: count }) => `${drivesFor.perLane - count} more in lane ${lane}`);
    return {
      verdict: 'not-decided',
      says: [`Not decided: ${drivesFor.perLane} drives are needed in each lane; ${each.join(', ')}.`, ...remarks],
    };
  }
  const coarse =
    share > drivesFor.goodReferenceShare
      ? [`The reference is ${(share * 100).toFixed(0)} % as uncertain as the unit; a third or less is good practice.`]
      : [];
  return {
    verdict: 'passed',
    says: [`Passed: all ${drives.length} drives agree within both uncertainties.`, ...remarks, ...coarse],
  };
}

/** Uncertainty of the reference over that of the unit. */
function shareOf(drives: readonly ComparedDrive[]): number {
  const measured = mean(drives.map(({ measuredU }) => measuredU ** 2));
  const reference = mean(drives.map(({ referenceU }) => referenceU ** 2));
  return drives.length === 0 ? 0 : Math.sqrt(reference / measured);
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const signed = (value: number): string => `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(1)}`;
