import { AtalayaError } from '../errors.ts';

/** The fault of work that must fail. */
export async function fault(work: Promise<unknown>): Promise<AtalayaError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof AtalayaError) return error;
    throw error;
  }
  throw new Error('no fault where one is due');
}
