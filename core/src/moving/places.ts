import { resolve } from "node:path";
import type { StorageChoice } from "../storage/loader.js";
import type { EndpointOptions } from "./endpoint.js";
import { MovingError } from "./moving-error.js";

/** Where data can be moved from and to. */
export type Place =
  | { readonly kind: "endpoint"; readonly label: string; readonly options: EndpointOptions }
  | { readonly kind: "file"; readonly label: string; readonly path: string }
  | { readonly kind: "storage"; readonly label: string; readonly choice: StorageChoice };

export type Access = Omit<EndpointOptions, "url">;

/** `flag` is where it was written, for messages. */
export function parsePlace(flag: string, text: string, access: Access): Place {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) {
    throw new MovingError(
      `${flag}: "${text}" has no scheme; write http://HOST:PORT for a running etcd, file:PATH for a snapshot file, or a storage's URL such as sqlite:PATH.`,
    );
  }
  if (scheme === "http" || scheme === "https") {
    if (!URL.canParse(text)) throw new MovingError(`${flag}: "${text}" is not a URL.`);
    const { pathname, search, username } = new URL(text);
    if (pathname !== "/" || search !== "" || username !== "") {
      throw new MovingError(`${flag}: "${redacted(text)}" must be a scheme, a host and a port, and no more.`);
    }
    return { kind: "endpoint", label: text, options: { url: text, ...access } };
  }
  for (const [name, value] of Object.entries(access)) {
    if (value !== undefined)
      throw new MovingError(`${flag}: ${name} is of use with http:// and https:// only.`);
  }
  if (scheme === "file") {
    const path = text.slice("file:".length).replace(/^\/\/(?=\/)/, "");
    if (path === "") throw new MovingError(`${flag}: the file's path is missing behind "file:".`);
    return { kind: "file", label: `file:${path}`, path: resolve(path) };
  }
  return storagePlace(text);
}

export function storagePlace(choice: StorageChoice): Place {
  const label = typeof choice === "string" ? redacted(choice) : `the storage of plugin ${choice.plugin}`;
  return { kind: "storage", label, choice };
}

/** Without the password. */
function redacted(url: string): string {
  return url.replace(/:\/\/([^:@/]*):[^@/]*@/, "://$1:***@");
}
