#!/usr/bin/env -S node --disable-warning=ExperimentalWarning
import '../../device/kernel/quiet-libraries.ts';

import { addBundleCommands } from './bundle/add-bundle-commands.ts';
import { addPublishCommands } from './publish/add-publish-commands.ts';
import { runOta } from './run-ota.ts';
import { addUnitCommands } from './unit/add-unit-commands.ts';

await runOta('Updates: makes bundles, signs and publishes them; on a unit: looks at them, installs them, goes back.', [
  addBundleCommands,
  addPublishCommands,
  addUnitCommands,
]);
