import type { InputLine, OutputLine } from '../contract/line-settings.ts';

/** An output on line 0 of the chip `bench`, safe when off. */
export const benchOutput = (given: Partial<OutputLine> = {}): OutputLine => ({
  name: 'beacon',
  chip: 'bench',
  line: 0,
  activeLow: false,
  safe: false,
  drive: 'push-pull',
  ...given,
});

/** An input on line 1 of the chip `bench`. */
export const benchInput = (given: Partial<InputLine> = {}): InputLine => ({
  name: 'red',
  chip: 'bench',
  line: 1,
  activeLow: false,
  bias: 'as-is',
  debounceMs: 0,
  ...given,
});

/** The value below which a part of the values lies. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}
