/** The checkout's own folder, from a test's source and from its build alike. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function nearestPackage(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : nearestPackage(dirname(folder));
}

export const root = nearestPackage(dirname(fileURLToPath(import.meta.url)));
