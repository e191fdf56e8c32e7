/** How the program was called, so that the commands it proposes work as they are printed. */
import { existsSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { displayPath } from '../files.js';

/** `spantune`; in a checkout `node bin/spantune`, from a package's own `node_modules` `npx spantune`. */
export function commandName(script = process.argv[1] ?? ''): string {
  const folder = dirname(script);
  if (folder.endsWith(`node_modules${sep}.bin`)) return 'npx spantune';
  const checkout = existsSync(join(folder, '../src/cli')) && existsSync(join(folder, '../scripts/run.mjs'));
  return checkout ? `node ${quoted(displayPath(script))}` : 'spantune';
}

/** A word as a shell reads it back. */
export function quoted(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  // cmd.exe and PowerShell know no other quotes; a POSIX shell would expand these four inside of them.
  return /[$`\\!"]/.test(word) && process.platform !== 'win32' ? `'${word.replaceAll("'", "'\\''")}'` : `"${word}"`;
}
