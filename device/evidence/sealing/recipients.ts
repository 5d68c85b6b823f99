import { Encrypter } from 'age-encryption';
import { AtalayaError } from '../../kernel/errors.ts';

/** Who can open evidence: age recipients, which are public keys. What opens them, the identities, is never on the unit. */
export interface Recipients {
  /** Every file opens for each of them. At least one. */
  readonly authority: readonly string[];
  /** The files made for operators open for each of them as well. */
  readonly operators: readonly string[];
}

/**
 * Checks recipients as they are configured: X25519 (`age1...`), the post-quantum hybrid (`age1pq1...`), and keys in hardware
 * (`age1tag1...`, `age1tagpq1...`).
 *
 * Throws `config-invalid` naming the bad one: what is no recipient, an identity (a private key, which is not repeated in the
 * message), one named twice, no authority, and post-quantum beside other recipients, since a file is as safe as the weakest of them.
 */
export function parseRecipients(authority: readonly string[], operators: readonly string[]): Recipients {
  if (authority.length === 0) {
    throw new AtalayaError('config-invalid', 'no authority is named as recipient of the evidence', {
      hint: 'Name the age recipient (age1...) of the authority that may open the evidence.',
    });
  }
  const seen = new Map<string, string>();
  const named = [
    ...authority.map((recipient, i) => ({ recipient, place: `evidence.authority[${i}]` })),
    ...operators.map((recipient, i) => ({ recipient, place: `evidence.operators[${i}]` })),
  ];
  for (const { recipient, place } of named) {
    checkRecipient(recipient, place);
    const before = seen.get(recipient);
    if (before !== undefined) {
      throw new AtalayaError('config-invalid', `${place}: ${recipient} is already named as ${before}`, {
        hint: 'Name each recipient once; an authority opens what operators can open.',
      });
    }
    seen.set(recipient, place);
  }
  const first = named[0]?.recipient ?? '';
  const other = named.find(({ recipient }) => postQuantum(recipient) !== postQuantum(first));
  if (other !== undefined) {
    throw new AtalayaError(
      'config-invalid',
      `${other.place}: ${shown(other.recipient)} and ${shown(first)} cannot be mixed: one is post-quantum, the other is not`,
      { hint: 'Use post-quantum recipients for all or for none: a file is as safe as the weakest of its recipients.' },
    );
  }
  return { authority: [...authority], operators: [...operators] };
}

/** An age encrypter for these recipients. */
export function encrypterFor(recipients: readonly string[]): Encrypter {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return encrypter;
}

/**
 * Encrypts a trifle for each recipient: a key that is well-formed and still cannot be encrypted to (a point of low order) is found
 * at the start and not by the first infraction. Throws `config-invalid`.
 */
export async function tryRecipients({ authority, operators }: Recipients): Promise<void> {
  for (const recipient of [...authority, ...operators]) {
    try {
      await encrypterFor([recipient]).encrypt(new Uint8Array(0));
    } catch (error) {
      throw new AtalayaError('config-invalid', `nothing can be encrypted to ${shown(recipient)}: ${reason(error)}`, {
        hint: 'Ask the owner of this recipient for a new one.',
        cause: error,
      });
    }
  }
}

function checkRecipient(recipient: string, place: string): void {
  if (/AGE-(SECRET-KEY|PLUGIN)-/i.test(recipient)) {
    throw new AtalayaError('config-invalid', `${place} is a PRIVATE KEY (AGE-SECRET-KEY-...), not a recipient`, {
      hint:
        'REMOVE IT FROM THIS MACHINE. A private key on the unit opens all evidence to whoever takes the unit: treat it as ' +
        'disclosed, make a new pair elsewhere (age-keygen), and name only its public half (age1...) here.',
    });
  }
  try {
    encrypterFor([recipient]);
  } catch (error) {
    throw new AtalayaError(
      'config-invalid',
      `${place}: "${shown(recipient)}" is not an age recipient: ${reason(error)}`,
      {
        hint: 'Name a recipient as age-keygen -y prints it (age1...); SSH keys and plugins are not supported.',
        cause: error,
      },
    );
  }
}

function postQuantum(recipient: string): boolean {
  return /^age1(tag)?pq1/.test(recipient);
}

/** A post-quantum recipient has two thousand characters. */
function shown(recipient: string): string {
  return recipient.length <= 80 ? recipient : `${recipient.slice(0, 40)}...`;
}

function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.length <= 200 ? message : `${message.slice(0, 200)}...`;
}
