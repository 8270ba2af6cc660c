// The matrix: one bar over all releases for a name, and for each program type that may call it.

const STATES = {
  yes: { mark: "✓", word: "yes" },
  cond: { mark: "◐", word: "under a condition" },
  unknown: { mark: "?", word: "cannot tell" },
  no: { mark: "✕", word: "no" },
};

/** Return the state of a relation at a release: with bounds where history has them. */
function relationState(data, relation, version) {
  const { answer, place } = data.hasRelation(relation, version);
  if (answer === false) return { state: "no" };
  if (answer)
    return { state: relation.kind !== "kfunc" && data.depends(place) ? "cond" : "yes", place };
  if (place !== undefined) {
    // Between two releases with different conditions it has one of them.
    const read = data.readPlaces(relation.kind).has(data.columnAt.get(version.text));
    const either = !read && data.relations.values[place] === "?";
    return either ? { state: "unknown", either } : { state: "unknown", place };
  }
  const single = presences(relation).length === 1;
  const early = compareVersions(version, parseVersion(relation.since)) < 0;
  if (single && early && !relation.orEarlier) {
    const lacks =
      relation.absent === null || compareVersions(version, parseVersion(relation.absent)) <= 0;
    if (lacks) return { state: "no" };
  }
  return { state: "unknown" };
}

/** Return the state of a pair, whether or not any release has it. */
function pairState(data, kind, name, object, version) {
  const relation = data.pair(kind, name, object);
  if (relation) return relationState(data, relation, version);
  return { state: data.hasPair(kind, name, object, version).answer === false ? "no" : "unknown" };
}

function entryState(data, entry, version) {
  if (entry.relation) return relationState(data, entry.relation, version);
  const answer = data.has(entry, version);
  return { state: answer === null ? "unknown" : answer ? "yes" : "no" };
}

/** Return runs of columns that are in one state: {state, place, first, last}. */
function segments(columns, stateAt) {
  const found = [];
  for (const [column, version] of columns.entries()) {
    const now = stateAt(version);
    const last = found[found.length - 1];
    if (last && last.state === now.state && last.place === now.place && last.either === now.either)
      last.last = column;
    else found.push({ ...now, first: column, last: column });
  }
  return found;
}

function segmentLabel(data, columns, { state, place, either, first, last }) {
  const [from, to] = [columns[first].text, columns[last].text];
  const open = last === columns.length - 1;
  const span = open ? `${from} and later` : from === to ? from : `${from} to ${to}`;
  const words = place === undefined ? "" : data.words(place);
  if (state === "cond" || state === "yes") return `${span}: yes${words ? `, ${words}` : ""}`;
  if (place !== undefined) return `${span}: cannot tell, ${words}`;
  return either
    ? `${span}: cannot tell: the condition changed between the releases around it`
    : `${span}: cannot tell: no such release was read`;
}

/** Return a bar: what is not there is empty, everything else a button that says what it is. */
function bar(data, columns, title, parts) {
  const track = el("div.bar");
  for (const part of parts) {
    if (part.state === "no") continue;
    const label = segmentLabel(data, columns, part);
    const made = el(
      `button.seg.${part.state}`,
      {
        type: "button",
        tabindex: "-1",
        "aria-label": `${title}, ${label}`,
        "data-tip": label,
      },
      part.state === "unknown" && part.last - part.first > 1 ? "?" : "",
    );
    made.style.gridColumn = `${part.first + 1} / ${part.last + 2}`;
    track.append(made);
  }
  return track;
}

/** Return the header of the bars: the long-term kernels, and lines at them. */
function axis(data) {
  const track = el("div.axis", { "aria-hidden": "true" });
  const count = data.columns.length;
  data.columns.forEach((version, column) => {
    const end = column === 0 || column === count - 1;
    const major = data.lts.includes(version.text) || (end && !data.lts.length);
    if (!major && !end) return;
    const label = el(
      `span${major ? ".lts" : ".end"}${column > 0.92 * count ? ".last" : ""}`,
      null,
      version.text,
    );
    label.style.gridColumn = `${column + 1} / span 1`;
    track.append(label);
  });
  return track;
}

/** Put the number of columns and the lines at long-term kernels where the style finds them. */
function prepareBars(data, table) {
  const count = data.columns.length;
  table.style.setProperty("--columns", count);
  const lines = data.lts.map((text) => {
    const at = data.columns.findIndex((version) => version.text === text);
    return `linear-gradient(var(--line), var(--line)) ${(100 * at) / count}% 0 / 1px 100% no-repeat`;
  });
  if (lines.length) table.style.setProperty("--lines", lines.join(", "));
}

/** Return a cell with a condition: one line, and all of it where one points at it. */
function noteCell(note) {
  const made = el("td.note", null, note);
  if (made.textContent) made.dataset.tip = made.textContent;
  return made;
}

/**
 * Return a table of bars. A row is {head, since, note, parts, title, current}; only one segment is
 * a stop of the Tab key, the arrow keys lead to the others.
 */
function barTable(data, caption, heads, rows) {
  const table = el(
    "table.bars",
    null,
    el("caption.offscreen", null, caption),
    el(
      "thead",
      null,
      el(
        "tr",
        null,
        el("th", { scope: "col" }, heads[0]),
        el("th", { scope: "col" }, heads[1]),
        el(
          "th.track",
          { scope: "col" },
          el("span.offscreen", null, "Releases"),
          el("div.ruler", null, axis(data)),
        ),
        heads[2] ? el("th.note", { scope: "col" }, heads[2]) : null,
      ),
    ),
  );
  prepareBars(data, table);
  const body = el("tbody");
  for (const row of rows) {
    body.append(
      el(
        `tr${row.current ? ".current" : ""}`,
        null,
        el("th", { scope: "row" }, row.head),
        el("td.since", null, row.since),
        el("td.track", null, bar(row.words || data, data.columns, row.title, row.parts)),
        heads[2] ? noteCell(row.note) : null,
      ),
    );
  }
  table.append(body);
  const first = table.querySelector(".current .seg") || table.querySelector(".seg");
  if (first) first.tabIndex = 0;
  table.addEventListener("keydown", moveBetweenSegments);
  return table;
}

function moveBetweenSegments(event) {
  if (!event.target.classList.contains("seg")) return;
  const rows = [...event.currentTarget.querySelectorAll("tbody tr")]
    .map((row) => [...row.querySelectorAll(".seg")])
    .filter((row) => row.length);
  const at = rows.findIndex((row) => row.includes(event.target));
  const column = rows[at].indexOf(event.target);
  let next = null;
  if (event.key === "ArrowRight") next = rows[at][column + 1];
  else if (event.key === "ArrowLeft") next = rows[at][column - 1];
  else if (event.key === "ArrowDown" && rows[at + 1]) next = rows[at + 1][0];
  else if (event.key === "ArrowUp" && rows[at - 1]) next = rows[at - 1][0];
  else if (event.key === "Home") next = rows[0][0];
  else if (event.key === "End") next = rows[rows.length - 1][0];
  else return;
  event.preventDefault();
  if (!next) return;
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

/** Show what a segment says beside it, on hover, focus and tap. */
function showTip(target) {
  const tip = byId("tip");
  const label = target && target.closest && target.closest("[data-tip]");
  if (!label) {
    tip.hidden = true;
    return;
  }
  tip.textContent = label.dataset.tip;
  tip.hidden = false;
  const box = label.getBoundingClientRect();
  const own = tip.getBoundingClientRect();
  const left = Math.max(
    8,
    Math.min(box.left, document.documentElement.clientWidth - own.width - 8),
  );
  const above = box.top - own.height - 6;
  tip.style.left = `${left}px`;
  tip.style.top = `${above > 8 ? above : box.bottom + 6}px`;
}

function watchTips() {
  for (const kind of ["mouseover", "focusin", "click"]) {
    document.addEventListener(kind, (event) => showTip(event.target));
  }
  document.addEventListener("focusout", () => showTip(null));
  document.addEventListener("scroll", () => showTip(null), true);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") showTip(null);
  });
}

function section(title, ...children) {
  return el("section", null, el("h2", null, title), ...children);
}

function legend() {
  return el(
    "p.legend",
    null,
    ["yes", "cond", "unknown", "no"].map((state) =>
      el(
        "span",
        null,
        el(`i.key.${state}`, { "aria-hidden": "true" }, state === "unknown" ? "?" : ""),
        STATES[state].word,
      ),
    ),
  );
}
