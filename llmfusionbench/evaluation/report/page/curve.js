// The learning curve: the result of a router by number of train queries.

const COLOURED = 8;
const DASHES = [null, "6 3", "2 3", "8 3 2 3"];

function curveChart(mount) {
  const lines = data.curve;
  const style = (i) => ({ class: i < COLOURED ? `line s${i}` : "line rest", "stroke-dasharray": DASHES[i < COLOURED ? i % 4 : 1] });
  const box = el("div", { class: "chart" });
  const legend = el(
    "ul",
    { class: "legend" },
    lines.map((line, i) =>
      el("li", {}, svg("svg", { width: 30, height: 12, "aria-hidden": "true" }, svg("line", { ...style(i), x1: 0, x2: 30, y1: 6, y2: 6 })), bdi(line.name)),
    ),
  );
  mount.append(legend, box);
  const all = lines.flatMap((line) => line.points);
  const sizes = [...new Set(all.map((p) => p[0]))].sort((a, b) => a - b);
  const log = sizes[0] > 0 && sizes[sizes.length - 1] / sizes[0] > 8;

  drawn(box, (width) => {
    const height = Math.round(Math.min(420, Math.max(280, width * 0.45)));
    const edge = { left: 46, right: 18, top: 16, bottom: 46 };
    const values = all.flatMap((p) => p.slice(1)).filter((v) => v !== null);
    let [y0, y1] = [Math.min(...values), Math.max(...values)];
    const pad = (y1 - y0 || 0.1) * 0.06;
    [y0, y1] = [y0 - pad, y1 + pad];
    const [n0, n1] = [sizes[0], sizes[sizes.length - 1]];
    const share = (n) => (n1 === n0 ? 0.5 : log ? Math.log(n / n0) / Math.log(n1 / n0) : (n - n0) / (n1 - n0));
    const X = (n) => edge.left + 8 + share(n) * (width - edge.left - edge.right - 8);
    const Y = (v) => height - edge.bottom - ((v - y0) / (y1 - y0)) * (height - edge.top - edge.bottom);
    const floor = height - edge.bottom;
    const xTicks = sizes.filter((n, i) => i === 0 || X(n) - X(sizes[i - 1]) > 38);
    const shift = (i) => (lines.length > 1 ? (i / (lines.length - 1) - 0.5) * 8 : 0); // so that whiskers do not hide each other
    const drawnLines = lines.map((line, i) => [
      line.points.map(([n, , low, high]) =>
        low === null || high === null
          ? null
          : svg("line", { class: `whisker-line ${i < COLOURED ? `s${i}` : "rest"}`, x1: X(n) + shift(i), x2: X(n) + shift(i), y1: Y(low), y2: Y(high) }),
      ),
      svg("polyline", { ...style(i), points: line.points.map(([n, v]) => `${X(n) + shift(i)},${Y(v)}`).join(" ") }),
      line.points.map(([n, v, low, high, queries]) =>
        svg(
          "circle",
          { class: i < COLOURED ? `dot f${i}` : "dot rest", cx: X(n) + shift(i), cy: Y(v), r: 3.5 },
          svg("title", {}, `${line.name}, ${plain(n)} train queries: ${withInterval([v, low, high, queries])}`),
        ),
      ),
    ]);
    box.replaceChildren(
      svg(
        "svg",
        { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "Learning curve; its numbers are in the table below." },
        ticks(y0, y1, height / 55).flatMap((v) => [
          svg("line", { class: "grid", x1: edge.left, x2: width - edge.right, y1: Y(v), y2: Y(v) }),
          svg("text", { class: "tick-label", x: edge.left - 6, y: Y(v) + 4, "text-anchor": "end" }, plain(v)),
        ]),
        xTicks.map((n) => svg("text", { class: "tick-label", x: X(n), y: floor + 18, "text-anchor": "middle" }, n.toLocaleString("en"))),
        svg("text", { class: "axis", x: width - edge.right, y: height - 8, "text-anchor": "end" }, "Train queries"),
        drawnLines.flat(3),
      ),
    );
  });
}

const curveMount = document.getElementById("curve-mount");
if (curveMount && data.curve.length) curveChart(curveMount);
