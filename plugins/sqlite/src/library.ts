import type BetterSqlite from "better-sqlite3";

export type Library = typeof BetterSqlite;

/** Which better-sqlite3 this Node can run. */
export interface LibraryChoice {
  readonly name: string;
  /** How its native part is made where none is ready. */
  readonly rebuild: string;
}

/**
 * 12 ends the process at some garbage collection on Node 24, whose ObjectWrap it is not made for. 13 needs Node-API 10, which
 * Node has since 22.14, and crashes without it. What is used here is the same in both.
 */
export const LIBRARY: LibraryChoice =
  Number(process.versions.napi) >= 10
    ? { name: "better-sqlite3", rebuild: "npx node-gyp rebuild --release -C node_modules/better-sqlite3" }
    : { name: "better-sqlite3-12", rebuild: "npm rebuild better-sqlite3-12" };

/** Imports nothing of the core: the worker, which starts quickly, needs it. */
export async function importLibrary(): Promise<Library> {
  const { default: library } = (await import(LIBRARY.name)) as { readonly default: Library };
  return library;
}
