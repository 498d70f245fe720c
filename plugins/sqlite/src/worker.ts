import { parentPort, workerData } from "node:worker_threads";
import { Connection, type FileSettings } from "./connection.js";
import { importLibrary } from "./library.js";
import { type Operations, operations } from "./operations.js";
import { Reader } from "./reader.js";
import { statements } from "./statements.js";
import { Writer } from "./writer.js";

/*
 * A thread with a connection of its own, which answers one call after another. The connection is opened by the
 * first: the thread starts while the main one still creates the file. For a quick start, nothing that is
 * imported here may import the core but for its types.
 */

export interface Request {
  readonly id: number;
  readonly name: keyof Operations;
  readonly parameters: readonly unknown[];
}

export type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly code: string; readonly message: string };

const port = parentPort!;
const settings = workerData as FileSettings;
const library = await importLibrary();
let connection: Connection | undefined;
let opened: Operations | undefined;

function open(): Operations {
  connection = Connection.open(library, settings);
  const sql = statements(settings.tables);
  const reader = new Reader(connection, sql);
  return operations(reader, new Writer(connection, sql, reader));
}

function answer({ id, name, parameters }: Request): void {
  try {
    opened ??= open();
    const operation = opened[name] as (...parameters: unknown[]) => unknown;
    const value = operation(...parameters);
    port.postMessage({ id, value } satisfies Reply, transferable(value));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const message = error instanceof Error ? error.message : String(error);
    port.postMessage({ id, code, message } satisfies Reply);
  }
}

/** What may be handed over instead of copied: bytes that fill their block. */
function transferable(value: unknown, found: ArrayBuffer[] = []): ArrayBuffer[] {
  if (value instanceof Uint8Array) {
    if (
      value.buffer instanceof ArrayBuffer &&
      value.byteLength === value.buffer.byteLength &&
      value.length > 0
    ) {
      found.push(value.buffer);
    }
  } else if (typeof value === "object" && value !== null) {
    for (const member of Object.values(value)) transferable(member, found);
  }
  return found;
}

port.on("message", (request: Request | "close") => {
  if (request !== "close") return answer(request);
  connection?.close();
  port.close();
});
