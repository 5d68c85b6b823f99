import test from 'ava';
import { systemClock } from '../../../device/kernel/clock.ts';
import { archiveContract } from './testing/archive-contract.ts';
import { MemoryArchive } from './testing/memory-archive.ts';
import { ArchiveContent } from './testing/memory-content.ts';

archiveContract(test.serial, async () => {
  const content = new ArchiveContent();
  return {
    archive: new MemoryArchive(systemClock, content),
    again: async () => new MemoryArchive(systemClock, content),
  };
});
