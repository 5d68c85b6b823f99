import { type ForkOptions, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { AtalayaError, explain } from '../kernel/errors.ts';

/** One job in a process of its own: what is measured there shares its memory and its time with nobody. */

interface Answer<R> {
  readonly result?: R;
  readonly fault?: string;
}

/**
 * Starts `program`, which answers by `answerJob`, and ends it with this process, and after `deadline` milliseconds. Rejects with `internal` and the
 * reason where the job fails.
 */
export function runInProcess<R>(
  program: URL,
  job: { readonly kind: string },
  deadline: number,
  options: Pick<ForkOptions, 'execArgv' | 'env'> = {},
): Promise<R> {
  const child = fork(fileURLToPath(program), { stdio: 'inherit', ...options });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const late = setTimeout(kill, deadline);
  return new Promise<R>((resolve, reject) => {
    const failed = (why: string) => reject(new AtalayaError('internal', `the job ${job.kind} failed: ${why}`));
    child.on('message', (answer: Answer<R>) => {
      if (answer.result === undefined) failed(answer.fault ?? 'without a word');
      else resolve(answer.result);
    });
    child.once('error', (error) => failed(error.message));
    child.once('exit', (code, signal) => failed(`it ended with ${code ?? signal}`));
    child.send(job);
  }).finally(() => {
    clearTimeout(late);
    process.removeListener('exit', kill);
  });
}

/** The other end: does the one job that comes, says what came of it, and ends. */
export function answerJob<J, R>(work: (job: J) => Promise<R>): void {
  process.once('message', (job: J) => {
    work(job)
      .then(
        (result): Answer<R> => ({ result }),
        (error: unknown): Answer<R> => ({ fault: explain(error) }),
      )
      .then((answer) => process.send?.(answer, () => process.exit(0)));
  });
  // Nobody is left to be told.
  process.once('disconnect', () => process.exit(1));
}
