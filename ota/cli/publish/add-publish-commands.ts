import type { Command } from 'commander';
import type { OtaIo } from '../ota-io.ts';
import { addDirecting } from './directing.ts';
import { addKeys } from './keys.ts';
import { addPublishing } from './publishing.ts';
import { addRepository } from './repository.ts';
import { addSigning } from './signing.ts';

/** Adds what a publisher and the holders of keys do: keys, targets, signatures, publication, jobs. */
export function addPublishCommands(root: Command, io: OtaIo): void {
  addKeys(root, io);
  addRepository(root, io);
  addSigning(root, io);
  addPublishing(root, io);
  addDirecting(root, io);
}
