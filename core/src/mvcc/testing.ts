/** Builders that the tests of this folder share. */
import { pino } from "pino";
import { LogBackedStorage, ProcessLog, ProcessLogBackend } from "../storage/log/index.js";
import type { DeleteOperation, Operation, PutOperation, RangeOperation, TxnOperation } from "./operations.js";
import { decodeField, splitFields } from "./record.js";
import { Store } from "./store.js";
import type { WatchRequest } from "./watch/stream.js";

const NONE = Buffer.alloc(0);

export const bytes = (text: string): Buffer => Buffer.from(text, "latin1");

/** A store of its own on a backend inside the process; several on one backend are several adapters. */
export async function openStore(backend = new ProcessLogBackend()): Promise<Store> {
  const store = new Store(new LogBackedStorage(new ProcessLog(backend)), pino({ level: "silent" }));
  await store.start();
  return store;
}

export function put(key: string, value = "", more: Partial<PutOperation> = {}): PutOperation {
  return {
    type: "put",
    key: bytes(key),
    value: bytes(value),
    lease: 0n,
    prevKv: false,
    ignoreValue: false,
    ignoreLease: false,
    ...more,
  };
}

export function range(key: string, rangeEnd = "", more: Partial<RangeOperation> = {}): RangeOperation {
  return {
    type: "range",
    key: bytes(key),
    rangeEnd: bytes(rangeEnd),
    revision: 0n,
    limit: 0n,
    sortOrder: "none",
    sortTarget: "key",
    keysOnly: false,
    countOnly: false,
    serializable: false,
    minModRevision: 0n,
    maxModRevision: 0n,
    minCreateRevision: 0n,
    maxCreateRevision: 0n,
    ...more,
  };
}

export function del(key: string, rangeEnd = ""): DeleteOperation {
  return { type: "delete", key: bytes(key), rangeEnd: bytes(rangeEnd), prevKv: false };
}

export function txn(success: Operation[], compares: TxnOperation["compares"] = []): TxnOperation {
  return { type: "txn", compares, success, failure: [] };
}

export function watchAll(more: Partial<WatchRequest> = {}): WatchRequest {
  return {
    interval: { start: NONE, end: null },
    noPut: false,
    noDelete: false,
    prevKv: false,
    id: undefined,
    startRevision: 0n,
    fragment: false,
    progressNotify: false,
    ...more,
  };
}

/** `key=value@mod` of each key-value. */
export function shown(fields: Buffer): string[] {
  return splitFields(fields).map((field) => {
    const kv = decodeField(field);
    return `${kv.key.toString("latin1")}=${kv.value.toString("latin1")}@${kv.modRevision}`;
  });
}
