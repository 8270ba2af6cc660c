// "What do I need?": the minimum kernel of a list of names, or of what check found.

function needView(app, state) {
  const given = app.dropped || (state.need || "").split(",").filter(Boolean).join("\n");
  const area = el("textarea", {
    id: "need-text",
    rows: "6",
    spellcheck: "false",
    autocomplete: "off",
    placeholder: "bpf_loop\nbpf_ringbuf_output@xdp\nBPF_MAP_TYPE_RINGBUF",
  });
  area.value = given;
  const answer = el("div", { id: "need-answer" });
  const fill = () => answer.replaceChildren(...needAnswer(app, area.value));
  area.addEventListener("input", () => {
    app.dropped = null;
    const isJson = /^\s*[[{]/.test(area.value);
    // What check found may be long, and is yours: it does not go into the address.
    if (isJson) app.dropped = area.value;
    app.remember(isJson ? "#need" : needHash(area.value));
    fill();
  });
  const file = el("input", {
    type: "file",
    id: "need-file",
    accept: ".json,.txt,application/json,text/plain",
    onchange: (event) => readFile(app, event.target.files[0]),
  });
  const view = el(
    "article.need",
    { "aria-labelledby": "need-title" },
    el("h1", { id: "need-title", tabindex: "-1" }, "What do I need?"),
    el(
      "p",
      null,
      "Write names, one a line; a program type goes after an @. Or drop the file that ",
      el("code", null, "helperhist check --json prog.o > need.json"),
      " wrote anywhere on this page. Nothing leaves it.",
    ),
    el(
      "div.drop",
      null,
      el("label", { for: "need-text" }, "Names or JSON"),
      area,
      el("label.file", { for: "need-file" }, "Or a file: "),
      file,
    ),
    answer,
  );
  fill();
  return view;
}

function needHash(text) {
  const words = text
    .split(/[\s,;]+/)
    .filter(Boolean)
    .slice(0, 400);
  return words.length ? `#need=${words.map(encoded).join(",")}` : "#need";
}

async function readFile(app, file) {
  if (!file) return;
  if (file.size > 20e6) {
    announce("The file is too large");
    return;
  }
  const text = await file.text();
  app.dropped = text;
  app.go("#need", { replace: location.hash.startsWith("#need"), force: true });
}

function needAnswer(app, text) {
  const { data } = app;
  if (!text.trim()) return [];
  const { wanted, files, error } = readWanted(data, text);
  if (error) return [el("p.error", null, error)];
  if (!wanted.length && !files.length) return [el("p.hint", null, "No name yet.")];
  const found = need(data, wanted);
  const made = [];
  for (const file of files) made.push(checkedFile(file));
  if (wanted.length) {
    const { since, decisive } = found;
    const names = decisive.flatMap((item, i) => [
      i ? ", " : "",
      entryLink(data, item.entry.name, item.program),
    ]);
    made.push(
      el(
        `p.verdict.${since === null ? "no" : "yes"}`,
        null,
        since === null
          ? [
              el("b", null, lostWords(data, found)),
              found.lost.length ? [" because of ", names] : "",
            ]
          : [
              found.atLeast ? "at least " : "minimum kernel ",
              el("b", null, since),
              found.orEarlier ? " or earlier" : "",
              " because of ",
              names,
            ],
      ),
    );
    announce(since === null ? lostWords(data, found) : `Minimum kernel ${since}`);
  }
  const unknown = found.items.filter((item) => item.unknown);
  if (unknown.length) {
    made.push(
      el(
        "p.error",
        null,
        "Not known: ",
        unknown.flatMap((item, i) => {
          const near = app.search.run(item.text).entries.slice(0, 2);
          return [
            i ? ", " : "",
            code(item.text),
            near.length
              ? [
                  " (nearest: ",
                  near.flatMap((entry, j) => [j ? ", " : "", entryLink(data, entry.name)]),
                  ")",
                ]
              : "",
          ];
        }),
      ),
    );
  }
  const rows = found.items
    .filter((item) => item.entry)
    .sort((a, b) => compareReleases(b.since, a.since))
    .map((item) => {
      const relation = item.relation;
      return {
        head: [
          softLink(entryHref(item.entry.name, item.program), item.entry.name),
          item.program ? el("span.in", null, ` in ${shortName(item.program)}`) : null,
        ],
        since: item.never ? "never" : sinceWords(relation || item.entry),
        title: item.entry.name,
        current: found.decisive.includes(item),
        note: [item.optional ? "optional " : "", relation ? data.words(relation.place) : ""],
        parts: item.never
          ? []
          : segments(data.columns, (version) =>
              relation
                ? relationState(data, relation, version)
                : entryState(data, item.entry, version),
            ),
      };
    });
  if (rows.length)
    made.push(
      section(
        "By name",
        barTable(data, "Releases by name", ["name", "since", "condition"], rows),
        legend(),
      ),
    );
  return made;
}

/** Say which releases have all, where no release and all later ones do. */
function lostWords(data, found) {
  if (!found.lost.length) return "Not known";
  const counted = found.items.filter((item) => !item.optional && !item.unknown);
  const texts = releasesWith(data, counted).map((version) => version.text);
  if (!texts.length) return "No release has all of them";
  return texts.length === 1
    ? `Only in ${texts[0]}`
    : `Only in ${texts[0]} to ${texts[texts.length - 1]}`;
}

/** Say what check found of a file: it knows more than names. */
function checkedFile(file) {
  const min = typeof file.min_kernel === "string" ? file.min_kernel : null;
  const others = file.requirements.filter(
    (item) => item && !/^(helper|kfunc|map_type|prog_type|attach_type|flag|field)$/.test(item.kind),
  );
  return el(
    "section.checked",
    null,
    el("h2", null, typeof file.file === "string" ? file.file : "checked object"),
    el(
      "p",
      null,
      "check says: ",
      min
        ? [
            "minimum kernel ",
            el("b", null, min),
            file.at_least ? " at least" : "",
            file.or_earlier ? " or earlier" : "",
          ]
        : "nothing known is required",
      Array.isArray(file.decided_by) && file.decided_by.length
        ? `, because of ${file.decided_by.slice(0, 8).join(", ")}`
        : "",
      ".",
    ),
    others.length
      ? el(
          "p",
          null,
          "It also needs ",
          others
            .slice(0, 30)
            .map(
              (item, i) =>
                `${i ? ", " : ""}${item.name} (${item.kind}, ${item.since || "unknown"})`,
            ),
          ".",
        )
      : null,
  );
}
