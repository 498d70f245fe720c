export { readJson } from "./json-reader.js";
export { transcode } from "./json-transcoder.js";
export { JsonValues } from "./json-values.js";
export { writeJson } from "./json-writer.js";
