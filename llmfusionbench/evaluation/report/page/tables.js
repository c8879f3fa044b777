// Tables that sort by their column heads. Missing values come last in both orders.

const byName = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

function sortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  const said = el("p", { class: "spoken", "aria-live": "polite" });
  table.parentNode.after(said);
  heads.forEach((head, column) => {
    const button = el("button", { type: "button" }, ...head.childNodes);
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      const order = now ? (now === "ascending" ? "descending" : "ascending") : head.dataset.first;
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", order);
      sort(table, column, order, head.classList.contains("text"));
      said.textContent = `Sorted by ${button.textContent}, ${order}`;
    });
  });
}
function sort(table, column, order, isText) {
  const sign = order === "ascending" ? 1 : -1;
  const value = (row) => (isText ? row.cells[column].textContent : row.cells[column].dataset.v);
  const missing = (v) => v === undefined || v === "";
  const rows = [...table.tBodies[0].rows].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (missing(x) || missing(y)) return missing(x) - missing(y);
    return sign * (isText ? byName.compare(x, y) : x - y);
  });
  table.tBodies[0].append(...rows);
}

for (const table of document.querySelectorAll("table.sortable")) sortable(table);

const board = document.getElementById("leaderboard-table");
if (board) {
  const headline = board.tHead.rows[0].cells[1];
  const values = [...board.tBodies[0].rows].map((row) => row.cells[1].dataset.v).filter((v) => v !== undefined && v !== "");
  const sign = headline.dataset.first === "ascending" ? 1 : -1;
  const inOrder = values.every((v, i) => i === 0 || sign * (v - values[i - 1]) >= 0); // by regret if choices have no score
  if (headline.dataset.first && inOrder) headline.setAttribute("aria-sort", headline.dataset.first);
  if (board.querySelector(".more")) {
    const all = tick("All metrics", false, (on) => board.classList.toggle("all", on));
    board.parentNode.before(el("div", { class: "controls" }, all));
  }
}
