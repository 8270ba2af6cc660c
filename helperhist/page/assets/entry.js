// One entry: since when, in which kernels, who may call it, and what came with it.

const COMMIT = /^[0-9a-f]{40}$/;

/** Return the address of an entry in this page. */
function entryHref(name, program) {
  const at = program ? `@${encoded(shortName(program).toLowerCase())}` : "";
  return `#${encoded(name)}${at}`;
}

function entryLink(data, name, program) {
  return data.byName.has(name)
    ? el("a", { href: entryHref(name, program) }, code(name))
    : code(name);
}

function commitLink(commit) {
  const shown = el("code", null, commit.slice(0, 12));
  if (!COMMIT.test(commit)) return shown;
  return el(
    "a",
    {
      href: `https://git.kernel.org/linus/${commit}`,
      rel: "noreferrer noopener",
      title: "the commit, at git.kernel.org",
    },
    shown,
  );
}

/** Return the view of an entry, for one program type if that is given. */
function entryView(app, entry, program) {
  const { data } = entry;
  const view = el("article.entry", { "aria-labelledby": "entry-title" });
  const pair =
    program && USES[entry.kind] ? data.pair(USES[entry.kind], entry.name, program) : null;
  const asked = program && USES[entry.kind] ? program : null;
  const number =
    entry.id === null ? "" : entry.kind === "helper" ? ` #${entry.id}` : ` = ${entry.id}`;
  put(view, [
    el(
      "header",
      null,
      el(
        "div.tools",
        null,
        el(
          "button",
          { type: "button", onclick: (event) => copy(pageLink(entry, asked), event.target) },
          "Copy link",
        ),
        el(
          "button",
          { type: "button", onclick: (event) => copy(jsonText(data, entry, pair), event.target) },
          "Copy JSON",
        ),
      ),
      el(
        "p.kind",
        null,
        el("a", { href: `#kind=${encoded(entry.kind)}` }, kindWords(entry.kind)),
        number,
      ),
      el(
        "h1",
        { id: "entry-title", tabindex: "-1" },
        code(entry.name),
        asked ? el("span.in", null, ` in ${shortName(asked)} programs`) : null,
      ),
      entry.prototype ? el("pre.proto", null, el("code", null, `${entry.prototype};`)) : null,
    ),
    app.all.map((one, at) =>
      verdict(
        one,
        one.byName.get(entry.name),
        asked,
        app.all.length > 1 ? `${"AB"[at]}: ${one.label}` : "",
      ),
    ),
    ltsStrip(data, entry, asked, pair),
    facts(data, entry, asked, pair),
    callers(app, entry, asked),
    others(data, entry),
    cameWith(data, entry),
    provenance(data, entry, pair),
  ]);
  return view;
}

/** Return the permanent link of an entry. */
function pageLink(entry, program) {
  return location.href.replace(/#.*$/, "") + entryHref(entry.name, program);
}

/** Return what `helperhist since --json` prints. */
function jsonText(data, entry, pair) {
  return JSON.stringify([pair ? data.relationJson(pair) : data.json(entry)], null, 2);
}

/** Return the answer in one line, large enough to be seen first. */
function verdict(data, entry, program, of) {
  const label = of ? el("span.of", null, of) : null;
  if (!entry) return el("p.verdict.no", null, label, el("b", null, "not in this data"));
  if (entry.kind === "sentinel") {
    return el(
      "p.verdict.unknown",
      null,
      label,
      el("b", null, sinceWords(entry)),
      " No feature: it only begins or ends a list, or is internal.",
    );
  }
  if (program) {
    const relation = data.pair(USES[entry.kind], entry.name, program);
    if (!relation && !data.knowsPair(USES[entry.kind], entry.name, program)) {
      return el(
        "p.verdict.unknown",
        null,
        label,
        el("b", null, "cannot tell"),
        " This data does not say who may call it.",
      );
    }
    if (!relation) {
      const read = data.readOf(USES[entry.kind]);
      return el(
        "p.verdict.no",
        null,
        label,
        el("b", null, "✕ never"),
        ` ${shortName(program)} programs may not ` +
          `call it in any release that was read${read.length ? ` (${read[0].text} to ${read[read.length - 1].text})` : ""}.`,
      );
    }
    return el(
      `p.verdict.${relation.removed ? "no" : "yes"}`,
      null,
      label,
      sinceLine(data, relation),
      relation.removed ? el("span.removed", null, `, removed ${removedWords(relation)}`) : null,
      conditionMark(data, relation),
    );
  }
  const gone = entry.removed !== null;
  return el(
    `p.verdict.${gone || entry.since === null ? "no" : "yes"}`,
    null,
    label,
    sinceLine(data, entry),
    gone ? el("span.removed", null, `removed ${removedWords(entry)}`) : null,
  );
}

/** Return a condition in words, marked if it depends on the program. */
function conditionMark(data, relation) {
  const words = data.words(relation.place);
  if (!words) return null;
  return el("span.cond", null, data.depends(relation.place) ? " ◐ " : " ", words);
}

/** Say since when, with the date of the release if it is known to be that one. */
function sinceLine(data, item) {
  const exact = item.since !== null && !item.absent && !item.orEarlier;
  const date = exact ? item.released || data.dates.get(item.since) : null;
  return [
    item.since === null ? "" : item.absent ? "came " : "since ",
    el("b", null, sinceWords(item)),
    date ? el("span.date", null, date) : null,
  ];
}

/** Return the long-term kernels and the newest release, with yes and no. */
function ltsStrip(data, entry, program, pair) {
  if (entry.kind === "sentinel") return null;
  const texts = data.lts.filter((text) => compareReleases(text, "4.14") >= 0);
  const newest = data.releases[data.releases.length - 1];
  if (newest && !texts.includes(newest.version.text)) texts.push(newest.version.text);
  const list = el("ul.lts", { "aria-label": "Long-term kernels and the newest release" });
  for (const text of texts) {
    const version = parseVersion(text);
    let now = program
      ? pairState(data, USES[entry.kind], entry.name, program, version)
      : entryState(data, entry, version);
    const backport = (program ? pair : entry)?.backports.find((item) => item.series === text);
    let word = STATES[now.state].word;
    if (now.state === "no" && backport) {
      now = { state: "cond" };
      word = `from ${backport.since}`;
    }
    if (now.state === "cond" && now.place !== undefined) word = "conditional";
    const tip =
      now.place === undefined || (entry.relation && !program) ? null : data.words(now.place);
    list.append(
      el(
        `li.${now.state}`,
        null,
        el("b", null, text),
        tip
          ? el(
              "button.word",
              { type: "button", "data-tip": tip, "aria-label": `${text}: ${word}, ${tip}` },
              el("i", { "aria-hidden": "true" }, STATES[now.state].mark),
              word,
            )
          : el("span.word", null, el("i", { "aria-hidden": "true" }, STATES[now.state].mark), word),
      ),
    );
  }
  return list;
}

/** Return the list of what else is known of an entry. */
function facts(data, entry, program, pair) {
  const list = el("dl.facts");
  const add = (term, ...shown) => {
    if (shown.flat(2).some(Boolean))
      put(list, [el("div", null, el("dt", null, term), el("dd", null, ...shown))]);
  };
  const commits = (item) =>
    item && item.commit
      ? [
          commitLink(item.commit),
          item.subject ? ` ${item.subject}` : "",
          item.authorDate ? `, ${item.authorDate.slice(0, 10)}` : "",
        ]
      : [];
  if (program) {
    add("commit", commits(pair));
    add("name itself", el("a", { href: entryHref(entry.name) }, "since ", sinceWords(entry)));
  } else {
    if (entry.firstTag && entry.firstTag !== entry.tag) add("first tag", entry.firstTag);
    else if (entry.tag && !entry.absent) add("tag", entry.tag);
    add("commit", commits(entry));
  }
  add(
    "formerly",
    entry.formerNames.flatMap((name, i) => [i ? ", " : "", code(name)]),
  );
  add(
    "backports",
    (program ? pair || { backports: [] } : entry).backports
      .map((item) => `${item.series} from ${item.since}`)
      .join(", "),
  );
  add("attributes", entry.attributes.join(" "));
  for (const [event, , name, tag, before, after] of data.raw.events) {
    if (name !== entry.name && before !== entry.name && after !== entry.name) continue;
    if (event === "renamed")
      add("renamed", entryLink(data, before), " to ", entryLink(data, after), `, ${tag}`);
    else if (event === "renumbered") add("renumbered", `from ${before} to ${after}, ${tag}`);
    else if (event === "returned") add("returned", tag);
  }
  if (pair && presences(pair).length > 1) {
    add(
      "present",
      presences(pair)
        .map(({ from, to }) => (to ? `${from}, not in ${to}` : `from ${from}`))
        .join("; "),
    );
  }
  for (const relation of data.find("gpl_only", entry.name)) {
    const changes = relation.runs.map(
      (run) =>
        (({ yes: "needs a GPL-compatible license", no: "any license" })[run.value] ||
          `not known (${run.value})`) + (relation.runs.length > 1 ? ` from ${run.from}` : ""),
    );
    add("license", changes.join("; "));
  }
  if (entry.relation) {
    add(
      "flags",
      entry.relation.runs
        .map(
          (run) =>
            (run.value || "none") +
            (entry.relation.runs.length > 1
              ? ` (${run.from}${run.to ? ` to before ${run.to}` : " on"})`
              : ""),
        )
        .join("; "),
    );
    const protos = data.find("kfunc_proto", entry.name).flatMap((relation) => relation.runs);
    if (protos.length > 1) {
      add(
        "prototypes",
        el(
          "ul",
          null,
          protos.map((run) => el("li", null, `${run.from}: `, el("code", null, run.value))),
        ),
      );
    }
  }
  for (const relation of data.find("kfunc_test", entry.name)) {
    add("for tests", `of the kernel itself, in ${relation.value}`);
  }
  return list.children.length ? list : null;
}
