import type { UpdateBrief } from '../../contract/api-views.ts';

/** Where in its work a unit is: `downloading 43 %`, `trial`. */
export function progressWords({ step, progress }: Pick<UpdateBrief, 'step' | 'progress'>): string {
  if (step === undefined) return 'given';
  if (progress === undefined || progress.total <= 0 || (step !== 'downloading' && step !== 'installing')) return step;
  return `${step} ${Math.min(100, Math.floor((100 * progress.done) / progress.total))} %`;
}

/** What a unit runs: `1.4.0 r12 (b, on trial)`. */
export function runsWords({ version, release, slot, trial, verdict }: UpdateBrief): string {
  const program = version === undefined ? 'unknown' : `${version}${release === undefined ? '' : ` r${release}`}`;
  const where = [slot, trial === true ? 'on trial' : undefined, verdict === 'good' ? undefined : 'not proven'];
  const words = where.filter((one) => one !== undefined);
  return words.length === 0 ? program : `${program} (${words.join(', ')})`;
}
