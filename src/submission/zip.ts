/** A submission's zip, in memory. */
import { unzipSync, zipSync } from 'fflate';
import { DataError } from '../errors.js';

/** No file of a submission comes near it; a larger one would be unpacked into memory for nothing. */
const LARGEST = 64 * 2 ** 20;

/** Every zip of the same files is the same, byte for byte: its entries bear the first moment that a zip can. */
const MOMENT = new Date(1980, 0, 1);

export function packZip(files: ReadonlyMap<string, string>): Uint8Array {
  const entries = [...files].map(([name, text]) => [name, new TextEncoder().encode(text)] as const);
  return zipSync(Object.fromEntries(entries), { level: 9, mtime: MOMENT });
}

/** Contents by name; folders are left out. Throws a `DataError` that names `path` where the bytes are no zip, or a damaged one. */
export function unpackZip(bytes: Uint8Array, path: string): Map<string, Uint8Array> {
  const hint = 'give a zip of the files that `spantune submission --output` writes';
  const names = new Set<string>();
  let unpacked: Record<string, Uint8Array>;
  try {
    unpacked = unzipSync(bytes, {
      filter({ name, originalSize }) {
        const problem = names.has(name)
          ? `holds ${name} twice`
          : originalSize > LARGEST
            ? `holds ${name} of ${originalSize} bytes, which is no file of a submission`
            : undefined;
        if (problem !== undefined) throw new DataError(problem, { file: path, hint });
        names.add(name);
        return !name.endsWith('/');
      },
    });
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    // As every zip file begins.
    const isZip = bytes[0] === 0x50 && bytes[1] === 0x4b;
    throw new DataError(isZip ? 'is a damaged zip file' : 'is not a zip file', { file: path, hint, cause });
  }
  return new Map(Object.entries(unpacked));
}
