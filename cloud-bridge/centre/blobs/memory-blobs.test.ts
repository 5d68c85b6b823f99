import test from 'ava';
import { blobsContract } from './testing/blobs-contract.ts';
import { MemoryBlobs } from './testing/memory-blobs.ts';

blobsContract(test.serial, async () => {
  const blobs = new MemoryBlobs();
  return { blobs, again: async () => blobs };
});
