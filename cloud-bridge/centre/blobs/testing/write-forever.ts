import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { systemFiles } from '../../../../device/kernel/files.ts';
import { blockBytes } from '../../../contract/topics.ts';
import { FolderBlobs } from '../folder-blobs.ts';
import { clip } from './blobs-contract.ts';

/** A program for crash tests. `FOLDER`: writes one block after the other behind those that are there, and each number on a line, until it is killed. */
const [folder = ''] = process.argv.slice(2);
const blobs = await FolderBlobs.open(folder, { files: systemFiles });
for (let block = (await blobs.blocks(clip)).size; ; block += 1) {
  await blobs.write(clip, block, randomBytes(blockBytes));
  writeSync(1, `${block}\n`);
}
