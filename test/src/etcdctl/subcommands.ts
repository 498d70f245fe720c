import { bareEtcdctl } from "./run.js";

/** A line of etcdctl's help that names a command: indented, then a tab and what it does. */
const COMMAND_LINE = /^ {2}(\S+(?: \S+)*?)\t+\S/gm;

/** Every command that etcdctl's help names, such as "member list", without the ones that only group others. */
export async function subcommands(path: readonly string[] = []): Promise<string[]> {
  const { output } = await bareEtcdctl([...path, "--help"]);
  const [, section] = /^COMMANDS:\n([\s\S]*?)\n\n/m.exec(output) ?? [];
  if (section === undefined) return [path.join(" ")];
  const names = [...section.matchAll(COMMAND_LINE)].map((match) => match[1]!.split(" "));
  const below: string[] = [];
  for (const name of names) {
    // The first page lists "member add", a group's own page only "add".
    below.push(...(name.length > 1 ? [name.join(" ")] : await subcommands([...path, ...name])));
  }
  return [...new Set(below)].sort();
}
