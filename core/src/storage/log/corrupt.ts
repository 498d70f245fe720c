import { StorageError } from "../errors.js";

export function corrupt(message: string, options?: { cause?: unknown }): StorageError {
  return new StorageError("corrupt", message, options);
}
