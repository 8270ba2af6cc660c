// How to read the page, and where its data comes from.

function aboutView(app) {
  return el(
    "article",
    { "aria-labelledby": "about-title" },
    el("h1", { id: "about-title", tabindex: "-1" }, "About this page"),
    el(
      "p",
      null,
      "helperhist wrote this page. It asks nothing of any server, and keeps nothing but your choice of colours.",
    ),
    section(
      "How to read it",
      el(
        "dl.facts",
        null,
        [
          ["since", "the first mainline release from which on the name is there without a gap"],
          [
            "between 5.4 and 5.6",
            "5.4 is known to lack it, 5.6 has it, and what lies between was not read",
          ],
          [
            "◐ under a condition",
            "only programs of an attach type, that may sleep, that are loaded with a capability, and so on: it is said beside it",
          ],
          ["? cannot tell", "history does not say; nothing is guessed"],
          ["keys", "/ to search, arrow keys in results and in the bars, Esc to close"],
        ].map(([term, said]) => el("div", null, el("dt", null, term), el("dd", null, said))),
      ),
    ),
    app.all.map((data) =>
      section(
        app.all.length > 1 ? `Data: ${data.label}` : "Where the data comes from",
        el("p", null, data.label),
        data.raw.notes.map((note) => el("p", null, note)),
        data.tells
          ? el(
              "details",
              null,
              el("summary", null, "The kernel trees that were read"),
              treeTable(data),
            )
          : null,
      ),
    ),
  );
}

function treeTable(data) {
  const { readings, origins } = data.relations;
  const sources = Object.keys(readings);
  const groups = new Map();
  for (const source of sources) {
    for (const [text, origin] of readings[source]) {
      const key = JSON.stringify([text, origin]);
      groups.set(key, [...(groups.get(key) || []), source]);
    }
  }
  const rows = [...groups].map(([key, list]) => [...JSON.parse(key), list]);
  rows.sort((a, b) => compareReleases(a[0], b[0]));
  return el(
    "div.scroll",
    { tabindex: "0", role: "region", "aria-label": "Kernel trees" },
    el(
      "table.plain",
      null,
      el(
        "thead",
        null,
        el(
          "tr",
          null,
          ["release", "tree", "read for"].map((text) => el("th", { scope: "col" }, text)),
        ),
      ),
      el(
        "tbody",
        null,
        rows.map(([text, origin, list]) =>
          el(
            "tr",
            null,
            el("th", { scope: "row" }, text),
            el("td", null, el("code", null, origins[origin])),
            el("td", null, list.join(", ")),
          ),
        ),
      ),
    ),
  );
}
