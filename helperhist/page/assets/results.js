// The list of results.

/** How many are shown before one asks for all. */
const SHOWN = 80;

/** Return what a result says: since when, for the program type and release that were asked for. */
function resultAnswer(entry, program, release) {
  const { data } = entry;
  const kind = USES[entry.kind];
  const relation = program && kind ? data.pair(kind, entry.name, program) : null;
  if (program && kind && !relation) {
    return data.knowsPair(kind, entry.name, program)
      ? { state: "no", text: "never" }
      : { state: "unknown", text: STATES.unknown.word };
  }
  const of = relation || entry;
  if (release) {
    const now = relation
      ? relationState(data, relation, release)
      : entryState(data, entry, release);
    return { state: now.state, text: `${STATES[now.state].word} in ${release.text}` };
  }
  const gone = of.removed !== null || of.since === null;
  return {
    state: gone ? "no" : "",
    text: of.since === null ? "no release" : sinceWords(of) + (gone ? " – removed" : ""),
  };
}

function resultList(found, all) {
  const shown = all ? found.entries : found.entries.slice(0, SHOWN);
  const list = el(
    "ol.results",
    null,
    shown.map((entry) => {
      const program = found.program && USES[entry.kind] ? found.program : null;
      const { state, text } = resultAnswer(entry, program, found.release);
      return el(
        "li",
        null,
        el(
          "a",
          { href: entryHref(entry.name, program) },
          el(
            "span.name",
            null,
            code(entry.name),
            program ? el("span.in", null, ` in ${shortName(program)}`) : null,
          ),
          el(
            `span.answer.${state || "since"}`,
            null,
            state && STATES[state]
              ? el("i", { "aria-hidden": "true" }, `${STATES[state].mark} `)
              : null,
            text,
          ),
          el(
            "span.kind",
            null,
            kindWords(entry.kind),
            entry.kind === "helper" && entry.id !== null ? ` #${entry.id}` : "",
            entry.formerNames.length ? `, formerly ${entry.formerNames.join(", ")}` : "",
          ),
        ),
      );
    }),
  );
  return list;
}
