import { base64, type Fields, HttpWatch, send } from "./http.js";

/** `deployment.etcd` of APISIX's config.yaml, as far as a client needs it. */
export interface EtcdSection {
  readonly host: readonly string[];
  readonly prefix: string;
  readonly user?: string;
  readonly password?: string;
  readonly tls?: { readonly verify?: boolean };
}

/** An APISIX as its etcd sees it, configured as APISIX is. */
export class Gateway {
  private token: string | undefined;
  private turn = 0;

  /** `ca` is what `apisix.ssl.ssl_trusted_certificate` names, PEM. */
  constructor(
    private readonly etcd: EtcdSection,
    private readonly ca?: string,
  ) {}

  /** `apisix init_etcd`: the version of every host, a token, the placeholders. */
  async init(): Promise<void> {
    for (const host of this.etcd.host) {
      const { json } = await send(host, "/version", undefined, {}, this.ca);
      if (typeof json.etcdcluster !== "string") throw new Error(`${host}: got malformed version message`);
    }
    const { user, password } = this.etcd;
    if (user !== undefined && password !== undefined) {
      const { token } = await this.call("/v3/auth/authenticate", { name: user, password });
      this.token = token as string;
    }
    for (const directory of ["routes", "upstreams", "services"]) await this.put(`${directory}/`, "init_dir");
  }

  async put(name: string, value: string): Promise<void> {
    const key = base64(`${this.etcd.prefix}/${name}`);
    await this.call("/v3/kv/put", { key, value: base64(value) });
  }

  /** Everything below the prefix, by name, and the revision that it is of. */
  async load(): Promise<{ readonly revision: number; readonly items: ReadonlyMap<string, string> }> {
    const { prefix } = this.etcd;
    const answer = await this.call("/v3/kv/range", { key: base64(prefix), range_end: base64(after(prefix)) });
    const text = (bytes: string) => Buffer.from(bytes, "base64").toString();
    const kvs = answer.kvs as readonly { readonly key: string; readonly value: string }[];
    return {
      revision: Number(answer.header!.revision),
      items: new Map(kvs.map(({ key, value }) => [text(key).slice(prefix.length + 1), text(value)])),
    };
  }

  watch(revision: number): Promise<HttpWatch> {
    const directory = `${this.etcd.prefix}/`;
    const create_request = {
      key: base64(directory),
      range_end: base64(after(directory)),
      start_revision: revision,
    };
    return HttpWatch.open(this.host(), { create_request }, this.headers(), this.ca);
  }

  private async call(path: string, body: object): Promise<Fields> {
    const answer = await send(this.host(), path, JSON.stringify(body), this.headers(), this.ca);
    if (answer.status !== 200) throw new Error(`${path}: ${answer.text}`);
    return answer.json;
  }

  /** Round robin over all hosts. */
  private host(): string {
    return this.etcd.host[this.turn++ % this.etcd.host.length]!;
  }

  private headers(): Record<string, string> {
    return this.token === undefined ? {} : { Authorization: this.token };
  }
}

/** The text with its last character's successor: the end of a range by prefix. */
function after(text: string): string {
  return text.slice(0, -1) + String.fromCharCode(text.charCodeAt(text.length - 1) + 1);
}
