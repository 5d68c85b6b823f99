import type { Figure } from '../../device/bench/figure.ts';
import type { Measured } from './patch-ways.ts';

/** A change of the program, and what each way needed for it. */
export interface MeasuredChange {
  readonly change: string;
  /** Bytes of the whole target of what the change leads to, and the level of its compression. */
  readonly whole: number;
  readonly level: number;
  readonly ours: Measured;
  readonly rivals: readonly Measured[];
}

/** How many times the best of the others ours may be. */
const bytesBar = 1.1;

/** Ours against the smallest of the others; undefined where there is none. */
export function againstBest({
  ours,
  rivals,
}: Pick<MeasuredChange, 'ours' | 'rivals'>):
  | { readonly ratio: number; readonly best: Measured; readonly held: boolean }
  | undefined {
  const best = rivals.toSorted((one, other) => one.bytes - other.bytes)[0];
  if (best === undefined) return undefined;
  const ratio = ours.bytes / best.bytes;
  return { ratio, best, held: ratio <= bytesBar };
}

export function changeFigures(measured: MeasuredChange): readonly Figure[] {
  const { change, whole, level, ours, rivals } = measured;
  const figure = (name: string, value: number, ratio: string): Figure => ({
    ...{ section: 'ota', name: `${change}: ${name}`, value, unit: 'bytes', ratio },
  });
  const share = (bytes: number) => `${((100 * bytes) / whole).toFixed(3)} % of the whole`;
  const times = ({ makeSeconds, applySeconds }: Measured, applied: string) =>
    `made in ${makeSeconds.toFixed(1)} s, ${applied} in ${applySeconds.toFixed(1)} s`;
  const against = againstBest(measured);
  const held =
    against === undefined
      ? 'nothing to hold it against'
      : `${against.ratio.toFixed(3)} of the best, ${against.best.way}, bar ${bytesBar}${against.held ? '' : ': MISSED'}`;
  return [
    figure('whole target', whole, `level ${level}`),
    figure('our patch', ours.bytes, `${held}; ${share(ours.bytes)}; ${times(ours, 'applied as a durable tree')}`),
    ...rivals.map((rival) => figure(rival.way, rival.bytes, `${share(rival.bytes)}; ${times(rival, 'applied')}`)),
  ];
}
