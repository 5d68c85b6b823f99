import { readCanonical } from './entry.ts';
import { type Frame, headBytes } from './frames.ts';
import { isDigest } from './text-forms.ts';

/** A segment that was read to its end. */
export interface SegmentDigest {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface HeadFault {
  readonly byte: number;
  readonly check: string;
  readonly says: string;
}

export const segmentFormat = 'atalaya/journal/2';

/** The name of the segment whose first entry has this number. */
export const segmentName = (first: number): string => `${String(first).padStart(12, '0')}.journal`;

/**
 * What is wrong with the first line of a segment: it must say which entry comes first, as the file's name does, and which segment
 * lies before it, by length and hash.
 */
export function headFault(
  frame: Frame,
  path: string,
  first: number,
  previous: SegmentDigest | undefined,
): HeadFault | undefined {
  const check = 'spec: segments of the journal';
  if (frame.mark !== 'S1') return { byte: 0, check, says: 'The segment does not begin with its head (S1).' };
  const value = readCanonical(frame.payload, 'journal');
  if ('says' in value) return { byte: headBytes + value.byte, check: value.check, says: `The head: ${value.says}.` };
  const head = value.json;
  if (!isHead(head)) {
    return {
      byte: headBytes,
      check,
      says: `The head must have first, format (${segmentFormat}) and previous, and no more.`,
    };
  }
  if (path !== `journal/${segmentName(head.first)}`) {
    return {
      byte: headBytes,
      check,
      says: `The head says that the first entry is ${head.first}, the file's name does not.`,
    };
  }
  if (head.first !== first) {
    return { byte: headBytes, check, says: `The segment begins with entry ${head.first}, where ${first} must come.` };
  }
  const before = head.previous;
  if (previous === undefined && first === 1) {
    return before === null ? undefined : { byte: headBytes, check, says: 'The first segment names one before it.' };
  }
  if (before === null) return { byte: headBytes, check, says: 'The head does not name the segment before it.' };
  if (previous === undefined) return undefined;
  if (before.bytes !== previous.bytes) {
    const says = `${previous.path} has ${previous.bytes} bytes, the segment after it was written after one of ${before.bytes}.`;
    return { byte: headBytes, check, says };
  }
  if (before.sha256 === previous.sha256) return undefined;
  const says = `One or more of the ${previous.bytes} bytes of ${previous.path} are not those after which this segment was written.`;
  return { byte: headBytes, check, says };
}

interface Head {
  readonly first: number;
  readonly previous: { readonly bytes: number; readonly sha256: string } | null;
}

function isHead(value: unknown): value is Head {
  if (typeof value !== 'object' || value === null || Object.keys(value).join() !== 'first,format,previous')
    return false;
  const { first, format, previous } = value as Record<string, unknown> & {
    first: unknown;
    format: unknown;
    previous: unknown;
  };
  if (!Number.isSafeInteger(first) || format !== segmentFormat) return false;
  if (previous === null) return true;
  if (typeof previous !== 'object' || Object.keys(previous).join() !== 'bytes,sha256') return false;
  const { bytes, sha256 } = previous as { bytes: unknown; sha256: unknown };
  return Number.isSafeInteger(bytes) && isDigest(sha256);
}
