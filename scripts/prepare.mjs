/** Installs and builds what a fresh clone lacks; takes no time when nothing has changed. Node alone is needed. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const marker = join(root, "node_modules", ".prepared");

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`etcd-adapter needs Node.js 20.19 or newer; this is ${process.versions.node}.`);
  process.exit(2);
}

/** Runs a program, its output on stderr, and ends this one if it fails. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2], ...options });
  if (result.error) console.error(`${command} can't be run: ${result.error.message}`);
  if (result.status !== 0) process.exit(result.status ?? 1);
}

/** The packages that the lock file names, installed. */
function install() {
  const wanted = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  if (existsSync(marker) && readFileSync(marker, "utf8") === wanted) return;
  console.error("Installing packages (once, about a minute; longer where SQLite has to be compiled) …");
  run(process.platform === "win32" ? "npm.cmd" : "npm", ["ci", "--no-audit", "--no-fund"]);
  writeFileSync(marker, wanted);
}

export function prepare() {
  install();
  run(process.execPath, [join(root, "node_modules", "typescript", "bin", "tsc"), "-b"]);
}
