import { AtalayaError } from '../../kernel/errors.ts';
import type { CameraProgram } from './camera-program.ts';
import type { ProgramExit } from './child-program.ts';

/** Strikes out what must be read nowhere: the secrets named, and whatever stands between `//` and `@` of an address. */
export function redact(text: string, secrets: readonly string[]): string {
  const struck = [...secrets]
    .sort((a, b) => b.length - a.length)
    .reduce((rest, secret) => (secret === '' ? rest : rest.replaceAll(secret, '***')), text);
  return struck.replaceAll(/(\w:\/\/)[^\s/@]*@/g, '$1***@');
}

/**
 * The fault of a camera whose program came to nothing: `what` it failed at, what it said, and what to do. A complaint that is known
 * decides the code; otherwise the camera is `camera-unavailable`, which is worth another try.
 */
export function cameraFault(program: CameraProgram, what: string, said: readonly string[]): AtalayaError {
  const words = said.join('\n');
  const known = program.complaints.find(({ says }) => says.test(words));
  if (known !== undefined) {
    return new AtalayaError(known.code, redact(`${program.name}: ${known.reason} (${what})`, program.secrets), {
      hint: known.hint,
    });
  }
  const last = said.filter((line) => line.trim() !== '').at(-1);
  const because = last === undefined ? '' : `: ${last.trim()}`;
  return new AtalayaError('camera-unavailable', redact(`${program.name}: ${what}${because}`, program.secrets), {
    hint: "Check the camera's cable and supply; it is started again by itself.",
  });
}

/** The fault of a program that is not there. */
export function missingCameraProgram({ name, commands, install }: CameraProgram): AtalayaError {
  return new AtalayaError('program-missing', `${name}: ${commands.join(' and ')} not found`, { hint: install });
}

export function exitWords(exit: ProgramExit): string {
  if (exit.kind === 'failed') return `could not be started (${exit.code})`;
  return exit.signal === null ? `the program ended with ${exit.code}` : `the program was ended by ${exit.signal}`;
}
