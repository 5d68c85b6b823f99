import type { DriveComparison, DriveSummary } from './compare-drives.ts';
import { drivesFor } from './compare-drives.ts';

/** A comparison in words. */
export function comparisonText({ says, drives, lanes, all }: DriveComparison): string {
  const rows = drives.map(
    ({ name, lane, referenceKmh, referenceU, measuredKmh, measuredU, differenceKmh, en }) =>
      `  ${name.padEnd(6)} lane ${lane.padEnd(6)} reference ${referenceKmh.toFixed(1)} ±${(2 * referenceU).toFixed(1)}, unit ${measuredKmh.toFixed(1)} ±${(2 * measuredU).toFixed(1)} km/h: ${signed(differenceKmh)}, En ${en.toFixed(2)}`,
  );
  return [
    ...says,
    ...rows,
    ...lanes.map(({ lane, ...summary }) => `lane ${lane}: ${summaryText(summary)}`),
    `all: ${summaryText(all)}`,
    'Uncertainties behind ± are expanded (k = 2). En = |difference| / sqrt(U_reference^2 + U_unit^2), to be 1 or less (ISO 13528, 9.7).',
  ].join('\n');
}

const summaryText = ({ drives, biasKmh, biasU, scatterKmh, needed }: DriveSummary): string =>
  drives === 0
    ? 'no drive'
    : `${drives} drives, bias ${signed(biasKmh)} ±${(2 * biasU).toFixed(1)} km/h, scatter ${scatterKmh.toFixed(1)} km/h; ${needed} drives would hold the scatter of the bias below ${drivesFor.biasKmh} km/h`;

const signed = (value: number): string => `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(1)}`;
