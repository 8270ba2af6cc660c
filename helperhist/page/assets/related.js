// What goes with an entry: types, maps, what came with it, and where its facts come from.

/** Return what is related to an entry the other way round: what a program type may call. */
function others(data, entry) {
  if (!data.relations) return null;
  const made = [];
  if (entry.kind === "prog_type") {
    for (const kind of ["helper", "kfunc"]) {
      const found = data.reverse(USES[kind], entry.name);
      if (found.length)
        made.push(
          section(`${found.length} ${kind}s that it may call`, sinceList(data, found, entry.name)),
        );
    }
    const maps = data.reverse("map_prog", entry.name);
    if (maps.length)
      made.push(section(`${maps.length} map types that it may use`, sinceList(data, maps, null)));
  }
  if (entry.kind === "helper" || entry.kind === "map_type") {
    const helper = entry.kind === "helper";
    const found = helper ? data.find("map_use", entry.name) : data.reverse("map_use", entry.name);
    if (found.length) {
      made.push(
        section(
          helper ? "Map types that it takes" : "Helpers that take it",
          el(
            "ul.names",
            null,
            found.map((relation) =>
              el(
                "li",
                null,
                entryLink(data, helper ? relation.object : relation.name),
                ` ${sinceWords(relation)}`,
                relation.removed ? `, removed ${removedWords(relation)}` : "",
                conditionMark(data, relation),
              ),
            ),
          ),
        ),
      );
    }
  }
  return made;
}

/** Return relations, grouped by the release that brought them. */
function sinceList(data, relations, program) {
  const groups = new Map();
  for (const relation of [...relations].sort((a, b) => compareReleases(a.since, b.since))) {
    const words = sinceWords(relation);
    groups.set(words, [...(groups.get(words) || []), relation]);
  }
  return el(
    "dl.by-release",
    null,
    [...groups].map(([words, list]) =>
      el(
        "div",
        null,
        el("dt", null, words),
        el(
          "dd",
          null,
          list.flatMap((relation, i) => [
            i ? ", " : "",
            el(
              "span",
              null,
              entryLink(data, relation.name, program),
              data.depends(relation.place)
                ? el(
                    "button.word",
                    {
                      type: "button",
                      "data-tip": data.words(relation.place),
                      "aria-label": `condition: ${data.words(relation.place)}`,
                    },
                    "◐",
                  )
                : null,
              relation.removed ? el("span.removed", null, ` until ${relation.removed}`) : null,
            ),
          ]),
        ),
      ),
    ),
  );
}

function cameWith(data, entry) {
  const release = entry.since;
  if (release === null) return null;
  const same =
    entry.commit === null
      ? []
      : data.entries.filter((other) => other !== entry && other.commit === entry.commit);
  const count = data.entries.filter(
    (other) => other.since === release && other.kind !== "sentinel",
  ).length;
  return section(
    "What else came with it",
    same.length
      ? el(
          "p",
          null,
          "The same commit brought ",
          same.flatMap((other, i) => [
            i ? ", " : "",
            el("span", null, entryLink(data, other.name)),
          ]),
          ".",
        )
      : null,
    el(
      "p",
      null,
      el("a", { href: `#release=${encoded(release)}` }, `Everything that came with ${release}`),
      ` (${count} names)`,
    ),
  );
}

/** Say where each statement comes from. */
function provenance(data, entry) {
  const lines = [];
  const tag = data.tagByName.get(entry.firstTag);
  if (!entry.relation && tag) {
    lines.push([
      "Since: ",
      el("code", null, "bpf.h"),
      ` at ${tag.name}`,
      tag.blob ? [", blob ", el("code", null, tag.blob.slice(0, 12))] : "",
      `, read from ${data.raw.source}.`,
    ]);
  }
  const kind = entry.relation
    ? "kfunc"
    : USES[entry.kind] || (entry.kind === "map_type" ? "map_prog" : null);
  const first = kind && data.find(kind, entry.name)[0];
  if (first) {
    const list = data.relations.readings[data.relations.sources[kind]];
    const origin = list.find(([text]) => text === first.since);
    if (origin) {
      lines.push([
        entry.relation ? "Since and callers" : "Callers",
        `: whole kernel trees, each release by itself; that of ${first.since} is `,
        el("code", null, data.relations.origins[origin[1]]),
        ". ",
        el("a", { href: "#about" }, "All trees"),
        ".",
      ]);
    }
  }
  return lines.length
    ? section(
        "Where this comes from",
        lines.map((line) => el("p.source", null, line)),
      )
    : null;
}
