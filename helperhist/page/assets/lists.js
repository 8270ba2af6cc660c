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
      data.tells
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
  const view = el(
    "article",
    { "aria-labelledby": "list-title" },
    el(
      "h1",
      { id: "list-title", tabindex: "-1" },
      `What came with ${version ? version.text : text}`,
      version && data.dates.get(version.text)
        ? el("small", null, ` ${data.dates.get(version.text)}`)
        : null,
    ),
  );
  if (!version) return put(view, [el("p", null, "This is not a release.")]);
  const entries = data.entries.filter(
    (entry) => entry.since === version.text && entry.kind !== "sentinel",
  );
  const gone = data.entries.filter((entry) => removedRelease(entry) === version.text);
  const pairs = latePairs(data, version.text);
  if (!entries.length && !gone.length && !pairs.length) {
    put(view, [el("p", null, "This data has nothing new in it.")]);
  }
  for (const kind of new Set(entries.map((entry) => entry.kind))) {
    const found = entries.filter((entry) => entry.kind === kind);
    put(view, [section(`${found.length} × ${kindWords(kind)}`, sinceGroups(data, found))]);
  }
  if (pairs.length) {
    put(view, [
      section(
        `More programs may call older names (${pairs.length} pairs)`,
        pairGroups(data, pairs),
      ),
    ]);
  }
  if (gone.length) put(view, [section("Removed", nameList(data, gone, removedWords))]);
  return view;
}

/** Return the release without an entry again, null if it is still there. */
function removedRelease(entry) {
  if (entry.removed === null) return null;
  const tag = entry.data.tagByName.get(entry.removed);
  return tag ? tag.version.text : entry.removed.replace(/^v/, "");
}

/** Return names, those that came between two releases under a heading of their own. */
function sinceGroups(data, entries) {
  const exact = entries.filter((entry) => !entry.absent && !entry.orEarlier);
  const groups = new Map(exact.length ? [["", exact]] : []);
  for (const entry of entries) {
    if (exact.includes(entry)) continue;
    groups.set(sinceWords(entry), [...(groups.get(sinceWords(entry)) || []), entry]);
  }
  return [...groups].map(([words, list]) => [
    words ? el("p.count", null, `${words}:`) : null,
    nameList(data, list, () => ""),
  ]);
}

function nameList(data, entries, more) {
  return el(
    "ul.names.columns",
    null,
    entries.map((entry) => el("li", null, entryLink(data, entry.name), ` ${more(entry)}`)),
  );
}

/** Return the pairs that a release brought though both of their names are older. */
function latePairs(data, release) {
  const older = (name) => {
    const entry = data.byName.get(name);
    return entry && entry.since !== null && compareReleases(entry.since, release) < 0;
  };
  return Object.values(USES).flatMap((kind) =>
    [...(data.groups.get(kind) || new Map()).keys()]
      .filter(older)
      .flatMap((name) =>
        data.find(kind, name).filter((pair) => pair.since === release && older(pair.object)),
      ),
  );
}

/** Return pairs by program type. */
function pairGroups(data, pairs) {
  const groups = new Map();
  for (const pair of pairs) groups.set(pair.object, [...(groups.get(pair.object) || []), pair]);
  return el(
    "dl.by-release.wide",
    null,
    [...groups].map(([object, list]) =>
      el(
        "div",
        null,
        el("dt", null, shortName(object)),
        el(
          "dd",
          null,
          list.flatMap((pair, i) => [
            i ? ", " : "",
            el(
              "span",
              null,
              entryLink(data, pair.name, object),
              pair.absent ? el("small", null, ` (${sinceWords(pair)})`) : null,
            ),
          ]),
        ),
      ),
    ),
  );
}
