import type { RejectReason } from '../../plate/plate-reader.ts';
import type { UnreadReason } from '../../plate/vote/track-plate.ts';
import type { PlateRead } from './plate-file.ts';

/** Why a plate is unread, for people. */
export const unreadWords: Record<UnreadReason, string> = {
  'reader-off': 'this unit reads no plates',
  'not-in-time': 'its crops were still waiting when the evidence had to be sealed',
  'never-looked': 'no frame showed enough of the vehicle',
  'no-text-found': 'no text was found on the vehicle',
  'too-small': 'its characters had too few pixels',
  unclear: 'what was read could well be another text',
  'no-format-fits': 'what was read is no plate of this place',
  'frames-disagree': 'the frames say different texts',
  'another-vehicle': 'the plate that was found is on another vehicle',
  'reader-failed': 'the plate reader broke down',
};

const rejectWords: Record<RejectReason, string> = {
  'too-small': 'not counted: its characters have too few pixels',
  'not-plate-shaped': 'not counted: no plate of this place has these proportions',
  'another-vehicle': 'not counted: it lies on another vehicle',
  'cut-off': "not counted: the picture's edge cuts it",
  unclear: 'not counted: it could well be another text',
  'no-format-fits': 'not counted: it is no plate of this place',
  'second-best': 'not counted: another region of the same frame is likelier',
};

/** What became of one read in the vote, for people. */
export const readWords: Record<PlateRead['reason'], string> = {
  ...rejectWords,
  counted: 'counted: it says the text that leads',
  outvoted: 'outvoted: it says another text',
};

const regions = new Intl.DisplayNames(['en'], { type: 'region' });

/** The national format of an id for people: `cl-new` is `Chile, new`, `us` is `United States`. An id of another form stays as it is. */
export function formatWords(id: string): string {
  const [, country, rest] = /^([a-z]{2})(?:-([a-z0-9-]+))?$/.exec(id) ?? [];
  if (country === undefined) return id;
  const name = regions.of(country.toUpperCase()) ?? id;
  return rest === undefined ? name : `${name}, ${rest.replaceAll('-', ' ')}`;
}

/** A probability with so many digits, never rounded up: 0.996 with two is 0.99. */
export function sureWords(confidence: number, digits: number): string {
  const by = 10 ** digits;
  return (Math.floor(confidence * by + 1e-9) / by).toFixed(digits);
}
