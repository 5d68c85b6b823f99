import { createInterface, type Interface } from 'node:readline/promises';
import { Writable } from 'node:stream';

/** Somebody has ended a question with Ctrl-C or Ctrl-D instead of an answer, or the program is to end. */
export class QuestionStopped extends Error {
  override readonly name = 'QuestionStopped';
}

/** Asks a person at this terminal. Throws `QuestionStopped`, also when `signal` is aborted. */
export async function askOnTerminal(question: string, signal: AbortSignal): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await answered(lines, question, signal);
  } catch (error) {
    // What is said next begins a line.
    if (error instanceof QuestionStopped) process.stderr.write('\n');
    throw error;
  } finally {
    lines.close();
  }
}

/** The same, and nothing of what is typed is shown. */
export async function askSecretOnTerminal(question: string, signal: AbortSignal): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  process.stderr.write(question);
  try {
    return await answered(lines, '', signal);
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}

async function answered(lines: Interface, question: string, signal: AbortSignal): Promise<string> {
  // A terminal that ends (Ctrl-D) closes the lines, and leaves the question open.
  const ended = new Promise<never>((_, reject) => lines.once('close', () => reject(new QuestionStopped())));
  ended.catch(() => undefined);
  try {
    return await Promise.race([lines.question(question, { signal }), ended]);
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') throw new QuestionStopped('stopped', { cause: error });
    throw error;
  }
}
