// The queries: text, score of every candidate, and the routers that chose it. Details are built when they are opened.

const PAGE = 20;
const OUTCOMES = [
  ["any", "any outcome"],
  ["missed", "a better candidate was missed"],
  ["best", "the best candidate was chosen"],
  ["none", "no candidate scored above 0"],
  ["declined", "no candidate was chosen"],
];

function explorer(mount) {
  const { candidates, routers, tasks, rows } = data.explorer;
  const state = { text: "", task: -1, router: routers.length ? 0 : -1, outcome: "any", page: 0 };
  const top = (row) => row.s.reduce((best, s) => (s !== null && (best === null || s > best) ? s : best), null);
  const got = (row) => (state.router < 0 || row.c[state.router] < 0 ? null : row.s[row.c[state.router]]);
  for (const row of rows) {
    row.find = `${row.id}\n${tasks[row.t]}\n${row.p ?? ""}`.toLowerCase();
    row.top = top(row);
  }

  const search = el("input", { type: "search", autocomplete: "off", spellcheck: "false" });
  let wait = 0;
  search.addEventListener("input", () => {
    clearTimeout(wait);
    wait = setTimeout(() => set({ text: search.value.trim().toLowerCase() }), 120);
  });
  const named = (names) => names.map((text, i) => [i, text]);
  const count = el("p", { class: "count", role: "status" });
  const list = el("div", { class: "queries" });
  const pager = el("div", { class: "pager" });
  mount.append(
    el(
      "div",
      { class: "controls" },
      field("Find in query, id or task", search),
      tasks.length > 1 ? choice("Task", [[-1, "all tasks"], ...named(tasks)], (v) => set({ task: Number(v) })) : null,
      routers.length ? choice("Router", named(routers), (v) => set({ router: Number(v) })) : null,
      choice("Outcome", OUTCOMES.filter(([k]) => possible(k)), (v) => set({ outcome: v })),
    ),
    count,
    list,
    pager,
  );

  function possible(outcome) {
    if (outcome === "declined") return rows.some((row) => row.c.includes(-1));
    return routers.length || outcome === "any" || outcome === "none";
  }
  function fits(row) {
    if (state.task >= 0 && row.t !== state.task) return false;
    if (state.text && !row.find.includes(state.text)) return false;
    const score = got(row);
    if (state.outcome === "missed") return score !== null && row.top !== null && score < row.top;
    if (state.outcome === "best") return score !== null && score === row.top && row.top > 0;
    if (state.outcome === "none") return row.top !== null && row.top <= 0;
    if (state.outcome === "declined") return row.c[state.router] === -1;
    return true;
  }
  function set(change) {
    Object.assign(state, { page: 0 }, change);
    fill();
  }
  function fill() {
    const found = rows.filter(fits);
    const pages = Math.max(1, Math.ceil(found.length / PAGE));
    state.page = Math.min(state.page, pages - 1);
    count.textContent = `${found.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} queries`;
    list.replaceChildren(...found.slice(state.page * PAGE, (state.page + 1) * PAGE).map(item));
    const step = (text, by) => {
      const at = state.page + by;
      const button = el("button", { type: "button", disabled: at < 0 || at >= pages }, text);
      button.addEventListener("click", () => {
        set({ page: at });
        const same = [...pager.querySelectorAll("button")].find((b) => b.textContent === text && !b.disabled);
        (same || pager.querySelector("button:not([disabled])"))?.focus();
      });
      return button;
    };
    pager.replaceChildren(...(pages > 1 ? [step("Previous", -1), el("span", {}, `Page ${state.page + 1} of ${pages}`), step("Next", 1)] : []));
  }
  function item(row) {
    const text = row.p === null ? "(the report does not have the text of this query)" : row.p.slice(0, 300).replace(/\s+/g, " ").trim();
    const score = got(row);
    const mine = state.router < 0 ? null : row.c[state.router];
    const how = score === null || row.top === null ? "unknown" : row.top <= 0 ? "none" : score === row.top ? "good" : "bad";
    const sign = { good: "\u2713", bad: "\u2717", unknown: "?", none: NONE }[how];
    const spoken = { good: "best chosen", bad: "better one missed", unknown: "not scored", none: "no candidate scored above 0" }[how];
    const outcome =
      mine === null
        ? `best ${written(row.top)}`
        : mine < 0
        ? "none chosen"
        : [el("span", { class: `sign ${how}`, title: spoken }, sign, el("span", { class: "spoken" }, ` ${spoken}`)),
           ` ${written(score)} of ${written(row.top)}`];
    const details = el(
      "details",
      { class: "query" },
      el(
        "summary",
        {},
        el("span", { class: "snippet", dir: "auto" }, text),
        el("span", { class: "about" }, el("span", { class: "tag" }, bdi(tasks[row.t])), el("span", { class: "outcome" }, outcome)),
      ),
    );
    details.addEventListener("toggle", () => details.open && details.childElementCount === 1 && details.append(body(row)));
    return details;
  }
  function body(row) {
    const chosenBy = candidates.map(() => []);
    row.c.forEach((c, r) => c >= 0 && chosenBy[c].push(routers[r]));
    const order = candidates.map((_, c) => c).filter((c) => row.s[c] !== null || chosenBy[c].length);
    order.sort((a, b) => (row.s[b] ?? -1) - (row.s[a] ?? -1) || chosenBy[b].length - chosenBy[a].length || a - b);
    const title = `Scores of ${order.length} candidates, and the routers that chose them`;
    const lines = order.map((c) =>
      el(
        "tr",
        { class: state.router >= 0 && row.c[state.router] === c ? "mine" : null },
        el("th", { scope: "row" }, bdi(candidates[c])),
        el("td", { class: "score" }, bar(row.s[c]), written(row.s[c])),
        el("td", { class: "chips" }, chosenBy[c].map((r) => el("span", { class: "chip" }, bdi(r)))),
      ),
    );
    const heads = ["Candidate", "Score", "Chosen by"].map((text, i) => el("th", { scope: "col", class: i === 2 ? "text" : null }, text));
    return el(
      "div",
      { class: "body" },
      el("p", { class: "id" }, "Query ", el("code", {}, bdi(row.id))),
      row.p === null ? null : el("pre", { dir: "auto", tabindex: "0", role: "region", "aria-label": "Text of the query" }, row.p),
      el(
        "div",
        { class: "scroll", tabindex: "0", role: "region", "aria-label": title },
        el("table", {}, el("caption", {}, title), el("thead", {}, el("tr", {}, heads)), el("tbody", {}, lines)),
      ),
    );
  }
  function bar(score) {
    const share = score === null ? 0 : Math.max(0, Math.min(1, score));
    return svg("svg", { class: "bar", "aria-hidden": "true" }, svg("rect", { width: `${100 * share}%`, height: "100%" }));
  }
  fill();
}

const explorerMount = document.getElementById("explorer-mount");
if (explorerMount && data.explorer.rows.length) explorer(explorerMount);
