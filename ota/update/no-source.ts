import { AtalayaError } from '../../device/kernel/errors.ts';
import type { UpdateSource } from '../contract/parts.ts';

const down = async (): Promise<never> => {
  throw new AtalayaError('link-down', 'there is no link to the centre, and no stick');
};

/** For a file that is here already and has only to be checked. */
export const noSource: UpdateSource = { name: 'nowhere', metadata: down, blocks: down };
