import type { Figure } from './figures.ts';
import type { Beside, Rederivation } from './re-derive.ts';

/** A re-derivation for people: one sentence, and what it compared, a name and a value a line. */
export interface RederivationWords {
  readonly says: string;
  readonly figures: readonly (readonly [name: string, value: string])[];
}

export function inWords(again: Rederivation): RederivationWords {
  if (again.outcome === 'not-derivable') {
    return { says: `The figures cannot be derived again: ${again.reason}.`, figures: besideWords(again) };
  }
  const says =
    again.outcome === 'same'
      ? `All ${again.figures.length} figures come out of the raw data again, to the last printed digit.`
      : `The figures do not come out of the raw data again: ${again.says}.`;
  const differing = again.outcome === 'same' ? [] : again.differing;
  const shown = again.figures.filter(({ name }) => name.startsWith('measured.') || differing.includes(name));
  return {
    says,
    figures: [...shown.map((figure) => [figure.name, figureWords(figure)] as const), ...besideWords(again)],
  };
}

const figureWords = ({ recorded, derived, difference }: Figure): string =>
  `${recorded} recorded, ${derived ?? 'nothing'} derived${difference === null ? '' : `, difference ${difference}`}`;

function besideWords({ simple, mapFromSurveyM, certificate }: Beside): RederivationWords['figures'] {
  const lines: (readonly [string, string])[] = [];
  if (simple?.speed.stated === false) lines.push(['Simple method', `no speed: ${simple.speed.says}`]);
  if (simple?.speed.stated === true) {
    const { speedKmh, uncertaintyKmh, points, wayM, seconds } = simple.speed;
    const against = simple.agrees ? 'agrees within' : 'is apart by more than';
    lines.push([
      'Simple method',
      `${speedKmh.toFixed(2)} km/h by ${points} boxes over ${wayM.toFixed(1)} m and ${seconds.toFixed(2)} s, standard uncertainty ${uncertaintyKmh.toFixed(2)} km/h; ${against} two of these`,
    ]);
  }
  if (mapFromSurveyM !== null) {
    lines.push(['Map fitted again to the survey', `${mapFromSurveyM} m apart at the worst mark`]);
  }
  if (certificate !== null) {
    const { number, issuer, issued, expires, state } = certificate;
    lines.push(['Certificate', `${number}, ${issuer}, ${issued} to ${expires}: ${state}`]);
  }
  return lines;
}
