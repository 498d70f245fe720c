import type { DescMessage } from "@bufbuild/protobuf";
import * as auth from "@etcd-adapter/core/proto/etcdserverpb/auth_pb";
import * as cluster from "@etcd-adapter/core/proto/etcdserverpb/cluster_pb";
import { ResponseHeaderSchema } from "@etcd-adapter/core/proto/etcdserverpb/header_pb";
import * as kv from "@etcd-adapter/core/proto/etcdserverpb/kv_pb";
import * as maintenance from "@etcd-adapter/core/proto/etcdserverpb/maintenance_pb";

/** What commands print with `--write-out=protobuf`. */
const RESPONSES: Readonly<Record<string, DescMessage>> = {
  put: kv.PutResponseSchema,
  get: kv.RangeResponseSchema,
  del: kv.DeleteRangeResponseSchema,
  txn: kv.TxnResponseSchema,
  lock: kv.RangeResponseSchema,
  elect: kv.RangeResponseSchema,
  // Of leases it is only the header that etcdctl prints.
  "lease grant": ResponseHeaderSchema,
  "lease list": ResponseHeaderSchema,
  "lease timetolive": ResponseHeaderSchema,
  "lease keep-alive": ResponseHeaderSchema,
  "alarm list": maintenance.AlarmResponseSchema,
  "alarm disarm": maintenance.AlarmResponseSchema,
  "downgrade validate": maintenance.DowngradeResponseSchema,
  "downgrade cancel": maintenance.DowngradeResponseSchema,
  "auth status": auth.AuthStatusResponseSchema,
  "member list": cluster.MemberListResponseSchema,
  "member add": cluster.MemberAddResponseSchema,
  "role add": auth.AuthRoleAddResponseSchema,
  "role get": auth.AuthRoleGetResponseSchema,
  "role list": auth.AuthRoleListResponseSchema,
  "role delete": auth.AuthRoleDeleteResponseSchema,
  "role grant-permission": auth.AuthRoleGrantPermissionResponseSchema,
  "role revoke-permission": auth.AuthRoleRevokePermissionResponseSchema,
  "user add": auth.AuthUserAddResponseSchema,
  "user get": auth.AuthUserGetResponseSchema,
  "user list": auth.AuthUserListResponseSchema,
  "user delete": auth.AuthUserDeleteResponseSchema,
  "user passwd": auth.AuthUserChangePasswordResponseSchema,
  "user grant-role": auth.AuthUserGrantRoleResponseSchema,
  "user revoke-role": auth.AuthUserRevokeRoleResponseSchema,
};

export function responseOf(command: string): DescMessage | undefined {
  return RESPONSES[command];
}
