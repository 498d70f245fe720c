import { StorageError } from "@etcd-adapter/core/storage";
import { importLibrary, LIBRARY, type Library } from "./library.js";

/** better-sqlite3, loaded only when it is wanted: it is native code that a machine may lack. */
export async function loadLibrary(): Promise<Library> {
  try {
    const library = await importLibrary();
    // The native part is loaded by the first database.
    new library(":memory:").close();
    return library;
  } catch (cause) {
    throw new StorageError(
      "misconfigured",
      `the sqlite storage needs the package ${LIBRARY.name}, which is missing here or has no native part for this machine: run ` +
        `\`npm install\`, or \`${LIBRARY.rebuild}\` (which needs Python and a C++ compiler), or choose another storage`,
      { cause },
    );
  }
}
