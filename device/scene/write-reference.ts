#!/usr/bin/env node
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withFieldList } from './reference.ts';

// Brings the list of fields in README.md up to date with the schema.
const page = join(import.meta.dirname, 'README.md');
writeFileSync(page, withFieldList(readFileSync(page, 'utf8')));
