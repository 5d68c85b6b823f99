import { remedies, troubleCodes } from './remedies.ts';

/** The remedies as a page has them, made from the table that `doctor` reads. */
export function remediesTable(): string {
  const rows = troubleCodes.map((code) => {
    const { means, matters, steps } = remedies[code];
    const list = steps.map((step, i) => `${i + 1}. ${step}`).join('<br>');
    return `| \`${code}\` | ${means} ${matters} | ${list} |`.replaceAll(/\n/g, ' ');
  });
  return ['| found | what it means | what to do, in order |', '|---|---|---|', ...rows].join('\n');
}
