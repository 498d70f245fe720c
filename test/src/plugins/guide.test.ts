/** docs/writing-a-plugin.md shows the example's code, all of it and nothing else; redis-example.test.ts follows it. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { blocks, EXAMPLE, files, guide } from "./guide.js";

const STORAGE = fileURLToPath(new URL("../../../core/dist/storage", import.meta.url));
const SOURCE_LINES_MAX = 200;

function sources(): string[] {
  return readdirSync(join(EXAMPLE, "src")).map((name) => join("src", name));
}

test("the guide's blocks, put together, are the example's files", () => {
  const shown = files();
  shown.delete("etcd.yaml");
  assert.deepEqual([...shown.keys()].sort(), ["package.json", "tsconfig.json", ...sources()].sort());
  for (const [path, text] of shown) assert.equal(text, readFileSync(join(EXAMPLE, path), "utf8"), path);
});

test("every block is a part of a file, a command that is run, or its output", () => {
  for (const { language, path, text } of blocks()) {
    assert.ok(path !== "" || language === "sh" || language === "text", `what is this?\n${text}`);
  }
});

test("the example's source has less than 200 lines", () => {
  const own = sources().filter((path) => !path.endsWith(".test.ts"));
  const lines = own.map((path) => readFileSync(join(EXAMPLE, path), "utf8").split("\n").length - 1);
  assert.ok(lines.reduce((sum, count) => sum + count) < SOURCE_LINES_MAX);
});

test("the sentences that the guide explains are those that the core writes", () => {
  const written = readdirSync(STORAGE)
    .filter((name) => name.endsWith(".js"))
    .map((name) => readFileSync(join(STORAGE, name), "utf8"))
    .join("\n");
  const [, table = ""] = /## When it does not load\n([\s\S]*?)\n## /.exec(guide()) ?? [];
  const rows = table.split("\n").filter((line) => line.startsWith("| "));
  const fragments = rows.slice(1).flatMap((row) => row.split(" | ")[0]!.slice(2).split("…"));
  const telling = fragments.map((fragment) => fragment.trim()).filter((fragment) => fragment.length > 5);
  assert.ok(telling.length >= 7);
  for (const fragment of telling) assert.ok(written.includes(fragment), fragment);
});

test("the guide's links within the repository lead somewhere", () => {
  const links = [...guide().matchAll(/\]\((\.\.\/[^)#]+)/g)].map(([, link = ""]) => link);
  assert.ok(links.length > 0);
  for (const link of links) assert.ok(readdirSync(join(EXAMPLE, "../../docs", link, "..")).length > 0, link);
});
