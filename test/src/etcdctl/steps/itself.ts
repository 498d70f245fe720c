import { PLAIN, plain, type Scenario } from "../step.js";

export const itself: Scenario = {
  name: "version, completion, options in the environment",
  steps: [
    ...plain(
      "version",
      "help",
      "help put",
      "--help",
      "completion",
      "nonsense",
      "put --nonsense",
      "member nonsense",
    ),
    ...["bash", "zsh", "fish", "powershell", "nonsense"].flatMap((shell) => plain(`completion ${shell}`)),
    ...plain("put a 1", "get a --debug=false --command-timeout=3s --dial-timeout=1s --keepalive-time=1s"),
    ...plain(
      "get a --keepalive-timeout=1s --max-recv-bytes=10",
      "put big xxxxxxxxxxxx --max-request-bytes=10",
    ),
    ...plain("get a --insecure-transport=false --insecure-skip-tls-verify --command-timeout=1s"),
    { run: "get a", bare: true, env: { ETCDCTL_ENDPOINTS: "$url" }, formats: PLAIN },
    { run: "get a", env: { ETCDCTL_WRITE_OUT: "json" }, formats: PLAIN },
    {
      run: "get a",
      env: { ETCDCTL_HEX: "true", ETCDCTL_DIAL_TIMEOUT: "1s", ETCDCTL_NONSENSE: "1" },
      formats: PLAIN,
    },
    { run: "get a", env: { ETCDCTL_COMMAND_TIMEOUT: "nonsense" }, formats: PLAIN },
  ],
};
