import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { AtalayaError, systemCode } from '../../kernel/errors.ts';
import type { Milliseconds } from '../../kernel/units.ts';

/** The programs of Debian's `tpm2-tools` that are used. */
export type TpmProgram =
  | 'tpm2_createprimary'
  | 'tpm2_create'
  | 'tpm2_load'
  | 'tpm2_evictcontrol'
  | 'tpm2_flushcontext'
  | 'tpm2_getcap'
  | 'tpm2_readpublic'
  | 'tpm2_sign';

/** One TPM, reached through these programs. */
export interface TpmTools {
  /** How the TPM is reached, for messages. */
  readonly tcti: string;
  /**
   * Runs a program to its end and gives what it printed. Kills it after `deadline`. Throws `program-missing`, `deadline-exceeded`,
   * and for what the TPM answered `key-missing`, `key-exists`, `key-invalid` or `key-unavailable`.
   */
  run(program: TpmProgram, args: readonly string[], deadline: Milliseconds): Promise<string>;
}

/** The installed programs. `tcti` is one of tpm2-tss, such as `device:/dev/tpmrm0` or `swtpm:host=127.0.0.1,port=2321`. */
export function installedTpmTools(tcti: string, environment: NodeJS.ProcessEnv = process.env): TpmTools {
  return {
    tcti,
    run: async (program, args, deadline) => {
      try {
        const { stdout } = await promisify(execFile)(program, [`--tcti=${tcti}`, ...args], {
          timeout: Math.max(1, Math.ceil(deadline)),
          killSignal: 'SIGKILL',
          // The answers are told apart by numbers and by the system's own texts, which are translated.
          env: { ...environment, LC_ALL: 'C' },
        });
        return stdout;
      } catch (error) {
        throw fault(program, tcti, deadline, error);
      }
    },
  };
}

function fault(program: TpmProgram, tcti: string, deadline: Milliseconds, error: unknown): AtalayaError {
  if (systemCode(error) === 'ENOENT') {
    return new AtalayaError('program-missing', `the program ${program} is missing`, {
      hint: 'Install the package tpm2-tools.',
      cause: error,
    });
  }
  if (error instanceof Error && 'killed' in error && error.killed === true) {
    return new AtalayaError('deadline-exceeded', `the TPM at ${tcti} gave no answer to ${program} for ${deadline} ms`, {
      hint: 'Look for another program that holds the TPM, and for what the kernel says of it (dmesg).',
      cause: error,
    });
  }
  const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
  if (said.includes('Could not load tcti')) return unreachable(tcti, said, error);
  const number = [...said.matchAll(/\(0x([0-9a-fA-F]{1,8})\)/g)].at(-1)?.[1];
  const answer = number === undefined ? undefined : answers.get(responseCode(Number.parseInt(number, 16)));
  const line = said.split('\n').find((text) => /^ERROR: /.test(text)) ?? 'it gave no reason';
  const { code, says, hint } = answer ?? failed;
  return new AtalayaError(code, `the TPM at ${tcti} ${says} (${program}: ${line.replace('ERROR: ', '').trim()})`, {
    hint,
    cause: error,
  });
}

interface Answer {
  readonly code: 'key-missing' | 'key-exists' | 'key-invalid' | 'key-unavailable';
  /** Goes on after "the TPM". */
  readonly says: string;
  readonly hint: string;
}

const password: Answer = {
  code: 'key-invalid',
  says: 'wants a password',
  hint: 'Use a key without one; the owner hierarchy must have none either while the key is made.',
};
const full: Answer = {
  code: 'key-unavailable',
  says: 'has no room left for loaded objects',
  hint: 'Reach it through the resource manager (device:/dev/tpmrm0), or run: tpm2_flushcontext --transient-object',
};
const busy: Answer = {
  code: 'key-unavailable',
  says: 'is busy',
  hint: 'Try again; look for another program that uses it.',
};

/** Response codes: TPM 2.0 Library, Part 2 §6.6.3. */
const answers: ReadonlyMap<number, Answer> = new Map([
  [0x08b, { code: 'key-missing', says: 'has no key at this handle', hint: 'Make it, or name the handle where it is.' }],
  [0x08e, password],
  [0x0a2, password],
  [0x14c, { code: 'key-exists', says: 'has something at this handle', hint: 'Open it, or name another handle.' }],
  [0x902, full],
  [0x903, full],
  [0x904, full],
  [0x908, busy],
  [0x909, busy],
  [0x90a, busy],
  [0x920, busy],
  [
    0x921,
    {
      code: 'key-unavailable',
      says: 'is locked out after wrong passwords',
      hint: 'Wait, or run: tpm2_dictionarylockout --clear-lockout',
    },
  ],
  [0x922, busy],
  [0x923, busy],
]);

/** What is said of any other answer. */
const failed: Answer = { code: 'key-unavailable', says: 'failed', hint: 'Check the TPM with tpm2_selftest.' };

/** Without the number of the handle, session or parameter that a format-one code bears (Part 2 §6.6.2), nor the layer above. */
function responseCode(answer: number): number {
  return (answer & 0x80) === 0 ? answer & 0xfff : answer & 0x0bf;
}

function unreachable(tcti: string, said: string, cause: unknown): AtalayaError {
  const reason = /(?:Permission denied|Device or resource busy|No such file or directory|Connection refused)/.exec(
    said,
  )?.[0];
  const hints: Record<string, string> = {
    'Permission denied': 'Put the user that the unit runs as into the group tss.',
    'Device or resource busy': 'Use the resource manager (device:/dev/tpmrm0), which serves several programs.',
  };
  return new AtalayaError('key-unavailable', `there is no TPM at ${tcti}${reason === undefined ? '' : `: ${reason}`}`, {
    hint:
      (reason === undefined ? undefined : hints[reason]) ?? 'Switch the TPM on in the firmware, or name where it is.',
    cause,
  });
}
