import type { HistoryEntry } from '../../update/update-history.ts';
import type { UpdateStanding } from '../../update/update-standing.ts';

/** A phone held upright in a terminal shows so many characters of a line. */
const widest = 60;
const label = 10;

/** Where updates stand, for a person: lines of at most 60 characters, or of `width` where that is less. */
export function statusWords(standing: UpdateStanding, runs: boolean, width: number): readonly string[] {
  const line = lineOf(width);
  const { running, trial, job, last, refused, fault } = standing;
  const on = trial?.slot === running.slot ? ', on trial' : '';
  const slot = running.slot === 'image' ? 'of the image' : `in slot ${running.slot}`;
  return [
    ...line('Program', `${running.version} (release ${running.release}) ${slot}${on}`),
    ...(runs ? [] : line('', 'the unit does not run; this is what it would start')),
    ...(trial === undefined ? [] : trialWords(trial, running.slot, line)),
    ...(job === undefined ? [] : jobWords(job, width, line)),
    ...(fault === undefined ? [] : line('Hindered', fault)),
    ...(last === undefined
      ? []
      : line(
          'Last',
          [
            `${last.job ?? 'without a job'} ${last.outcome}`,
            dateOf(last.at),
            ...last.reasons.map((reason) => `because: ${reason}`),
          ].join(', '),
        )),
    // What was refused before something else was taken is for the history.
    ...(refused === undefined || (last !== undefined && refused.at < last.at)
      ? []
      : line('Refused', `${dateOf(refused.at)}, ${refused.reason}`)),
  ];
}

type Line = (name: string, words: string) => readonly string[];

function trialWords(
  trial: NonNullable<UpdateStanding['trial']>,
  running: UpdateStanding['running']['slot'],
  line: Line,
): readonly string[] {
  const { slot, held, hold, used, deadline, startsLeft, failing } = trial;
  if (slot !== running) return line('Trial', `slot ${slot} is tried at the next start`);
  const left = `${timeOf(deadline - used)} left, ${startsLeft} more ${startsLeft === 1 ? 'start' : 'starts'}`;
  return [
    ...line('Trial', `well for ${timeOf(held)} of ${timeOf(hold)}; ${left}`),
    ...failing.flatMap((words) => line('', `not well: ${words}`)),
  ];
}

function jobWords(job: NonNullable<UpdateStanding['job']>, width: number, line: Line): readonly string[] {
  const { id, step, progress, waitsUntil, reasons } = job;
  return [
    ...line('Update', `${id}: ${step}`),
    ...(progress === undefined || step !== 'downloading'
      ? []
      : [`${' '.repeat(label)}${progressBar(progress, Math.min(width, widest) - label)}`]),
    ...(waitsUntil === undefined ? [] : line('', `waits until ${dateOf(waitsUntil)}`)),
    ...reasons.flatMap((reason) => line('', reason)),
  ];
}

/** `[#####-----] 52 % 12.3 of 23.5 MB`, of `width` characters at most. */
export function progressBar({ done, total }: { readonly done: number; readonly total: number }, width: number): string {
  const part = total === 0 ? 1 : Math.min(1, done / total);
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
  const figures = ` ${String(Math.floor(part * 100)).padStart(3)} % ${megabytes(done)} of ${megabytes(total)} MB`;
  const cells = Math.max(0, width - figures.length - 2);
  const full = Math.floor(part * cells);
  return cells < 4 ? figures.trim() : `[${'#'.repeat(full)}${'-'.repeat(cells - full)}]${figures}`;
}

/** What became of updates, newest last. */
export function historyWords(entries: readonly HistoryEntry[], width: number): readonly string[] {
  const line = lineOf(width);
  return entries.flatMap(({ at, event, job, slot, program, reasons }) => {
    const where = slot === undefined ? [] : [slot === 'image' ? 'image' : `slot ${slot}`];
    const what = program === undefined ? [] : [`running ${program.version} (release ${program.release})`];
    return [
      `${dateOf(at)}  ${event}`,
      ...line('', [...(job === undefined ? [] : [job]), ...where, ...what].join(', ')),
      ...reasons.flatMap((reason) => line('', `because: ${reason}`)),
    ];
  });
}

/** Broken at words; a word that is longer than a line is cut. */
function lineOf(width: number): Line {
  const room = Math.max(20, Math.min(width, widest)) - label;
  return (name, words) => {
    const lines: string[] = [''];
    for (const word of words.split(/\s+/).flatMap((one) => one.match(new RegExp(`.{1,${room}}`, 'gu')) ?? [])) {
      const current = lines.at(-1) ?? '';
      if (current === '') lines[lines.length - 1] = word;
      else if (current.length + 1 + word.length <= room) lines[lines.length - 1] = `${current} ${word}`;
      else lines.push(word);
    }
    return lines.map((text, i) => `${(i === 0 ? name : '').padEnd(label)}${text}`.trimEnd());
  };
}

/** `2026-03-01 12:10 UTC`. */
const dateOf = (instant: string): string => `${instant.slice(0, 16).replace('T', ' ')} UTC`;

/** `4:10`, or `1:04:10`. */
function timeOf(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours === 0 ? `${minutes}:${two(whole % 60)}` : `${hours}:${two(minutes)}:${two(whole % 60)}`;
}
