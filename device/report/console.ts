import type { Infraction } from '../judge/infraction.ts';
import type { Clock } from '../kernel/clock.ts';
import type { ListAlert } from '../plate/lists/watch-lists.ts';
import type { RunRecord, SealedInfraction } from './run-record.ts';
import { summaryText } from './summary.ts';
import {
  clip,
  colourStyle,
  plainStyle,
  printable,
  type Style,
  type TerminalEnvironment,
  type TerminalStream,
  type TerminalTraits,
  traitsOf,
  wrap,
} from './terminal.ts';
import type { TruthComparison } from './truth.ts';
import { captureTimeOfDay, fixed, keyFigure, megabytes, plural, timeOfDay } from './words.ts';

/** Where a run stands; every figure counts from the run's beginning, except the live tracks. */
export interface RunProgress {
  /** Judged, skipped or damaged: at the end of a file all that it has. */
  readonly framesDone: number;
  /** Where the source knows it. */
  readonly framesTotal: number | undefined;
  readonly tracksLive: number;
  readonly skipped: number;
  readonly damaged: number;
  readonly infractions: number;
  /** Resident memory, bytes. */
  readonly memoryBytes: number;
}

export interface ConsoleOptions {
  readonly stream: TerminalStream;
  readonly clock: Clock;
  readonly environment: TerminalEnvironment;
}

/** Between two progress lines: rewritten in place on a terminal, added one after the other elsewhere. */
const rewriteEveryMs = 150;
const addEveryMs = 5000;
/** The rate is taken over the reports of the last few seconds. */
const rateWindowMs = 3000;

/**
 * What a person sees of a run while it goes on: progress, a line per sealed infraction, notices, the summary.
 *
 * `progress` may be called for every frame: it writes only as often as a person can read. Nothing is thrown and nothing waits: what
 * the stream cannot take at once it buffers.
 */
export class RunConsole {
  readonly #stream: TerminalStream;
  readonly #clock: Clock;
  readonly #traits: TerminalTraits;
  readonly #style: Style;
  #shown = false;
  /** The line that was shown last was of the end. */
  #ended = false;
  #lastAt = Number.NEGATIVE_INFINITY;
  #history: { readonly at: number; readonly frames: number }[] = [];

  constructor(options: ConsoleOptions) {
    this.#stream = options.stream;
    this.#clock = options.clock;
    this.#traits = traitsOf(options.stream, options.environment);
    this.#style = this.#traits.colours ? colourStyle : plainStyle;
  }

  /** What is about to be watched, and with what; one line a sentence. */
  opening(lines: readonly string[]): void {
    for (const line of lines) this.#line(printable(line));
  }

  progress(state: RunProgress): void {
    const now = this.#clock.monotonic();
    const rate = this.#rate(now, state.framesDone - state.skipped - state.damaged);
    const every = this.#traits.rewrites ? rewriteEveryMs : addEveryMs;
    const last = state.framesTotal !== undefined && state.framesDone >= state.framesTotal;
    // The end is shown, however soon it comes: a line that is added, once.
    const due = now - this.#lastAt >= every || (last && (this.#traits.rewrites || !this.#ended));
    if (!due) return;
    this.#lastAt = now;
    this.#ended = last;
    const text = progressText(state, rate, this.#traits.columns - 1);
    if (!this.#traits.rewrites) {
      this.#line(text);
      return;
    }
    this.#stream.write(`\r\u001b[2K${this.#style.dim(text)}`);
    this.#shown = true;
  }

  /** To be called when the evidence is sealed, never before. */
  infraction(sealed: SealedInfraction): void {
    for (const [i, line] of infractionLines(sealed, this.#wrapAt()).entries()) {
      this.#line(i === 0 ? this.#style.strong(line) : line);
    }
  }

  /** An infraction that was judged and whose evidence could not be kept; it is announced nowhere else. */
  lost(infraction: Infraction, reason: string): void {
    const { rule, time, frame, class: kind, track } = infraction;
    this.notice(`LOST ${captureTimeOfDay(time)}  frame ${frame}  ${rule.toUpperCase()}  ${kind} #${track}: ${reason}`);
  }

  /** A vehicle on a watch list. */
  alert(alert: ListAlert): void {
    this.#line(this.#style.bad(alertLine(alert)));
  }

  /** Something that the person should know and that does not stop the run: a damaged frame, a worker that was restarted. */
  notice(text: string): void {
    for (const line of text.split('\n')) this.#line(this.#style.warn(printable(line)));
  }

  summary(record: RunRecord, comparison: TruthComparison | undefined): void {
    this.#clear();
    this.#stream.write(summaryText(record, comparison, this.#style, this.#traits.columns));
  }

  /** Takes an unfinished progress line away, so that whatever is written next begins on a line of its own. */
  close(): void {
    this.#clear();
  }

  /** A file or a pipe gets whole lines, so that one line can be searched for. */
  #wrapAt(): number {
    return this.#traits.rewrites ? this.#traits.columns : Number.POSITIVE_INFINITY;
  }

  #line(text: string): void {
    this.#clear();
    this.#stream.write(`${text}\n`);
  }

  #clear(): void {
    if (this.#shown) this.#stream.write('\r\u001b[2K');
    this.#shown = false;
  }

  #rate(now: number, frames: number): number | undefined {
    this.#history.push({ at: now, frames });
    const oldest = this.#history.findIndex(({ at }) => now - at <= rateWindowMs);
    this.#history = this.#history.slice(Math.max(0, oldest - 1));
    const first = this.#history[0];
    if (first === undefined || now - first.at < 200) return undefined;
    return ((frames - first.frames) * 1000) / (now - first.at);
  }
}

/** One line; what matters least is left out first where the columns do not suffice. */
export function progressText(state: RunProgress, rate: number | undefined, columns: number): string {
  const { framesDone: done, framesTotal: total } = state;
  const frames = total === undefined ? `frame ${done}` : `frame ${done}/${total}`;
  const share = total === undefined || total === 0 ? [] : [`${Math.floor((100 * done) / total)} %`];
  const pieces = [
    frames,
    ...share,
    ...(rate === undefined ? [] : [`${fixed(rate, 1)}/s`]),
    plural(state.infractions, 'infraction'),
    `${state.skipped} skipped`,
    ...(state.damaged > 0 ? [`${state.damaged} damaged`] : []),
    plural(state.tracksLive, 'track'),
    megabytes(state.memoryBytes),
  ];
  while (pieces.length > 1 && pieces.join(' · ').length > columns) pieces.pop();
  return clip(pieces.join(' · '), columns);
}

/** Time, frame, rule, class, lane, key figure, evidence id: one line, a second and indented one where the columns do not suffice. */
export function infractionLines(sealed: SealedInfraction, columns: number): readonly string[] {
  const { infraction, evidence } = sealed;
  const lane = infraction.lane === undefined ? 'in no lane' : `lane ${printable(infraction.lane)}`;
  return wrap(
    [
      `${captureTimeOfDay(infraction.time)}  frame ${infraction.frame}`,
      infraction.rule.toUpperCase(),
      `${infraction.class} #${infraction.track}`,
      lane,
      printable(keyFigure(infraction.measured)),
      `evidence ${printable(evidence)}`,
    ],
    columns,
    '  ',
    '    ',
  );
}

/** `ALERT stolen: entry case-17, exact (track 12, 14:03:22)`; the plate stands nowhere. */
export function alertLine({ list, entry, match, track, time }: ListAlert): string {
  const face = time.clock.dated ? timeOfDay(time.utc).slice(0, 8) : captureTimeOfDay(time);
  return `ALERT ${printable(list)}: entry ${printable(entry)}, ${match} (track ${track}, ${face})`;
}
