import { z } from 'zod';
import { readWholeFile, writeWholeFile } from '../../device/kernel/durable-file.ts';
import { removeTree, type TreeFiles } from '../../device/kernel/tree-files.ts';

/**
 * What a person at the unit wants of the running program: a file that the command line leaves in the folder of updates, and that the program
 * takes away. Whoever may write that folder may as well replace the program, so it says nothing of who they are.
 */
export const personRequest = z.discriminatedUnion('act', [
  z.object({ id: z.string().min(8).max(64), act: z.literal('install'), from: z.string().min(1).max(4096) }),
  z.object({ id: z.string().min(8).max(64), act: z.literal('confirm') }),
  z.object({ id: z.string().min(8).max(64), act: z.literal('roll-back'), reason: z.string().min(1).max(500) }),
]);
export type PersonRequest = z.infer<typeof personRequest>;

export const requestPath = (root: string): string => `${root}/request.json`;

/** Throws `store-full` and `store-failed`. */
export async function leaveRequest(files: TreeFiles, root: string, request: PersonRequest): Promise<void> {
  await writeWholeFile(files, requestPath(root), Buffer.from(JSON.stringify(request)));
}

/** Takes the request away and gives it; undefined where there is none, and for what is none or cannot be read. Throws the system's own errors. */
export async function takeRequest(files: TreeFiles, root: string): Promise<PersonRequest | undefined> {
  if ((await files.look(requestPath(root))) === undefined) return undefined;
  // What stays there breaks each download off, for whoever may have left it.
  const bytes = await readWholeFile(files, requestPath(root)).catch(() => undefined);
  await removeTree(files, requestPath(root));
  try {
    return personRequest.parse(JSON.parse(bytes?.toString('utf8') ?? ''));
  } catch {
    return undefined;
  }
}
