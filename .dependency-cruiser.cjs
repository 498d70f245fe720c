/** Imports go one way: listener and api know mvcc, mvcc knows the seam, plugins know the seam alone. */
module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "storage-knows-nothing-above",
      severity: "error",
      from: { path: "^core/dist/storage/" },
      to: { path: "^core/dist/", pathNot: "^core/dist/storage/" },
    },
    {
      name: "mvcc-knows-no-protocol",
      severity: "error",
      from: { path: "^core/dist/mvcc/" },
      to: { path: "^core/dist/(api|listener|gen|codec|cli|config|plain)/|@grpc" },
    },
    {
      name: "api-knows-no-transport",
      severity: "error",
      from: { path: "^core/dist/api/" },
      to: { path: "^core/dist/(listener|codec|cli|config)/|@grpc" },
    },
    {
      name: "listener-knows-no-etcd",
      severity: "error",
      from: { path: "^core/dist/(listener|codec)/", pathNot: "\\.test\\.js$" },
      to: { path: "^core/dist/(mvcc|storage|cli|config)/" },
    },
    {
      name: "grpc-in-one-place",
      severity: "error",
      from: {
        path: "^core/dist/",
        pathNot: "^core/dist/listener/|^core/dist/moving/endpoint\\.js$|\\.test\\.js$",
      },
      to: { path: "@grpc/grpc-js" },
    },
    {
      name: "moving-is-a-client",
      severity: "error",
      from: { path: "^core/dist/moving/" },
      to: { path: "^core/dist/(api|listener|codec|cli|config|plain|metrics)/" },
    },
    {
      name: "nothing-but-the-program-moves",
      severity: "error",
      from: { path: "^core/dist/", pathNot: "^core/dist/(moving|cli)/" },
      to: { path: "^core/dist/moving/" },
    },
    {
      name: "plugins-know-the-seam",
      severity: "error",
      from: { path: "^plugins/", pathNot: "\\.test\\.js$" },
      to: { path: "^core/dist/", pathNot: "^core/dist/storage/" },
    },
    {
      name: "core-knows-no-plugin",
      severity: "error",
      from: { path: "^core/dist/", pathNot: "\\.test\\.js$" },
      to: { path: "^plugins/" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "node_modules|/src/" },
    moduleSystems: ["es6"],
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "default"] },
  },
};
