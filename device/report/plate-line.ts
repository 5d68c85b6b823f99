import { formatWords, sureWords, unreadWords } from '../evidence/record/plate-words.ts';
import { readPlate } from '../evidence/sealing/plate-commitment.ts';

/**
 * What an opened plate file says, on one line: `plate ABCD12 (Chile, new; read on frame 104, sure 0.99)`, or `plate unread: ...`;
 * undefined where it is no plate file.
 */
export function plateLine(content: Uint8Array): string | undefined {
  const plate = readPlate(content);
  if (plate === undefined) return undefined;
  if (plate.outcome === 'unread') return `plate unread: ${unreadWords[plate.reason]}`;
  const { text, format, frame, confidence } = plate;
  return `plate ${text} (${formatWords(format)}; read on frame ${frame}, sure ${sureWords(confidence, 2)})`;
}
