import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const GUIDE = fileURLToPath(new URL("../../../docs/writing-a-plugin.md", import.meta.url));

/** The example that the guide writes. */
export const EXAMPLE = fileURLToPath(new URL("../../../examples/redis-plugin", import.meta.url));

export interface Block {
  readonly language: string;
  /** The file that the block is, or is a part of; empty for commands and output. */
  readonly path: string;
  readonly text: string;
}

export function guide(): string {
  return readFileSync(GUIDE, "utf8");
}

export function blocks(): Block[] {
  return [...guide().matchAll(/^```(\w*) ?(.*)\n([\s\S]*?)\n```$/gm)].map(
    ([, language = "", path = "", text = ""]) => ({ language, path, text }),
  );
}

/** Each file that the guide shows, put together from its blocks. */
export function files(): Map<string, string> {
  const whole = new Map<string, string>();
  for (const { path, text } of blocks()) {
    if (path === "") continue;
    const before = whole.get(path);
    whole.set(path, before === undefined ? `${text}\n` : `${before}\n${text}\n`);
  }
  return whole;
}

/** The commands, block by block. */
export function commands(): string[] {
  return blocks().flatMap(({ language, text }) => (language === "sh" ? [text] : []));
}
