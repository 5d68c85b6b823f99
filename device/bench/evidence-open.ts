import { FileKeystore } from '../evidence/keystore/file-keystore.ts';
import { openBenchStore } from './evidence-parts.ts';

/** A process of its own that opens a store: prints the milliseconds that it took and the most memory that the process ever had. */
const [folder = '', keyFile = ''] = process.argv.slice(2);
const keystore = await FileKeystore.open(keyFile);
const begin = performance.now();
const store = await openBenchStore(folder, keystore);
const milliseconds = performance.now() - begin;
await store.close();
const megabytes = process.resourceUsage().maxRSS / 1000;
console.log(JSON.stringify({ milliseconds, megabytes }));
