/**
 * What `npm test` prints: a line a file that failed, or every half minute how far it is, and at the end each
 * failure in full. Short, so that a log that keeps only its last lines still says what went wrong.
 */
import { writeFileSync } from "node:fs";
import { relative } from "node:path";
import { inspect } from "node:util";

const everyMs = 30_000;
const longestError = 60;
const longestLine = 400;
const lastLines = 20;

/** @param {AsyncIterable<{ type: string, data: Record<string, any> }>} source node:test's events */
export default async function* report(source) {
  const root = process.cwd();
  const total = Number(process.env.ETCD_ADAPTER_TEST_FILES ?? 0);
  const started = Date.now();
  const counts = { passed: 0, failed: 0, skipped: 0 };
  let files = 0;
  const failures = [];
  const failedFiles = [];
  const printed = new Map(); // what it printed last, for a file that ends without a word
  const path = []; // the names of the suites around the running test, as they were started
  let last = started;

  const seconds = () => `${Math.round((Date.now() - started) / 1000)} s`;
  const progress = () =>
    `${files}${total ? `/${total}` : ""} files, ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped, ${seconds()}\n`;

  for await (const { type, data } of source) {
    if (type === "test:start") {
      path.length = data.nesting;
      path[data.nesting] = data.name;
    } else if (type === "test:pass" || type === "test:fail") {
      const suite = data.details?.type === "suite";
      if (data.skip !== undefined || data.todo !== undefined) counts.skipped++;
      else if (type === "test:pass") counts.passed += suite ? 0 : 1;
      else if (data.details?.error?.failureType !== "subtestsFailed") {
        counts.failed++;
        const where = data.file ? relative(root, data.file) : "";
        const name = [...path.slice(0, data.nesting), data.name].join(" › ");
        const failure = { title: `✖ ${where}: ${name}`, error: data.details?.error };
        if (data.name === data.file) failure.error = lastWords(failure.error, printed.get(data.file));
        failures.push(failure);
        yield `${failure.title}\n${described(failure.error, 8)}\n`;
      }
    } else if (type === "test:complete" && data.name === data.file) {
      files++;
      if (data.details?.error) failedFiles.push(data.file);
    } else if (type === "test:stderr" || type === "test:stdout") {
      const lines = [...(printed.get(data.file) ?? []), ...data.message.trimEnd().split("\n")];
      printed.set(data.file, lines.slice(-lastLines));
    }
    if (Date.now() - last > everyMs) {
      last = Date.now();
      yield progress();
    }
  }
  for (const { title, error } of failures) yield `\n${title}\n${described(error, longestError)}\n`;
  if (process.env.ETCD_ADAPTER_TEST_FAILED) {
    writeFileSync(process.env.ETCD_ADAPTER_TEST_FAILED, failedFiles.join("\n"));
  }
  yield progress();
}

function lastWords(error, lines = []) {
  const message = (error?.cause ?? error)?.toString() ?? "failed";
  return { cause: [message, ...lines].join("\n") };
}

function described(error, lines) {
  // node:test wraps what was thrown; the cause is what the test's author meant.
  const cause = error?.cause ?? error;
  const text = typeof cause === "string" ? cause : inspect(cause, { depth: 6, breakLength: 120 });
  const all = text.split("\n");
  const shown = all.slice(0, lines);
  if (all.length > lines) shown.push(`… ${all.length - lines} more lines`);
  return shown
    .map((line) => `    ${line.length > longestLine ? `${line.slice(0, longestLine)}…` : line}`)
    .join("\n");
}
