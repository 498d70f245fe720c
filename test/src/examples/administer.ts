import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { base64, send } from "../apisix/http.js";
import { temporaryFolder } from "../servers/folders.js";
import { built, isRequired } from "../servers/index.js";

/** An etcdctl command: by the real one where it is at hand, else by the same request of the gateway. */
export async function administer(
  url: string,
  command: readonly string[],
  ca: string | undefined,
): Promise<void> {
  if (isRequired("etcd")) return runEtcdctl(url, command, ca);
  const [path, body] = requestOf(command);
  const answer = await send(url, path, JSON.stringify(body), {}, ca);
  if (answer.status !== 200) throw new Error(`etcdctl ${command.join(" ")}: ${answer.text}`);
}

async function runEtcdctl(url: string, command: readonly string[], ca: string | undefined): Promise<void> {
  const { etcdctl } = await built("etcd");
  const flags = [`--endpoints=${url}`];
  if (ca !== undefined) {
    const file = join(temporaryFolder("example"), "ca.crt");
    writeFileSync(file, ca);
    flags.push(`--cacert=${file}`);
  }
  await promisify(execFile)(etcdctl, [...flags, ...command]);
}

function requestOf(command: readonly string[]): readonly [path: string, body: object] {
  const [noun, verb, name, ...rest] = command.filter((word) => !word.startsWith("--"));
  const flag = (text: string) => command.find((word) => word.startsWith(text))?.slice(text.length);
  switch (`${noun} ${verb}`) {
    case "user add":
      return ["/v3/auth/user/add", { name, password: flag("--new-user-password=") }];
    case "user grant-role":
      return ["/v3/auth/user/grant", { user: name, role: rest[0] }];
    case "role add":
      return ["/v3/auth/role/add", { name }];
    case "role grant-permission": {
      const [permType, key] = rest as [string, string];
      const end = key.slice(0, -1) + String.fromCharCode(key.charCodeAt(key.length - 1) + 1);
      const perm = { permType: permType.toUpperCase(), key: base64(key), range_end: base64(end) };
      return ["/v3/auth/role/grant", { name, perm }];
    }
    case "auth enable":
      return ["/v3/auth/enable", {}];
  }
  throw new Error(`etcdctl ${command.join(" ")} is not known here`);
}
