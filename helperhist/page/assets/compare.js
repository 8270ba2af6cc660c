// Two datasets side by side: what one has and the other lacks.

/**
 * Return the names of which two datasets say the opposite for a release that both know, or whose
 * backports differ: {name, kind, one, two, at}.
 */
function differences(one, two) {
  const versions = one.columns.filter((version) =>
    two.columns.some((other) => other.text === version.text),
  );
  const ports = (entry) => JSON.stringify(entry.backports);
  const found = [];
  for (const { name, kind } of everyEntry([one, two])) {
    const [a, b] = [one, two].map((data) => data.byName.get(name) || data.missing({ name, kind }));
    const at = versions.find((version) => {
      const answers = [one.has(a, version), two.has(b, version)];
      return answers[0] !== null && answers[1] !== null && answers[0] !== answers[1];
    });
    if (at || ports(a) !== ports(b))
      found.push({ name, kind, one: a, two: b, at: at ? at.text : "" });
  }
  return found;
}

/** Return the entries of datasets, each name once. */
function everyEntry(all) {
  const [first, ...rest] = all;
  return [
    ...first.entries,
    ...rest.flatMap((data) => data.entries.filter((entry) => !first.byName.has(entry.name))),
  ];
}

function comparison(app) {
  const [one, two] = app.all;
  const found = differences(one, two);
  const words = (data, entry) => [
    data.byName.has(entry.name) ? sinceWords(entry) : "not in it",
    entry.removed ? `, removed ${removedWords(entry)}` : "",
    entry.backports.map((item) => `, ${item.series} from ${item.since}`).join(""),
  ];
  return el(
    "div",
    null,
    el(
      "p",
      null,
      "A is ",
      el("b", null, one.label),
      "; B is ",
      el("b", null, two.label),
      ". ",
      `Of ${found.length} names they say the opposite for a release that both know, or name other backports.`,
    ),
    el(
      "div.scroll",
      { tabindex: "0", role: "region", "aria-label": "Names that differ" },
      el(
        "table.plain",
        null,
        el(
          "thead",
          null,
          el(
            "tr",
            null,
            ["name", "kind", "since in A", "since in B", "first differs at"].map((text) =>
              el("th", { scope: "col" }, text),
            ),
          ),
        ),
        el(
          "tbody",
          null,
          found.map((row) =>
            el(
              "tr",
              null,
              el("th", { scope: "row" }, el("a", { href: entryHref(row.name) }, code(row.name))),
              el("td", null, kindWords(row.kind)),
              el("td", null, words(one, row.one)),
              el("td", null, words(two, row.two)),
              el("td", null, row.at),
            ),
          ),
        ),
      ),
    ),
  );
}
