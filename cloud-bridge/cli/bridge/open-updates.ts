import type { Clock } from '../../../device/kernel/clock.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { openDirector } from '../../../ota/repository/director.ts';
import { openKeyFile } from '../../../ota/repository/signers/key-files.ts';
import { StreamServer } from '../../centre/updates/stream-server.ts';
import type { UpdateParts } from '../../centre/updates/update-ports.ts';
import type { BridgeConfig } from './bridge-config.ts';
import { needed } from './needed-file.ts';
import { verifyReport } from './verify-report.ts';

/**
 * The update repository that the configuration names. Without one, what units say of updates is kept, and none is given. Throws
 * `key-missing`, `key-invalid`, `key-wrong`, `store-damaged`, `document-refused`.
 */
export async function openUpdates({ updates }: Pick<BridgeConfig, 'updates'>, clock: Clock): Promise<UpdateParts> {
  if (updates === undefined) return { director: undefined, verify: verifyReport, openStreams: undefined };
  const { repository, keys, passphraseFile } = updates;
  const passphrase = async (): Promise<string> => {
    if (passphraseFile !== undefined)
      return (await needed(passphraseFile, 'updates.passphraseFile')).toString().trimEnd();
    throw new AtalayaError('key-wrong', 'a key of the director has a passphrase, and none is given', {
      hint: 'Name a file that holds it: updates.passphraseFile.',
    });
  };
  const director = await openDirector({
    folder: repository,
    keys: {
      targets: await openKeyFile(keys.targets, passphrase),
      snapshot: await openKeyFile(keys.snapshot, passphrase),
      timestamp: await openKeyFile(keys.timestamp, passphrase),
    },
    clock,
  });
  return {
    director,
    verify: verifyReport,
    openStreams: ({ answer, block }) => new StreamServer({ files: director, answer, block, clock }),
  };
}
