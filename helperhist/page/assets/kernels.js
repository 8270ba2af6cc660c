// "My kernels and program types": what all of them have.

const CHOICE_KINDS = [
  "helper",
  "kfunc",
  "map_type",
  "prog_type",
  "attach_type",
  "link_type",
  "cmd",
  "flag",
  "field",
];

function kernelsView(app, state) {
  const { data } = app;
  const chosen = {
    kernels: listed(state.kernels),
    types: listed(state.types),
    kinds: listed(state.kinds),
    filter: state.filter || "",
  };
  const go = (change, replace) => {
    const next = { ...chosen, ...change };
    app.go(choiceHash(next), { replace: Boolean(replace), keep: true });
  };
  const view = el(
    "article.choice",
    { "aria-labelledby": "choice-title" },
    el("h1", { id: "choice-title", tabindex: "-1" }, "My kernels and program types"),
    el(
      "p",
      null,
      "Pick the kernels and the types of program that you support. The list has what all of them have.",
      app.all.length > 1 ? ` It is of A: ${data.label}.` : "",
    ),
  );
  const kernels = chosen.kernels.map((text) => readKernel(data, text));
  put(view, [
    el(
      "form.pick",
      { onsubmit: (event) => event.preventDefault() },
      kernelPicker(data, chosen, go),
      typePicker(data, chosen, go),
    ),
    kernels
      .filter((kernel) => kernel.error || kernel.note)
      .map((kernel) =>
        el(`p.${kernel.error ? "error" : "hint"}`, null, kernel.error || kernel.note),
      ),
  ]);
  const good = kernels.filter((kernel) => !kernel.error);
  const programs = chosen.types.map((text) => data.program(text)).filter(Boolean);
  if (!good.length) return put(view, [el("p.hint", null, "No kernel is chosen yet.")]);
  put(view, [choiceList(app, good, programs, chosen, go)]);
  return view;
}

function listed(text) {
  return [
    ...new Set(
      (text || "")
        .split(",")
        .map((word) => word.trim())
        .filter(Boolean),
    ),
  ];
}

function choiceHash({ kernels, types, kinds, filter }) {
  const part = (key, list) => (list.length ? [`${key}=${list.map(encoded).join(",")}`] : []);
  const more = [
    ...part("types", types),
    ...part("kinds", kinds),
    ...(filter ? [`filter=${encoded(filter)}`] : []),
  ];
  return `#kernels=${kernels.map(encoded).join(",")}${more.map((text) => `&${text}`).join("")}`;
}

function toggled(list, item) {
  return list.includes(item) ? list.filter((other) => other !== item) : [...list, item];
}

function chip(text, on, id, act) {
  const box = el("input", { type: "checkbox", id, onchange: act });
  box.checked = on;
  return el("label.chip", null, box, el("span", null, text));
}

function kernelPicker(data, chosen, go) {
  // A distribution's own data has few of the long-term releases, but its own builds.
  const last = data.lts.length > 3 ? data.releases.slice(-1) : data.tags.slice(-20);
  const newest = last.map((tag) => tag.version.text);
  const offered = [...new Set([...data.lts, ...newest, ...chosen.kernels])].sort(compareReleases);
  const input = el("input", {
    type: "text",
    id: "kernel-add",
    size: "16",
    placeholder: "5.10.42, 4.18.0-553.el8",
    autocomplete: "off",
    spellcheck: "false",
  });
  const add = () => {
    const texts = listed(input.value.replace(/\s+/g, ","));
    if (texts.length) go({ kernels: [...new Set([...chosen.kernels, ...texts])] });
  };
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      add();
    }
  });
  return el(
    "fieldset",
    null,
    el("legend", null, "Kernels"),
    el(
      "div.chips",
      null,
      offered.map((text) =>
        chip(text, chosen.kernels.includes(text), `kernel-${text}`, () =>
          go({ kernels: toggled(chosen.kernels, text).sort(compareReleases) }),
        ),
      ),
    ),
    el("label", { for: "kernel-add" }, "Another kernel "),
    input,
    " ",
    el("button", { type: "button", id: "kernel-button", onclick: add }, "Add"),
  );
}

function typePicker(data, chosen, go) {
  if (!data.tells) return null;
  const names = data.programs
    .map((one) => one.name)
    .filter(
      (name) =>
        data.objects.get("helper_use").has(name) ||
        (data.objects.get("kfunc_use") || new Set()).has(name),
    );
  const on = chosen.types.map((text) => data.program(text));
  return el(
    "fieldset",
    null,
    el("legend", null, "Program types"),
    el(
      "div.chips",
      null,
      names.map((name) => {
        const word = shortName(name).toLowerCase();
        return chip(shortName(name), on.includes(name), `type-${word}`, () =>
          go({
            types: on.includes(name)
              ? chosen.types.filter((text) => data.program(text) !== name)
              : [...chosen.types, word],
          }),
        );
      }),
    ),
  );
}

function choiceList(app, kernels, programs, chosen, go) {
  const { data } = app;
  const { rows, untold } = usable(data, kernels, programs);
  const counts = countBy(rows, ({ entry }) => entry.kind);
  const kinds = [
    ...CHOICE_KINDS,
    ...[...counts.keys()].filter((kind) => !CHOICE_KINDS.includes(kind)).sort(),
  ].filter((kind) => counts.get(kind));
  const inKinds = rows.filter(
    ({ entry }) => !chosen.kinds.length || chosen.kinds.includes(entry.kind),
  );
  const body = el("tbody");
  const count = el("p.count", { id: "choice-count" });
  let shown = [];
  const fill = (filter) => {
    const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
    shown = inKinds.filter(({ entry }) =>
      words.every((word) => entry.name.toLowerCase().includes(word)),
    );
    body.replaceChildren(
      ...shown.map(({ entry, conditions, depends }) =>
        el(
          "tr",
          null,
          el(
            "th",
            { scope: "row" },
            entryLink(data, entry.name, programs.length === 1 ? programs[0] : null),
          ),
          el("td.of-kind", null, kindWords(entry.kind)),
          el("td", null, sinceWords(entry)),
          el("td", null, (depends ? "◐ " : "") + conditions.join("; or: ")),
        ),
      ),
    );
    count.textContent =
      `${shown.length} of ${rows.length} names` +
      (untold ? `; of ${untold} more nobody can tell` : "");
    announce(count.textContent);
  };
  const filter = el("input", {
    type: "search",
    id: "choice-filter",
    placeholder: "filter the list",
    value: chosen.filter,
    autocomplete: "off",
    spellcheck: "false",
    oninput: (event) => {
      chosen.filter = event.target.value;
      app.remember(choiceHash(chosen));
      fill(event.target.value);
    },
  });
  const names = () => shown.map(({ entry }) => entry.name).join("\n");
  const csv = () =>
    csvText([
      ["name", "kind", "since", "conditions", "kernels", "programs"],
      ...shown.map(({ entry, conditions }) => [
        entry.name,
        entry.kind,
        entry.since,
        conditions.join("; or: "),
        kernels.map((kernel) => kernel.text).join(" "),
        programs.map(shortName).join(" "),
      ]),
    ]);
  const heading =
    `Usable in ${kernels.map((kernel) => kernel.text).join(", ")}` +
    (programs.length ? ` from ${programs.map(shortName).join(", ")}` : "");
  const made = section(
    heading,
    el(
      "div.tools",
      null,
      el("label.offscreen", { for: "choice-filter" }, "Filter the list"),
      filter,
      el(
        "button",
        { type: "button", onclick: (event) => copy(names(), event.target) },
        "Copy names",
      ),
      el(
        "button",
        { type: "button", onclick: () => download("bpf-usable.csv", csv()) },
        "Save CSV",
      ),
      el(
        "button",
        { type: "button", onclick: (event) => copy(location.href, event.target) },
        "Copy link",
      ),
    ),
    el(
      "div.chips",
      { role: "group", "aria-label": "Kinds" },
      kinds.map((kind) =>
        chip(
          `${kindWords(kind)} ${counts.get(kind)}`,
          chosen.kinds.includes(kind),
          `kind-${kind}`,
          () => go({ kinds: toggled(chosen.kinds, kind) }),
        ),
      ),
    ),
    count,
    el(
      "div.scroll",
      { tabindex: "0", role: "region", "aria-label": "Usable names" },
      el(
        "table.plain.usable",
        null,
        el(
          "thead",
          null,
          el(
            "tr",
            null,
            ["name", "kind", "since", "condition"].map((text) =>
              el(text === "kind" ? "th.of-kind" : "th", { scope: "col" }, text),
            ),
          ),
        ),
        body,
      ),
    ),
  );
  fill(chosen.filter);
  return made;
}
