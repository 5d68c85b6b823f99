import { InvalidArgumentError } from 'commander';

/** Values of options, as commander reads them: each throws its `InvalidArgumentError`. */

/** For an option that may be given several times. */
export const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

export const choice =
  <T extends string>(...words: readonly T[]) =>
  (text: string): T => {
    const found = words.find((word) => word === text);
    if (found === undefined) throw new InvalidArgumentError(`one of ${words.join(', ')}`);
    return found;
  };

/** Several of some words, with commas between them. */
export const choices =
  <T extends string>(...words: readonly T[]) =>
  (text: string): readonly T[] =>
    text.split(',').map(choice(...words));

export const whole =
  (least: number, most: number) =>
  (text: string): number => {
    const value = Number(text);
    if (/^[0-9]+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`a whole number from ${least} to ${most}`);
  };

export const days =
  (most: number) =>
  (text: string): number => {
    const value = Number(text);
    if (/^[0-9]+(\.[0-9]+)?$/.test(text) && value >= 0.01 && value <= most) return value;
    throw new InvalidArgumentError(`a number of days, ${most} at most`);
  };

/** `01:30-05:00`, UTC. */
export const windowOf = (text: string, before: readonly { from: string; to: string }[] = []) => {
  const [, from = '', to = ''] = /^(\d\d:\d\d)-(\d\d:\d\d)$/.exec(text) ?? [];
  if (from === '') throw new InvalidArgumentError('a window such as 01:30-05:00, UTC');
  return [...before, { from, to }];
};
