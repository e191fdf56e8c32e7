import { readFileSync } from 'node:fs';

/** The package's own version; `package.json` is one folder up in sources, two in the build. */
export function version(): string {
  for (const up of ['../', '../../']) {
    try {
      return JSON.parse(readFileSync(new URL(`${up}package.json`, import.meta.url), 'utf8')).version;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return 'unknown';
}
