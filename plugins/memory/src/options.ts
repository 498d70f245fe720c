import { z } from "zod";

/** There is nothing to choose; a name that is not known is an error all the same. */
export const memoryOptions = z.strictObject({});

/** `memory:`, with nothing behind it. */
export function memoryOptionsFromUrl(url: string): unknown {
  if (!/^memory:(\/\/)?$/i.test(url)) {
    throw new Error(`"${url}" names a place, but the memory storage has none: write "memory:"`);
  }
  return {};
}
