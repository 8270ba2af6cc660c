// The start, a kind, a release.

const EXAMPLES = [
  "get_current_pid_tgid in xdp",
  "ringbuf",
  "#181",
  "spin lock",
  "probe_raed_str",
  "bpf_loop 5.10",
];
function homeView(app) {
  const { data } = app;
  const counts = countBy(data.entries, (entry) => entry.kind);
  const enums = [...counts.keys()]
    .filter((kind) => !KIND_ORDER.includes(kind) && kind !== "sentinel")
    .sort();
  const tiles = (kinds) =>
    el(
      "ul.tiles",
      null,
      kinds
        .filter((kind) => counts.get(kind))
        .map((kind) =>
          el(
            "li",
            null,
            el(
              "a",
              { href: `#kind=${encoded(kind)}` },
              el("b", null, counts.get(kind)),
              ` ${kindWords(kind)}${counts.get(kind) > 1 && kind in KIND_WORDS ? "s" : ""}`,
            ),
          ),
        ),
    );
  const newest = [...data.columns].reverse().slice(0, 12);
  return el(
    "article.home",
    { "aria-labelledby": "home-title" },
    el("h1", { id: "home-title", tabindex: "-1" }, "Which kernel has which part of BPF?"),
    el(
      "p",
      null,
      "Type a helper, a kfunc, a type, a flag or a field. The answer is read from the history of the kernel itself: ",
      el("b", null, `${data.entries.length.toLocaleString("en")} names`),
      data.relations
        ? [
            " and ",
            el("b", null, `${data.countPairs().toLocaleString("en")} pairs`),
            " of a name and a program type",
          ]
        : null,
      ".",
    ),
    el(
      "p.examples",
      null,
      "For example ",
      EXAMPLES.flatMap((text, i) => [i ? " " : "", el("a", { href: `#q=${encoded(text)}` }, text)]),
    ),
    app.all.length > 1 ? section("Compared", comparison(app)) : null,
    section(
      "By kind",
      tiles(KIND_ORDER),
      enums.length
        ? el("details", null, el("summary", null, `${enums.length} other enums`), tiles(enums))
        : null,
    ),
    section("What came with a release", releaseTable(data, newest)),
  );
}

function releaseTable(data, versions) {
  const kinds = ["helper", "kfunc", "map_type", "prog_type", "attach_type", "flag", "field"].filter(
    (kind) => data.kinds.has(kind) || kind === "kfunc",
  );
  return el(
    "div.scroll",
    { tabindex: "0", role: "region", "aria-label": "Names by release" },
    el(
      "table.plain",
      null,
      el(
        "thead",
        null,
        el(
          "tr",
          null,
          el("th", { scope: "col" }, "release"),
          el("th", { scope: "col" }, "date"),
          kinds.map((kind) => el("th.num", { scope: "col" }, `${kindWords(kind)}s`)),
        ),
      ),
      el(
        "tbody",
        null,
        versions.map((version) =>
          el(
            "tr",
            null,
            el("th", { scope: "row" }, el("a", { href: `#release=${version.text}` }, version.text)),
            el("td", null, data.dates.get(version.text) || ""),
            kinds.map((kind) =>
              el(
                "td.num",
                null,
                data.entries.filter((entry) => entry.kind === kind && entry.since === version.text)
                  .length || "·",
              ),
            ),
          ),
        ),
      ),
    ),
  );
}

function countBy(list, keyOf) {
  const counts = new Map();
  for (const item of list) counts.set(keyOf(item), (counts.get(keyOf(item)) || 0) + 1);
  return counts;
}

/** Return a table of entries: name, number, since, removed. */
function entryTable(data, entries, more) {
  return el(
    "div.scroll",
    { tabindex: "0", role: "region", "aria-label": "Names" },
    el(
      "table.plain",
      null,
      el(
        "thead",
        null,
        el(
          "tr",
          null,
          el("th", { scope: "col" }, "name"),
          el("th", { scope: "col" }, more ? "kind" : "number"),
          el("th", { scope: "col" }, "since"),
          el("th", { scope: "col" }, "removed"),
        ),
      ),
      el(
        "tbody",
        null,
        entries.map((entry) =>
          el(
            "tr",
            null,
            el("th", { scope: "row" }, entryLink(data, entry.name)),
            el(
              "td",
              null,
              more ? kindWords(entry.kind) : entry.id === null ? "" : String(entry.id),
            ),
            el("td", null, sinceWords(entry)),
            el("td", null, removedWords(entry)),
          ),
        ),
      ),
    ),
  );
}

function kindView(app, kind) {
  const entries = app.data.entries.filter((entry) => entry.kind === kind);
  return el(
    "article",
    { "aria-labelledby": "list-title" },
    el(
      "h1",
      { id: "list-title", tabindex: "-1" },
      `${entries.length} names of kind ${kindWords(kind)}`,
    ),
    entryTable(app.data, entries, false),
  );
}

function releaseView(app, text) {
  const { data } = app;
  const version = parseVersion(text);
  const date = version && data.dates.get(version.text);
  const entries = data.entries.filter(
    (entry) => version && entry.since === version.text && entry.kind !== "sentinel",
  );
  const gone = data.entries.filter((entry) => version && entry.removed === `v${version.text}`);
  const view = el(
    "article",
    { "aria-labelledby": "list-title" },
    el(
      "h1",
      { id: "list-title", tabindex: "-1" },
      `What came with ${version ? version.text : text}`,
      date ? el("small", null, ` ${date}`) : null,
    ),
  );
  if (!version) return put(view, [el("p", null, "This is not a release.")]);
  if (!entries.length) put(view, [el("p", null, "This data has nothing new in it.")]);
  for (const kind of new Set(entries.map((entry) => entry.kind))) {
    const found = entries.filter((entry) => entry.kind === kind);
    put(view, [
      section(
        `${found.length} × ${kindWords(kind)}`,
        el(
          "ul.names.columns",
          null,
          found.map((entry) =>
            el(
              "li",
              null,
              entryLink(data, entry.name),
              entry.absent ? el("small", null, ` ${sinceWords(entry)}`) : null,
            ),
          ),
        ),
      ),
    ]);
  }
  if (gone.length) {
    put(view, [
      section(
        "Removed",
        el(
          "ul.names",
          null,
          gone.map((entry) =>
            el("li", null, entryLink(data, entry.name), ` ${removedWords(entry)}`),
          ),
        ),
      ),
    ]);
  }
  return view;
}
