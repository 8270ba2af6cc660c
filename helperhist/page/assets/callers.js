// Who may call an entry: its matrix of program types and releases.

/** Return the matrix of an entry: itself, and for helpers, kfuncs and maps the program types. */
function callers(app, entry, program) {
  const { data } = entry;
  const kind = WITH_PROGRAMS[entry.kind];
  const rows = app.all.map((one, at) => nameRow(app, entry, one, at));
  if (!kind || !data.tells) {
    return section(
      "Releases",
      barTable(data, `Releases that have ${entry.name}`, ["name", "since", ""], rows),
      legend(),
    );
  }
  const objects = new Map();
  for (const one of app.all)
    for (const found of one.find(kind, entry.name)) objects.set(found.object, found);
  const relations = [...objects.values()].sort(
    (a, b) =>
      (b.object === program) - (a.object === program) ||
      compareReleases(a.since, b.since) ||
      (a.object < b.object ? -1 : 1),
  );
  for (const { object } of relations) {
    for (const [at, one] of app.all.entries()) {
      // What a dataset says nothing of has no bar.
      if (one.knowsPair(kind, entry.name, object)) {
        rows.push({ ...pairRow(app, entry, one, at, object), current: object === program });
      }
    }
  }
  const title = entry.kind === "map_type" ? "Which programs may use it" : "Who may call it";
  return section(
    title,
    barTable(
      data,
      `${title}: releases by program type`,
      ["program type", "since", rows.some((row) => row.note) ? "condition" : ""],
      rows,
    ),
    legend(),
    neverCallers(data, entry, objects),
  );
}

function sideMark(app, at) {
  return app.all.length > 1 ? el("span.of", null, `${"AB"[at]} `) : null;
}

function nameRow(app, entry, one, at) {
  const own = one.byName.get(entry.name) || one.missing(entry);
  return {
    head: [sideMark(app, at), "the name itself"],
    title: entry.name,
    note: "",
    since: one.byName.has(entry.name) ? sinceWords(own) : "not in it",
    parts: segments(entry.data.columns, (version) => entryState(one, own, version)),
  };
}

function pairRow(app, entry, one, at, object) {
  const kind = WITH_PROGRAMS[entry.kind];
  const relation = one.pair(kind, entry.name, object);
  return {
    head: [
      sideMark(app, at),
      entry.kind === "map_type"
        ? softLink(entryHref(object), shortName(object))
        : softLink(entryHref(entry.name, object), shortName(object)),
    ],
    title: shortName(object),
    note: relation ? one.words(relation.place) : "",
    since: relation
      ? [
          sinceWords(relation),
          relation.removed ? el("span.removed", null, ` removed ${removedWords(relation)}`) : null,
        ]
      : "never",
    parts: segments(entry.data.columns, (version) =>
      pairState(one, kind, entry.name, object, version),
    ),
    words: one,
  };
}

/** Name the program types that no release let call it. */
function neverCallers(data, entry, objects) {
  const kind = WITH_PROGRAMS[entry.kind];
  const read = data.readOf(kind);
  const rest = data.programs
    .map((one) => one.name)
    .filter((name) => !objects.has(name) && data.knowsPair(kind, entry.name, name));
  if (!rest.length || !read.length) return null;
  return el(
    "p.never",
    null,
    `Not in any release read (${read[0].text} to ${read[read.length - 1].text}): ${rest.map(shortName).join(", ")}`,
  );
}
