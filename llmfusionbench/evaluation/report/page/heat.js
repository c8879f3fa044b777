// The heat map: routers in rows, tasks or domains in columns; the values, or their difference from the best single LLM.

function heatMap(mount) {
  const { routers, bounds, single, by } = data.heat;
  const state = { by: Object.keys(by)[0], metric: 0, relative: false };
  const controls = el("div", { class: "controls" });
  const region = el("div", { class: "scroll", tabindex: "0", role: "region" });
  const key = el("p", { class: "key" });
  mount.append(controls, region, key);

  function setControls() {
    const nouns = Object.keys(by);
    const metrics = by[state.by].metrics;
    controls.replaceChildren(
      ...(nouns.length > 1 ? [choice("Across", nouns.map((n) => [n, `${n}s`]), (v) => set({ by: v, metric: 0 }, true))] : []),
      ...(metrics.length > 1 ? [choice("Metric", metrics.map((m, i) => [i, m.label]), (v) => set({ metric: Number(v) }))] : []),
      ...(single >= 0 ? [tick("Difference from the best single LLM", state.relative, (on) => set({ relative: on }))] : []),
    );
    const select = controls.querySelector("select");
    if (select && nouns.length > 1) select.value = state.by;
  }
  function set(change, rebuild) {
    Object.assign(state, change);
    if (rebuild) {
      setControls();
      controls.querySelector("select")?.focus();
    }
    fill();
  }
  function fill() {
    const { groups, metrics } = by[state.by];
    const { label, kind, better, values, counts } = metrics[state.metric];
    const relative = state.relative && single >= 0;
    const base = relative ? values[single] : null;
    const shown = values.map((row) => row.map((v, g) => (!relative ? v : v === null || base[g] === null ? null : v - base[g])));
    const known = shown.flat().filter((v) => v !== null);
    const [low, high] = [Math.min(...known), Math.max(...known)];
    const reach = Math.max(...known.map(Math.abs), 1e-12);
    const shade = (v) => {
      const good = better < 0 ? -1 : 1;
      if (relative) return v === 0 ? "d0" : (v * good > 0 ? "up" : "down") + Math.ceil((5 * Math.abs(v)) / reach);
      const share = high > low ? (v - low) / (high - low) : 0.5;
      return `h${Math.round(10 * (better < 0 ? 1 - share : share))}`;
    };
    const best = groups.map((_, g) => {
      const column = values.map((row, r) => (bounds[r] ? null : row[g])).filter((v) => v !== null);
      return column.length ? (better < 0 ? Math.min(...column) : Math.max(...column)) : null;
    });
    const text = (v) => (v === null ? NONE : relative && kind === "number" ? signed(v).replace("0.", ".") : short(v, kind));
    const rows = routers.map((router, r) =>
      el(
        "tr",
        {},
        el("th", { scope: "row" }, bdi(router)),
        groups.map((_, g) => {
          const top = !bounds[r] && values[r][g] !== null && values[r][g] === best[g];
          const v = shown[r][g];
          const n = v === null ? null : counts?.[r][g] ?? null;
          const few = n === null ? null : el("span", { class: "interval" }, `n = ${n.toLocaleString("en")}`);
          return el("td", { class: v === null ? null : shade(v) + (top ? " best" : "") }, text(v), few);
        }),
      ),
    );
    const title = `${label} of every router by ${state.by}${relative ? ", minus that of the best single LLM" : ""}`;
    region.setAttribute("aria-label", title);
    region.replaceChildren(
      el(
        "table",
        { class: "heat" },
        el("caption", {}, title),
        el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Router"), groups.map((g) => el("th", { scope: "col" }, el("span", {}, bdi(g)))))),
        el("tbody", {}, rows),
      ),
    );
    const scale = relative ? `from ${text(-reach)} over 0 to ${text(reach)}` : `from ${text(low)} to ${text(high)}`;
    key.textContent = `Colour ${scale}${kind === "cost" ? " USD per 1,000 queries" : ""}; the best of each ${state.by} is underlined.`;
  }
  const short = (v, kind) => (kind === "cost" ? written(v, kind) : written(v, kind).replace(/^(\u2212?)0\./, "$1."));
  setControls();
  fill();
}

const heatMount = document.getElementById("heat-mount");
if (heatMount && Object.keys(data.heat.by).length) heatMap(heatMount);
