import { AtalayaError } from '../../device/kernel/errors.ts';
import type { Exchange } from './provision-io.ts';

/** Speaks with a unit on the local network. Redirections are not followed: the unit has none. */
export const exchangeOverHttp =
  (signal: AbortSignal): Exchange =>
  async (url, { method, body, deadline, most }) => {
    try {
      const answer = await fetch(url, {
        method,
        redirect: 'error',
        signal: AbortSignal.any([signal, AbortSignal.timeout(deadline)]),
        // One connection an exchange: between two of them a person reads or signs, and the unit may be closing the old one just then.
        headers: { connection: 'close', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body }),
      });
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      for await (const chunk of answer.body ?? []) {
        bytes += chunk.byteLength;
        if (bytes > most) throw new Error(`the answer is longer than ${most} bytes`);
        chunks.push(chunk);
      }
      return { status: answer.status, text: Buffer.concat(chunks).toString() };
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : '';
      const reason = error instanceof Error ? error.message : String(error);
      throw new AtalayaError(
        'link-down',
        `the unit at ${new URL(url).host} does not answer: ${cause === '' ? reason : cause}`,
        {
          hint: 'Check the cable and the address; a unit serves this on its local page, from its start on.',
          cause: error,
        },
      );
    }
  };
