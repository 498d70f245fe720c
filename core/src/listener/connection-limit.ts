/** How many connections the process can afford, by the files that it may open. */
import { ListenError } from "./addresses.js";

/** What is left for storages, logs and certificates: as many as etcd leaves itself. */
const RESERVED_FILES = 150;

/** The part that @types/node lacks or leaves open. */
interface Reporter {
  excludeNetwork: boolean;
  getReport(): Report;
}

interface Report {
  readonly userLimits?: { readonly open_files?: { readonly soft: number | "unlimited" } };
}

/** Infinity where the system sets no limit. Throws a ListenError if nothing would be left for clients. */
export function connectionLimit(files: number = openFilesLimit()): number {
  if (files > RESERVED_FILES) return files - RESERVED_FILES;
  throw new ListenError(
    `This process may open ${files} files, which is too few: ${RESERVED_FILES} are for itself. Raise the limit (ulimit -n).`,
  );
}

function openFilesLimit(): number {
  const report = process.report as unknown as Reporter;
  const { excludeNetwork } = report;
  // it would look up the names of all peers
  report.excludeNetwork = true;
  const { userLimits } = report.getReport();
  report.excludeNetwork = excludeNetwork;
  const soft = userLimits?.open_files?.soft;
  return typeof soft === "number" ? soft : Number.POSITIVE_INFINITY;
}
