import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { escapeHtml } from '../html.ts';

const run = promisify(execFile);

/** How wide a page is on screens of these widths, CSS pixels; undefined where there is no chromium to lay it out. */
export async function pageWidths(page: string, widths: readonly number[]): Promise<readonly number[] | undefined> {
  if ((await run('chromium', ['--version']).catch(() => undefined)) === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'page-widths-'));
  try {
    const source = escapeHtml(page);
    // A window of the browser is never narrower than 500 pixels; a frame in it may be, and is laid out as a screen of its width.
    const frames = widths.map((width) => `<iframe style="width:${width}px;border:0" srcdoc="${source}"></iframe>`);
    const script = `onload=()=>{document.title=[...document.querySelectorAll('iframe')].map(f=>f.contentDocument.documentElement.scrollWidth).join()}`;
    const file = join(folder, 'frames.html');
    await writeFile(file, `<!doctype html><meta charset="utf-8">${frames.join('')}<script>${script}</script>`);
    const flags = ['--headless', '--no-sandbox', '--disable-gpu', `--user-data-dir=${join(folder, 'profile')}`];
    const { stdout } = await run('chromium', [...flags, '--virtual-time-budget=5000', '--dump-dom', `file://${file}`], {
      maxBuffer: 64 * 1024 * 1024,
      timeout: 60_000,
    });
    return /<title>([\d,]+)<\/title>/.exec(stdout)?.[1]?.split(',').map(Number) ?? [];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
