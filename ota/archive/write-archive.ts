import { AtalayaError } from '../../device/kernel/errors.ts';
import {
  type ArchiveEntry,
  byPath,
  closingLength,
  headerOf,
  mostFiles,
  PathOrder,
  paddingOf,
  pathFault,
} from './archive-form.ts';

export interface ArchiveFile extends ArchiveEntry {
  /** Exactly `size` bytes. */
  read(): AsyncIterable<Uint8Array>;
}

/**
 * The bytes of an archive, before compression; the order of the files given does not matter. Throws `document-refused` where they make none: a
 * path that may not stand there, two of one path, a file below a file, more than `mostFiles`, or a content of another size than it was said to have.
 */
export async function* writeArchive(files: Iterable<ArchiveFile>): AsyncGenerator<Buffer, void, undefined> {
  const sorted = [...files].sort(byPath);
  if (sorted.length > mostFiles) throw refused(`${sorted.length} files are more than the ${mostFiles} of an archive`);
  const order = new PathOrder();
  for (const { path } of sorted) {
    const fault = pathFault(path) ?? order.fault(path);
    if (fault !== undefined) throw refused(`the path ${JSON.stringify(path)} ${fault}`);
  }
  for (const file of sorted) {
    yield headerOf(file);
    let size = 0;
    for await (const bytes of file.read()) {
      size += bytes.byteLength;
      if (size > file.size) break;
      yield Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    if (size !== file.size) throw refused(`${file.path} has other than its ${file.size} bytes`);
    const padding = paddingOf(file.size);
    if (padding > 0) yield Buffer.alloc(padding);
  }
  yield Buffer.alloc(closingLength);
}

const refused = (message: string): AtalayaError =>
  new AtalayaError('document-refused', message, { hint: 'Lay the folder of the bundle anew from its plan.' });
