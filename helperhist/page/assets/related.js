// What goes with an entry: types, maps, what came with it, and where its facts come from.

/** Return what is related to an entry the other way round: what a program type may call. */
function others(data, entry) {
  if (!data.tells) return null;
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

/** Say which copies and statements an entry, or a pair of it, is made of. */
function provenance(data, entry, pair) {
  const found = data.evidenceOf(pair || entry);
  if (!found.length) return null;
  return section(
    "Where this comes from",
    el(
      "div.scroll",
      { tabindex: "0", role: "region", "aria-label": "Evidence" },
      el(
        "table.plain.evidence",
        null,
        el(
          "thead",
          null,
          el(
            "tr",
            null,
            ["what", "says", "where"].map((text) => el("th", { scope: "col" }, text)),
          ),
        ),
        el(
          "tbody",
          null,
          found.map((said) =>
            el(
              "tr",
              null,
              el("td", null, statementWords(data, said), said.followed ? "" : " (not followed)"),
              el("td", null, said.by, said.revision ? ` ${said.revision.slice(0, 12)}` : ""),
              el("td", null, said.where ? el("code", null, said.where) : null),
            ),
          ),
        ),
      ),
    ),
    el("p", null, el("a", { href: "#about" }, "All copies that were read")),
  );
}

function statementWords(data, { says, value }) {
  if (value === ABSENT) return `${says} lacks it`;
  if (!value.startsWith(PRESENT)) return `${says} ${value}`;
  const place = data.relations.values.indexOf(value.slice(PRESENT.length));
  const words = place < 0 ? value.slice(PRESENT.length) : data.words(place);
  return `${says} has it${words ? `, ${words}` : ""}`;
}
