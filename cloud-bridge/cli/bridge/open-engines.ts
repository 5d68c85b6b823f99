import { join } from 'node:path';
import type { Clock } from '../../../device/kernel/clock.ts';
import { AtalayaError } from '../../../device/kernel/errors.ts';
import { systemFiles } from '../../../device/kernel/files.ts';
import type { Log } from '../../../device/kernel/log/log.ts';
import type { Random } from '../../../device/kernel/supervise.ts';
import type { Timer } from '../../../device/kernel/timer.ts';
import { milliseconds } from '../../../device/kernel/units.ts';
import type { Archive } from '../../centre/archive/archive.ts';
import { PostgresArchive } from '../../centre/archive/postgres-archive.ts';
import { SqliteArchive } from '../../centre/archive/sqlite-archive.ts';
import type { Blobs } from '../../centre/blobs/blobs.ts';
import { FolderBlobs } from '../../centre/blobs/folder-blobs.ts';
import { S3Blobs } from '../../centre/blobs/s3-blobs.ts';
import { AmqpQueues } from '../../centre/queues/amqp-queues.ts';
import type { Queues } from '../../centre/queues/queues.ts';
import type { BridgeConfig } from './bridge-config.ts';
import { needed } from './needed-file.ts';

/** Where a bridge keeps things, and whom it tells. */
export interface Engines {
  readonly archive: Archive;
  readonly blobs: Blobs;
  readonly queues: Queues | undefined;
  close(): Promise<void>;
}

export interface EngineParts {
  readonly clock: Clock;
  readonly timer: Timer;
  readonly random: Random;
  readonly log: Log;
}

/** Those that the configuration names. Throws what they throw; what had been opened is closed then. */
export async function openEngines(config: BridgeConfig, parts: EngineParts): Promise<Engines> {
  const { clock, timer } = parts;
  const opened: { close(): Promise<void> }[] = [];
  const close = async () => {
    const results = await Promise.allSettled(opened.toReversed().map((engine) => engine.close()));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  };
  const keep = <E extends { close(): Promise<void> }>(engine: E): E => {
    opened.push(engine);
    return engine;
  };
  try {
    const archive = keep(await openArchive(config, clock));
    const blobs = keep(await openBlobs(config, timer));
    const queues = config.queues === undefined ? undefined : keep(await openQueues(config.queues, parts));
    return { archive, blobs, queues, close };
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
}

async function openArchive({ data, archive }: BridgeConfig, clock: Clock): Promise<Archive> {
  const url = await urlOf(archive, 'archive');
  if (url === undefined) return SqliteArchive.open(join(data, 'archive.sqlite'), { clock });
  if (!/^postgres(ql)?:\/\//.test(url)) {
    // The address is not repeated: it may hold a password.
    throw new AtalayaError('config-invalid', 'the address of the archive is none', {
      hint: 'Write it as postgres://user@host:5432/database in archive.url, or with a password in the file of archive.urlFile.',
    });
  }
  return named('archive', PostgresArchive.open(url, { clock }));
}

/** What an engine throws, with the section of the configuration that says where it is. */
async function named<T>(section: string, opening: Promise<T>): Promise<T> {
  try {
    return await opening;
  } catch (error) {
    if (!(error instanceof AtalayaError)) throw error;
    const { code, message, hint, cause } = error;
    const where = `Where it is, and who we are there, is said in the section ${section} of the configuration.`;
    throw new AtalayaError(code, message, { hint: hint === undefined ? where : `${hint} ${where}`, cause });
  }
}

async function openBlobs({ data, blobs }: BridgeConfig, timer: Timer): Promise<Blobs> {
  if (blobs === undefined) return FolderBlobs.open(join(data, 'blobs'), { files: systemFiles });
  const { endPoint, port, tls, bucket, prefix, region, accessKeyFile, secretKeyFile } = blobs;
  const options = {
    ...{ endPoint, bucket, useSSL: tls },
    ...(port === undefined ? {} : { port }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(region === undefined ? {} : { region }),
    accessKey: await secretOf(accessKeyFile, 'blobs.accessKeyFile'),
    secretKey: await secretOf(secretKeyFile, 'blobs.secretKeyFile'),
  };
  return named('blobs', S3Blobs.open(options, { timer }));
}

async function openQueues(section: NonNullable<BridgeConfig['queues']>, parts: EngineParts): Promise<Queues> {
  const url = await urlOf(section, 'queues');
  if (url === undefined) throw new AtalayaError('config-invalid', 'queues names neither url nor urlFile');
  const { clock, timer, random, log } = parts;
  return AmqpQueues.open({
    ...{ url, clock, timer, random },
    ...(section.ca === undefined ? {} : { ca: Buffer.from(await secretOf(section.ca, 'queues.ca')) }),
    backoff: { first: milliseconds(500), most: milliseconds(30_000) },
    connectDeadline: milliseconds(15_000),
    confirmDeadline: milliseconds(15_000),
    onFault: (error, waitMs) => log.warn({ part: 'queues', error, waitMs }, 'the queues cannot be reached'),
  });
}

async function urlOf(
  { url, urlFile }: { readonly url?: string | undefined; readonly urlFile?: string | undefined },
  section: string,
): Promise<string | undefined> {
  return urlFile === undefined ? url : secretOf(urlFile, `${section}.urlFile`);
}

async function secretOf(path: string, field: string): Promise<string> {
  return (await needed(path, field)).toString().trim();
}
