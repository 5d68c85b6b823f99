#!/usr/bin/env node
import '../../device/kernel/quiet-libraries.ts';

import { runOta } from './run-ota.ts';
import { addUnitCommands } from './unit/add-unit-commands.ts';

// What makes and signs updates does not come onto a unit.
await runOta('Updates of this unit: how they stand, from a stick, back to the version before.', [addUnitCommands]);
