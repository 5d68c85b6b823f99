import { AtalayaError } from '../../device/kernel/errors.ts';

/** A person at a terminal: a line for a question. */
export type Asks = (question: string) => Promise<string>;

/** After so many lines that are no answer, nobody is there who reads the question. */
const mostTries = 5;

/** Throws `usage-invalid` where the person types neither, again and again. */
export async function asksYes(asks: Asks | undefined, question: string): Promise<boolean> {
  for (let tries = 0; tries < mostTries; tries += 1) {
    const said = (await answered(asks, `${question} [y/n]`)).toLowerCase();
    if (said === 'y' || said === 'yes') return true;
    if (said === 'n' || said === 'no') return false;
  }
  throw new AtalayaError('usage-invalid', 'neither y nor n was typed', {
    hint: 'Make the same call again: it goes on with this question.',
  });
}

/** What the person types, without blanks around it; the longest that a document holds. */
export async function answered(asks: Asks | undefined, question: string): Promise<string> {
  if (asks === undefined) throw new AtalayaError('internal', 'a question is planned, and nobody is there to be asked');
  return (await asks(`${question} `)).trim().slice(0, 1000).toWellFormed();
}
