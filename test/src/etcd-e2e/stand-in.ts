import { chmodSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MAIN } from "../adapter/start.js";
import { temporaryFolder } from "../servers/folders.js";
import { built } from "../servers/index.js";

/**
 * A folder of programs as etcd's tests expect it, whose `etcd` is the adapter. The members of a cluster share a
 * storage below `consulUrl`: they are named CLUSTER-test-0, CLUSTER-test-1 and so on.
 */
export async function standIn(consulUrl: string): Promise<string> {
  const folder = temporaryFolder("etcd-e2e");
  const { etcdctl, etcdutl } = await built("etcd");
  symlinkSync(etcdctl, join(folder, "etcdctl"));
  symlinkSync(etcdutl, join(folder, "etcdutl"));
  const program = join(folder, "etcd");
  writeFileSync(
    program,
    `#!/bin/sh
for flag in "$@"; do
  case "$flag" in
    --name=*) cluster=\${flag#--name=} ;;
  esac
done
exec "${process.execPath}" "${MAIN}" "--storage=${consulUrl}/\${cluster%-test-*}" "$@"
`,
  );
  chmodSync(program, 0o755);
  return folder;
}
