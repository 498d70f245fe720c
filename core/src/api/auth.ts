import { create, type DescMessage, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { Access } from "../auth/access.js";
import { authenticate } from "../auth/authenticate.js";
import { decodeHashedPassword } from "../auth/hashed-password.js";
import { checkPasswordLength } from "../auth/passwords.js";
import { AuthRecords } from "../auth/records.js";
import * as roles from "../auth/roles.js";
import { disable, enable } from "../auth/switching.js";
import * as users from "../auth/users.js";
import { EtcdError } from "../errors.js";
import * as messages from "../gen/etcdserverpb/auth_pb.js";
import { pause } from "../mvcc/faults.js";
import { guarded } from "../mvcc/guard.js";
import type { GuardedApi } from "./api.js";
import { type CallContext, defineService, type Service } from "./service.js";

const ENVELOPE_BYTES = 18;
const NO_PASSWORD: Buffer = Buffer.alloc(0);

/**
 * Longer than any adapter takes to hear of a commit. A write is checked on the state that it commits on, but one
 * that reads while access control is off looks at nothing; so that it is on everywhere when it is said to be, its
 * being turned on is answered this much later where there may be other adapters.
 */
const ENABLE_PAUSE_MS = 500;

type Evaluate<T> = (records: AuthRecords) => T;

/** Access control's own calls. Each is one proposal, so that all adapters see the same users at the same time. */
export function authService(api: GuardedApi): Service {
  const { store, auth } = api;
  const header = () => api.headers.message(store.revision);

  /** Evaluates the call for whom `check` lets pass: root alone, unless told otherwise. */
  async function call<I extends DescMessage, T>(
    schema: I,
    request: MessageShape<I>,
    context: CallContext,
    evaluate: Evaluate<T>,
    check = (access: Access) => access.requireRoot(),
  ): Promise<T> {
    const guard = await auth.guard(context, check);
    const bytes = toBinary(schema, request).length + ENVELOPE_BYTES;
    if (bytes > api.limits.maxRequestBytes) throw new EtcdError("requestTooLarge");
    return store.committer.propose({
      keys: [],
      bytes,
      evaluate: (draft) => guarded(guard, draft, () => evaluate(new AuthRecords(draft))),
    });
  }

  /** Only for those whose change will be made, since hashing is expensive. */
  async function hashed(password: string, context: CallContext): Promise<Buffer> {
    checkPasswordLength(password);
    await auth.requireRoot(context);
    return auth.passwords.hash(password, context.signal);
  }

  return defineService(messages.Auth, {
    async authEnable(request, context) {
      const isNew = await call(messages.AuthEnableRequestSchema, request, context, enable);
      if (isNew && store.storage.shared) await pause(ENABLE_PAUSE_MS);
      return create(messages.AuthEnableResponseSchema, { header: header() });
    },

    async authDisable(request, context) {
      await call(messages.AuthDisableRequestSchema, request, context, disable);
      return create(messages.AuthDisableResponseSchema, { header: header() });
    },

    async authStatus(request, context) {
      const read: Evaluate<AuthRecords["state"]> = (records) => records.state;
      const { enabled, revision } = await call(messages.AuthStatusRequestSchema, request, context, read);
      return create(messages.AuthStatusResponseSchema, { header: header(), enabled, authRevision: revision });
    },

    async authenticate(request, context) {
      const token = await authenticate(auth, store, request, context);
      return create(messages.AuthenticateResponseSchema, { header: header(), token });
    },

    async userAdd(request, context) {
      const { name, options } = request;
      const noPassword = options?.noPassword ?? false;
      const password = noPassword ? NO_PASSWORD : await hashed(request.password, context);
      await call(messages.AuthUserAddRequestSchema, request, context, (records) =>
        users.addUser(records, { name, password, noPassword }),
      );
      return create(messages.AuthUserAddResponseSchema, { header: header() });
    },

    async userGet(request, context) {
      const { name } = request;
      const read: Evaluate<readonly string[]> = (records) => users.existing(records, name).roles;
      const found = await call(messages.AuthUserGetRequestSchema, request, context, read, (access) => {
        if (name !== (access.identity?.name ?? "")) access.requireRoot();
      });
      return create(messages.AuthUserGetResponseSchema, { header: header(), roles: [...found] });
    },

    async userList(request, context) {
      const read: Evaluate<string[]> = (records) => records.users().map((user) => user.name);
      const names = await call(messages.AuthUserListRequestSchema, request, context, read);
      return create(messages.AuthUserListResponseSchema, { header: header(), users: names });
    },

    async userDelete(request, context) {
      await call(messages.AuthUserDeleteRequestSchema, request, context, (records) =>
        users.deleteUser(records, request.name),
      );
      return create(messages.AuthUserDeleteResponseSchema, { header: header() });
    },

    async userChangePassword(request, context) {
      const password =
        request.password === ""
          ? decodeHashedPassword(request.hashedPassword)
          : await hashed(request.password, context);
      await call(messages.AuthUserChangePasswordRequestSchema, request, context, (records) =>
        users.changePassword(records, request.name, password),
      );
      return create(messages.AuthUserChangePasswordResponseSchema, { header: header() });
    },

    async userGrantRole(request, context) {
      await call(messages.AuthUserGrantRoleRequestSchema, request, context, (records) =>
        users.grantRole(records, request.user, request.role),
      );
      return create(messages.AuthUserGrantRoleResponseSchema, { header: header() });
    },

    async userRevokeRole(request, context) {
      await call(messages.AuthUserRevokeRoleRequestSchema, request, context, (records) =>
        users.revokeRole(records, request.name, request.role),
      );
      return create(messages.AuthUserRevokeRoleResponseSchema, { header: header() });
    },

    async roleAdd(request, context) {
      await call(messages.AuthRoleAddRequestSchema, request, context, (records) =>
        roles.addRole(records, request.name),
      );
      return create(messages.AuthRoleAddResponseSchema, { header: header() });
    },

    async roleGet(request, context) {
      const { role } = request;
      const read: Evaluate<ReturnType<typeof roles.shownPermissions>> = (records) =>
        roles.shownPermissions(records, role);
      const perm = await call(messages.AuthRoleGetRequestSchema, request, context, read, (access) => {
        if (!access.hasRole(role)) access.requireRoot();
      });
      return create(messages.AuthRoleGetResponseSchema, { header: header(), perm: [...perm] });
    },

    async roleList(request, context) {
      const read: Evaluate<string[]> = (records) => records.roles().map((role) => role.name);
      const names = await call(messages.AuthRoleListRequestSchema, request, context, read);
      return create(messages.AuthRoleListResponseSchema, { header: header(), roles: names });
    },

    async roleDelete(request, context) {
      await call(messages.AuthRoleDeleteRequestSchema, request, context, (records) =>
        roles.deleteRole(records, request.role),
      );
      return create(messages.AuthRoleDeleteResponseSchema, { header: header() });
    },

    async roleGrantPermission(request, context) {
      await call(messages.AuthRoleGrantPermissionRequestSchema, request, context, (records) =>
        roles.grantPermission(records, request.name, request.perm),
      );
      return create(messages.AuthRoleGrantPermissionResponseSchema, { header: header() });
    },

    async roleRevokePermission(request, context) {
      await call(messages.AuthRoleRevokePermissionRequestSchema, request, context, (records) =>
        roles.revokePermission(records, request.role, { key: request.key, rangeEnd: request.rangeEnd }),
      );
      return create(messages.AuthRoleRevokePermissionResponseSchema, { header: header() });
    },
  });
}
