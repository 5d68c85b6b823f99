import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { longestEnrolmentDocument } from '../../contract/enrolment-documents.ts';

/** The text of a request. Throws `usage-invalid`, `document-refused`. */
export async function readRequest(path: string): Promise<string> {
  try {
    const text = await readFile(resolve(path), 'utf8');
    if (text.length <= longestEnrolmentDocument) return text;
  } catch (error) {
    throw new AtalayaError('usage-invalid', `the request ${path} cannot be read`, {
      hint: 'Check the path, and whether the stick is mounted.',
      cause: error,
    });
  }
  throw new AtalayaError('document-refused', `${path} is too long for a request`, { hint: 'Check the path.' });
}
