import { readFile, writeFile } from "node:fs/promises";

const begin = "<!-- bench: begin -->";
const end = "<!-- bench: end -->";

/** Puts the report between the file's markers; a file without them becomes the report. */
export async function publish(file: string, text: string): Promise<void> {
  const before = await readFile(file, "utf8").catch(() => "");
  const [from, to] = [before.indexOf(begin), before.indexOf(end)];
  const whole =
    from >= 0 && to > from
      ? `${before.slice(0, from + begin.length)}\n\n${text}\n\n${before.slice(to)}`
      : `${text}\n`;
  await writeFile(file, whole);
}
