import { type Cause, causeTimes, measureNames, measureWords, type Step, usualSteps } from './degrade-measures.ts';

const figures: Readonly<Record<Cause, (value: number) => string>> = {
  disk: (share) => `${Math.round(share * 100)} % of the disk`,
  memory: (share) => `${Math.round(share * 100)} % of the memory`,
  heat: (degrees) => `${degrees} degrees`,
  throttled: () => 'held back',
  clock: () => 'no time source',
  camera: (seconds) => `${seconds} s without a frame`,
};
const aboveNothing: ReadonlySet<Cause> = new Set(['throttled', 'clock', 'camera']);

/** The tables of the README, made from what the planner runs. */
export function degradeTables(steps: readonly Step[] = usualSteps): string {
  const measures = measureNames.map((name, i) => {
    const { gives, stays } = measureWords[name];
    return `| ${i + 1} | \`${name}\` | ${gives} | ${stays} |`;
  });
  const rows = steps.map(({ cause, enter, leave, measures: wanted }) => {
    const { patience, relief } = causeTimes[cause];
    const back = aboveNothing.has(cause) ? 'when it is over' : `under ${figures[cause](leave)}`;
    const what = wanted.map((name) => `\`${name}\``).join(', ');
    return `| ${figures[cause](enter)} | ${patience / 1000} s | ${what} | ${back} | ${relief / 1000} s |`;
  });
  return [
    '| | measure | what is given up | what stays |',
    '|---|---|---|---|',
    ...measures,
    '',
    '| from | lasts | gives up | taken back | after |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}
