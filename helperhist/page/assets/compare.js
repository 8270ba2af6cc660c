// Two datasets side by side: what one has and the other lacks.

/** Return the names that two datasets tell apart: {name, kind, one, two}. */
function differences(one, two) {
  const found = [];
  const words = (entry) => (entry ? sinceWords(entry) + (entry.removed ? `, removed ${removedWords(entry)}` : "") : "not in it");
  const names = new Map();
  for (const data of [one, two]) for (const entry of data.entries) if (!names.has(entry.name)) names.set(entry.name, entry.kind);
  for (const [name, kind] of names) {
    const [a, b] = [one, two].map((data) => words(data.byName.get(name)));
    if (a !== b) found.push({ name, kind, one: a, two: b });
  }
  return found;
}

function comparison(app) {
  const [one, two] = app.all;
  const found = differences(one, two);
  return el("div", null,
    el("p", null, "A is ", el("b", null, one.label), "; B is ", el("b", null, two.label), `. ${found.length} names differ.`),
    el("div.scroll", { tabindex: "0", role: "region", "aria-label": "Names that differ" }, el("table.plain", null,
      el("thead", null, el("tr", null, ["name", "kind", "since in A", "since in B"].map((text) => el("th", { scope: "col" }, text)))),
      el("tbody", null, found.map((row) => el("tr", null,
        el("th", { scope: "row" }, el("a", { href: entryHref(row.name) }, code(row.name))),
        el("td", null, kindWords(row.kind)), el("td", null, row.one), el("td", null, row.two)))))));
}
