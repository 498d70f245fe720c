import { findPlugins } from "../storage/discovery.js";

/** The plugins that are installed, and how each is named in a storage URL. */
export function pluginsText(): string {
  const plugins = findPlugins();
  if (plugins.length === 0)
    return 'No storage plugins found; install one, such as "npm install @etcd-adapter/plugin-sqlite".\n';
  const rows = plugins.map((plugin) => [
    plugin.plugin,
    plugin.schemes.map((scheme) => `${scheme}:`).join(" "),
    `${plugin.packageName} ${plugin.version}`,
  ]);
  const width = (column: number) => Math.max(...rows.map((row) => row[column]!.length));
  const [first, second] = [width(0), width(1)];
  return rows
    .map(([name, urls, from]) => `${name!.padEnd(first)}  ${urls!.padEnd(second)}  ${from}\n`)
    .join("");
}
