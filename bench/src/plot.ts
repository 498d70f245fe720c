/** A line of a plot: points of x and y, both above 0. */
export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Panel {
  readonly title: string;
  readonly lines: readonly Line[];
}

const width = 420;
const height = 300;
const margin = { left: 62, right: 24, top: 34, bottom: 34 };
// told apart also by those who do not see red and green
const colours = ["#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"];

/** Panels in two columns, both axes logarithmic, as one SVG file. */
export function plot(title: string, panels: readonly Panel[]): string {
  const names = [...new Set(panels.flatMap(({ lines }) => lines.map(({ name }) => name)))];
  const colourOf = (name: string) => colours[names.indexOf(name) % colours.length]!;
  const rows = Math.ceil(panels.length / 2);
  const body = panels.map((panel, index) => {
    const [x, y] = [(index % 2) * width, Math.floor(index / 2) * height];
    return `<g transform="translate(${x} ${y})">${drawn(panel, colourOf)}</g>`;
  });
  const legend = names.map((name, index) => {
    const x = margin.left + index * 160;
    const y = rows * height + 14;
    return `<path d="M${x} ${y}h24" stroke="${colourOf(name)}" stroke-width="2"/>${text(x + 30, y + 4, name)}`;
  });
  const size = `width="${2 * width}" height="${rows * height + 34}"`;
  const style = `font-family="sans-serif" font-size="12" fill="#222222"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} ${style}>\n<title>${title}</title>\n<rect width="100%" height="100%" fill="#ffffff"/>\n${[...body, ...legend].join("\n")}\n</svg>\n`;
}

function drawn({ title, lines }: Panel, colourOf: (name: string) => string): string {
  const points = lines.flatMap((line) => line.points);
  const across = axis(
    points.map(([x]) => x),
    [margin.left, width - margin.right],
  );
  const up = axis(
    points.map(([, y]) => y),
    [height - margin.bottom, margin.top],
  );
  const grid = [
    ...across.decades.map(
      (x) =>
        `<path d="M${across.at(x)} ${margin.top}V${height - margin.bottom}" stroke="#dddddd"/>` +
        text(across.at(x), height - margin.bottom + 16, label(x), "middle"),
    ),
    ...up.decades.map(
      (y) =>
        `<path d="M${margin.left} ${up.at(y)}H${width - margin.right}" stroke="#dddddd"/>` +
        text(margin.left - 6, up.at(y) + 4, label(y), "end"),
    ),
  ];
  const curves = lines.map(({ name, points: of }) => {
    const path = of.map(([x, y], index) => `${index === 0 ? "M" : "L"}${across.at(x)} ${up.at(y)}`).join("");
    const dots = of.map(([x, y]) => `<circle cx="${across.at(x)}" cy="${up.at(y)}" r="3"/>`).join("");
    const colour = colourOf(name);
    return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="2"/><g fill="${colour}">${dots}</g>`;
  });
  return [text(margin.left, 20, title), ...grid, ...curves].join("\n");
}

interface Axis {
  readonly decades: readonly number[];
  at(value: number): number;
}

/** From the power of ten below the least value to the one above the largest. */
function axis(values: readonly number[], [from, to]: readonly [number, number]): Axis {
  const first = Math.floor(Math.log10(Math.min(...values)));
  const last = Math.max(first + 1, Math.ceil(Math.log10(Math.max(...values))));
  const at = (value: number) => {
    const part = (Math.log10(value) - first) / (last - first);
    return Math.round((from + part * (to - from)) * 10) / 10;
  };
  return { decades: Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index)), at };
}

function label(value: number): string {
  return value.toLocaleString("en-US", { notation: "compact" });
}

function text(x: number, y: number, content: string, anchor = "start"): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${escaped}</text>`;
}
