import { execFile, execFileSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const superuserFolders = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** The first such file on PATH, in the given folders or in those of the superuser. */
export function findProgram(name: string, folders: readonly string[] = []): string | undefined {
  const searched = [...folders, ...(process.env.PATH ?? "").split(delimiter), ...superuserFolders];
  return searched.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** As findProgram, but its absence is an error that says which Debian package has it. */
export function requireProgram(name: string, debianPackage: string, folders: readonly string[] = []): string {
  const path = findProgram(name, folders);
  if (path === undefined) throw notInstalled(name, debianPackage);
  return path;
}

export function notInstalled(name: string, debianPackage: string): Error {
  return new Error(
    `${name} is not installed: apt-get install ${debianPackage} (.ci/install-packages installs all of them)`,
  );
}

export interface CommandLine {
  readonly program: string;
  readonly args: readonly string[];
}

/** Wraps a command so that it runs as that user when we are root; PostgreSQL and MariaDB refuse to be root. */
export function asUser(user: string | undefined, command: CommandLine): CommandLine {
  if (user === undefined || process.getuid?.() !== 0) return command;
  return throughSetpriv([`--reuid=${user}`, `--regid=${user}`, "--init-groups"], command);
}

/** setpriv becomes the command by exec: the pid that we spawn is the pid of the server. */
export function throughSetpriv(flags: readonly string[], command: CommandLine): CommandLine {
  const setpriv = requireProgram("setpriv", "util-linux");
  return { program: setpriv, args: [...flags, "--", command.program, ...command.args] };
}

/** The user's ids, to give a folder to; undefined when asUser would not switch to that user. */
export function idsOf(user: string | undefined): { uid: number; gid: number } | undefined {
  if (user === undefined || process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync("id", [flag, user], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly user?: string;
  readonly timeoutMs?: number;
}

/** Runs a command to its end and gives what it printed; the error of a failure holds its stderr. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const command = asUser(options.user, { program, args });
  return new Promise((resolve, reject) => {
    const child = execFile(
      command.program,
      [...command.args],
      {
        encoding: "utf8",
        env: { ...process.env, ...options.env },
        maxBuffer: 64 * 1024 * 1024,
        timeout: options.timeoutMs ?? 0,
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      },
      (error, stdout, stderr) => {
        if (!error) return resolve(stdout);
        const line = [program, ...args].join(" ").slice(0, 300);
        reject(new Error(`${line}\n${(stderr || stdout || error.message).trim().slice(-4000)}`));
      },
    );
    // a program that does not read its input may close it before we have written
    child.stdin?.on("error", () => {});
    child.stdin?.end(options.input ?? "");
  });
}
