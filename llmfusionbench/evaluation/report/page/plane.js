// Cost against performance: candidates, their Pareto front, routers, the oracle and the best single LLM.

const KINDS = {
  candidate: "Candidate",
  front: "Candidate on the Pareto front",
  router: "Router",
  single: "Best single LLM",
  oracle: "Oracle",
};

function mark(kind, x, y, size = 5) {
  const at = { class: `point ${kind}` };
  const polygon = (corners) => svg("polygon", { ...at, points: corners.map(([a, b]) => `${x + a * size},${y + b * size}`).join(" ") });
  if (kind === "router") return polygon([[0, -1.2], [1.2, 0], [0, 1.2], [-1.2, 0]]);
  if (kind === "single") return svg("rect", { ...at, x: x - size, y: y - size, width: 2 * size, height: 2 * size });
  if (kind !== "oracle") return svg("circle", { ...at, cx: x, cy: y, r: kind === "front" ? size : size - 1 });
  const star = [...Array(10).keys()].map((i) => {
    const radius = i % 2 ? 0.7 : 1.7;
    return [radius * Math.sin((Math.PI * i) / 5), -radius * Math.cos((Math.PI * i) / 5)];
  });
  return polygon(star);
}

function planeChart(mount) {
  const all = data.plane;
  const state = { log: all.some((p) => p.k[0] > 0), candidates: true, routers: true, sweeps: all.filter((p) => (p.sweep || []).length > 1).length <= 6, at: -1 };
  const has = (kinds) => all.some((p) => kinds.includes(p.kind));
  const box = el("div", { class: "chart" });
  const readout = el("p", { class: "readout", "aria-live": "polite" });
  const legend = el(
    "ul",
    { class: "legend" },
    Object.entries(KINDS)
      .filter(([kind]) => has([kind]))
      .map(([kind, text]) => el("li", {}, svg("svg", { width: 18, height: 18, "aria-hidden": "true" }, mark(kind, 9, 9)), text)),
  );
  const controls = el("div", { class: "controls" });
  if (state.log) controls.append(tick("Cost on a logarithmic scale", true, (on) => set({ log: on })));
  if (has(["candidate", "front"]) && has(["router"])) {
    controls.append(tick("Candidates", true, (on) => set({ candidates: on })), tick("Routers", true, (on) => set({ routers: on })));
  }
  const sweeping = all.filter((p) => (p.sweep || []).length > 1);
  if (sweeping.length) {
    controls.append(tick("Trade-off of routers", state.sweeps, (on) => set({ sweeps: on })));
    const line = svg("svg", { width: 18, height: 18, "aria-hidden": "true" }, svg("path", { class: "sweep-line", d: "M1,14Q6,5 17,4" }));
    legend.append(el("li", {}, line, "A router by its willingness to pay"));
  }
  mount.append(controls, legend, box, readout);
  const hint = "Point at a mark, or press the arrow keys in the chart, to read its numbers.";
  readout.textContent = hint;

  let points = [];
  let ring = null;
  const again = drawn(box, draw);
  function set(change) {
    Object.assign(state, change, { at: -1 });
    readout.textContent = hint;
    again();
  }
  function visible(p) {
    return p.kind === "router" ? state.routers : p.kind === "candidate" || p.kind === "front" ? state.candidates : true;
  }

  function draw(width) {
    const shown = all.filter(visible);
    const height = Math.round(Math.min(520, Math.max(320, width * 0.55)));
    const edge = { left: 46, right: 14, top: 14, bottom: 46 };
    const swept = state.sweeps ? shown.filter((p) => (p.sweep || []).length > 1) : [];
    const stops = swept.flatMap((p) => p.sweep);
    const ys = [...shown.flatMap((p) => p.p.slice(0, 3)), ...stops.map(([, p]) => p)].filter((v) => v !== null);
    const costs = [...shown.map((p) => p.k[0] * 1000), ...stops.map(([k]) => k * 1000)];
    const positive = costs.filter((k) => k > 0);
    const log = state.log && positive.length > 0;
    const zero = log && positive.length < costs.length; // what costs nothing has no logarithm, and gets a strip of its own
    const strip = zero ? 34 : 0;
    let [x0, x1] = log ? [Math.min(...positive), Math.max(...positive)] : [0, Math.max(...costs, 1e-9)];
    if (log) [x0, x1] = [x0 / (x1 / x0) ** 0.06 / 1.05, x1 * (x1 / x0) ** 0.06 * 1.05];
    else x1 *= 1.06;
    let [y0, y1] = ys.length ? [Math.min(...ys), Math.max(...ys)] : [0, 1];
    const pad = (y1 - y0 || 0.1) * 0.06;
    [y0, y1] = [y0 - pad, y1 + pad];
    const left = edge.left + strip;
    const share = (k) => (log ? Math.log(k / x0) / Math.log(x1 / x0) : k / x1);
    const X = (k) => (zero && !(k > 0) ? edge.left + strip / 2 : left + share(k) * (width - left - edge.right));
    const Y = (p) => height - edge.bottom - ((p - y0) / (y1 - y0)) * (height - edge.top - edge.bottom);

    const floor = height - edge.bottom;
    const xTicks = log ? logTicks(x0, x1, width / 70) : ticks(0, x1, width / 110);
    const grid = [
      ...xTicks.map((k) => svg("line", { class: "grid", x1: X(k), x2: X(k), y1: edge.top, y2: floor })),
      ...xTicks.map((k) => svg("text", { class: "tick-label", x: X(k), y: floor + 18, "text-anchor": "middle" }, plain(k))),
      ...ticks(y0, y1, height / 60).flatMap((p) => [
        svg("line", { class: "grid", x1: edge.left, x2: width - edge.right, y1: Y(p), y2: Y(p) }),
        svg("text", { class: "tick-label", x: edge.left - 6, y: Y(p) + 4, "text-anchor": "end" }, plain(p)),
      ]),
      ...(zero ? [svg("text", { class: "tick-label", x: X(0), y: floor + 18, "text-anchor": "middle" }, "0")] : []),
      svg("text", { class: "axis", x: width - edge.right, y: height - 8, "text-anchor": "end" }, "USD per 1,000 queries"),
      svg("text", { class: "axis", x: edge.left + 6, y: edge.top + 4 }, "Performance"),
    ];
    points = shown
      .map((p) => ({ ...p, x: X(p.k[0] * 1000), y: Y(p.p[0]) }))
      .sort((a, b) => a.x - b.x || a.y - b.y);
    const whiskers = points
      .filter((p) => p.p[1] !== null && p.p[2] !== null)
      .map((p) => svg("line", { class: `whisker-line ${p.kind}`, x1: p.x, x2: p.x, y1: Y(p.p[1]), y2: Y(p.p[2]) }));
    const lines = swept.map((p) => {
      const path = p.sweep.map(([k, v]) => `${X(k * 1000)},${Y(v)}`).join("L");
      return svg("path", { class: "sweep-line", d: `M${path}`, "data-name": p.name });
    });
    const order = ["candidate", "front", "router", "single", "oracle"];
    const marks = [...points].sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind)).map((p) => mark(p.kind, p.x, p.y));
    ring = svg("circle", { class: "ring", r: 11, cx: -50, cy: -50 });
    const chart = svg(
      "svg",
      { width, height, viewBox: `0 0 ${width} ${height}`, tabindex: "0", role: "img", "aria-label": describe(shown) },
      grid,
      lines,
      front(points),
      whiskers,
      marks,
      labels(points, { left: edge.left, right: width - 4, top: edge.top + 10, bottom: floor }),
      ring,
    );
    chart.addEventListener("pointermove", (event) => near(event, chart));
    chart.addEventListener("pointerdown", (event) => near(event, chart));
    chart.addEventListener("keydown", onKey);
    box.replaceChildren(chart);
    if (state.at >= 0) select(Math.min(state.at, points.length - 1));
  }
  function describe(shown) {
    return `Cost against performance of ${shown.length} candidates and routers. Arrow keys move from mark to mark, by cost.`;
  }
  /** The front as stairs: what the best performance at no more than a cost is. */
  function front(found) {
    const steps = found.filter((p) => p.kind === "front");
    if (steps.length < 2) return null;
    const path = steps.map((p, i) => (i ? `H${p.x}V${p.y}` : `M${p.x},${p.y}`)).join("");
    return svg("path", { class: "front-line", d: path });
  }
  /** Names where there is room for them, the most telling first. */
  function labels(found, area) {
    const weight = { oracle: 0, single: 1, front: 3, router: 4 };
    const wanted = found
      .filter((p) => p.kind in weight)
      .sort((a, b) => (a.rank === 0 || a.rank === 1 ? 2 : weight[a.kind]) - (b.rank === 0 || b.rank === 1 ? 2 : weight[b.kind]) || a.y - b.y);
    const taken = found.map((p) => [p.x - 5, p.y - 5, p.x + 5, p.y + 5]);
    const made = [];
    for (const p of wanted) {
      const text = p.name.length > 26 ? `${p.name.slice(0, 25)}\u2026` : p.name;
      const w = text.length * 6.4 + 4;
      const own = [p.x - 5, p.y - 5, p.x + 5, p.y + 5].join();
      const places = [[p.x + 8, p.y - 7], [p.x - 8 - w, p.y - 7], [p.x - w / 2, p.y - 22], [p.x - w / 2, p.y + 8], [p.x + 6, p.y - 20], [p.x + 6, p.y + 6]];
      for (const [x, y] of places) {
        const inside = x >= area.left && x + w <= area.right && y >= area.top && y + 14 <= area.bottom;
        const clash = taken.some((b) => b.join() !== own && x < b[2] && x + w > b[0] && y < b[3] && y + 14 > b[1]);
        if (!inside || clash) continue;
        taken.push([x, y, x + w, y + 14]);
        made.push(svg("text", { class: `point-label ${p.kind}`, x: x + 2, y: y + 11 }, text));
        break;
      }
    }
    return made;
  }
  function select(i) {
    state.at = i;
    const p = points[i];
    ring.setAttribute("cx", p.x);
    ring.setAttribute("cy", p.y);
    for (const line of box.querySelectorAll(".sweep-line")) line.classList.toggle("chosen", line.dataset.name === p.name && Boolean(p.sweep));
    readout.replaceChildren(
      el("strong", {}, bdi(p.name)),
      `, ${KINDS[p.kind].toLowerCase()}: performance ${withInterval(p.p)}, USD per 1,000 queries ${withInterval(p.k, "cost")}`,
    );
  }
  function near(event, chart) {
    const frame = chart.getBoundingClientRect();
    const [x, y] = [event.clientX - frame.left, event.clientY - frame.top];
    let best = -1;
    let reach = 28;
    points.forEach((p, i) => {
      const distance = Math.hypot(p.x - x, p.y - y);
      if (distance < reach) [best, reach] = [i, distance];
    });
    if (best >= 0 && best !== state.at) select(best);
  }
  function onKey(event) {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    const jump = { Home: 0, End: points.length - 1 }[event.key];
    if (step === undefined && jump === undefined) return;
    event.preventDefault();
    if (points.length) select(jump ?? (state.at + step + points.length) % points.length);
  }
}

const planeMount = document.getElementById("plane-mount");
if (planeMount && data.plane.length) planeChart(planeMount);
