/** Finds the method of a path. */

import { Code, type Status } from "./call/status.js";
import { goQuote } from "./call/text.js";
import type { Method, Services } from "./service.js";

export class Router {
  private readonly methods = new Map<string, Method>();
  private readonly services: ReadonlySet<string>;

  constructor(services: Services) {
    this.services = new Set(Object.keys(services));
    for (const [service, methods] of Object.entries(services)) {
      for (const [name, method] of Object.entries(methods)) this.methods.set(`/${service}/${name}`, method);
    }
  }

  find(path: string): Method | undefined {
    return this.methods.get(path);
  }

  /** Why there is no method of that path, in the words of Go's server. */
  explain(path: string): Status {
    const slash = path.lastIndexOf("/");
    if (!path.startsWith("/") || slash === 0) {
      return { code: Code.unimplemented, message: `malformed method name: ${goQuote(path)}` };
    }
    const service = path.slice(1, slash);
    const message = this.services.has(service)
      ? `unknown method ${path.slice(slash + 1)} for service ${service}`
      : `unknown service ${service}`;
    return { code: Code.unimplemented, message };
  }
}
