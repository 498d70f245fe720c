import type { SnapshotPlace } from "@etcd-adapter/core/storage/log/segments";
import { Code, codeOf } from "./errors.js";
import type { Paths } from "./paths.js";
import type { Session } from "./session.js";

/** The znode that names the newest snapshot; its version is the znode's own. */
export function snapshotPlace(session: Session, { snapshot: path }: Paths): SnapshotPlace {
  return {
    name: path,

    async get() {
      const znode = await session.run("repeatable", (connection) => connection.get(path));
      return znode && { bytes: znode.data, version: znode.version };
    },

    async putIf(bytes, version) {
      try {
        await session.run("repeatable", (connection) =>
          version === undefined ? connection.create(path, bytes) : connection.set(path, bytes, version),
        );
        return true;
      } catch (error) {
        const code = codeOf((error as Error).cause);
        if (code === Code.BAD_VERSION || code === Code.NODE_EXISTS) return false;
        throw error;
      }
    },
  };
}
