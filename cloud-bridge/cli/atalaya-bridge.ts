#!/usr/bin/env node
import { resolve } from 'node:path';
import { Command, CommanderError } from 'commander';
import { exitAfter } from '../../device/cli/exit-codes.ts';
import { helpLayout, helpOutput } from '../../device/cli/help-layout.ts';
import { systemClock } from '../../device/kernel/clock.ts';
import { explain, firstFault } from '../../device/kernel/errors.ts';
import { openLog } from '../../device/kernel/log/pino-log.ts';
import { parse } from '../../device/kernel/schema.ts';
import { version } from '../../device/version.ts';
import {
  type BridgeConfig,
  bridgeConfigSchema,
  defaultBridgeConfig,
  loadBridgeConfig,
  locateBridgeConfig,
} from './bridge/bridge-config.ts';
import { runBridge } from './bridge/compose-bridge.ts';

interface RunFlags {
  readonly config?: string;
  readonly name?: string;
  readonly data?: string;
  readonly broker?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly rootKey?: string;
  readonly trust?: string;
}

function program(signal: AbortSignal): Command {
  const root = new Command('atalaya-bridge')
    .description("The centre's end: takes what units send, archives it, acknowledges it, and answers atalaya-fleet.")
    .version(version)
    .configureHelp(helpLayout)
    .configureOutput(helpOutput)
    .exitOverride();
  root
    .command('run')
    .description('work until Ctrl-C; without a configuration: SQLite and folders in the data folder')
    .option('--config <file>', 'configuration (YAML): cloud-bridge/centre/README.md has every field')
    .option('--name <name>', 'name of this bridge, which begins with bridge-: the CN of its certificate')
    .option('--data <folder>', 'where everything is kept; one bridge at a time')
    .option('--broker <url>', 'the MQTT broker, mqtts://host:port')
    .option('--ca <file>', "authority of the broker's certificate (PEM)")
    .option('--cert <file>', 'certificate of this bridge (PEM)')
    .option('--key <file>', 'its private key (PEM)')
    .option('--root-key <file>', 'public root key of the people who may ask this bridge (PEM)')
    .option('--trust <file>', 'signed trust document, taken into use where it is newer')
    .action(async (flags: RunFlags) => {
      const config = withFlags(await read(flags.config), flags);
      const { level, folder, keepDays } = config.log;
      const log = openLog({
        ...{ level, keepDays, name: 'atalaya-bridge', clock: systemClock },
        ...(folder === undefined ? {} : { folder }),
        fields: { bridge: config.name },
      });
      try {
        await runBridge(config, {
          ...{ clock: systemClock, signal, log },
          onReady: ({ addresses, witness }) => {
            process.stdout.write(`listening: ${addresses.join(' ')}\nwitness: ${witness}\n`);
          },
        });
      } finally {
        await log.close();
      }
    });
  return root;
}

function read(file: string | undefined): Promise<BridgeConfig> | BridgeConfig {
  return file === undefined ? locateBridgeConfig(defaultBridgeConfig(), '.') : loadBridgeConfig(file);
}

/** What the command line says stands above the file; its paths are relative to where it was called. */
function withFlags(
  config: BridgeConfig,
  { name, data, broker, ca, cert, key, rootKey, trust }: RunFlags,
): BridgeConfig {
  return {
    ...config,
    ...(name === undefined ? {} : { name: parse(bridgeConfigSchema.shape.name, name, '--name', 'usage-invalid') }),
    ...(data === undefined ? {} : { data: resolve(data) }),
    broker: {
      ...config.broker,
      ...(broker === undefined ? {} : { url: broker }),
      ...(ca === undefined ? {} : { ca: resolve(ca) }),
      ...(cert === undefined ? {} : { cert: resolve(cert) }),
      ...(key === undefined ? {} : { key: resolve(key) }),
    },
    trust: {
      ...config.trust,
      ...(rootKey === undefined ? {} : { rootKey: resolve(rootKey) }),
      ...(trust === undefined ? {} : { document: resolve(trust) }),
    },
  };
}

// A reader that goes away (`| head`) is no reason to stop.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

// What is being archived is brought to its end; a second signal ends the program where it stands.
const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => stop.abort());

try {
  await program(stop.signal).parseAsync();
} catch (error) {
  const fault = firstFault(error);
  if (!(fault instanceof CommanderError)) process.stderr.write(`${explain(fault)}\n`);
  process.exitCode = exitAfter(fault);
}
