// What is usable in all of some kernels and program types, and what a list of names needs.

/** The kinds that go with program types, and the relation that says so. */
const WITH_PROGRAMS = { helper: "helper_use", kfunc: "kfunc_use", map_type: "map_prog" };

/**
 * Return a kernel that somebody typed: {text, version, base, note}, or {text, error}. Names are
 * asked of `version`, relations of `base`, the release that an update or a build starts from.
 */
function readKernel(data, text) {
  let typed = parseVersion(text);
  if (!typed)
    return {
      text,
      error: `${text} is not a kernel version; write 5.10, 5.10.42 or 4.18.0-553.el8`,
    };
  const known = data.tags.some((tag) => compareVersions(tag.version, typed) === 0);
  const base = typed.isStable || typed.build ? parseVersion(typed.series) : typed;
  const newest = data.columns[data.columns.length - 1];
  if (!known && newest && compareVersions(base, newest) > 0) {
    return {
      text: typed.text,
      error: `${typed.text} is newer than this data, which ends at ${newest.text}`,
    };
  }
  let note = "";
  if (typed.build && !known) {
    note = `${typed.text} counts as mainline ${base.text}: what the distribution added, or took out, is not in this data`;
    typed = base;
  } else if (typed.isStable && (data.tells || !known)) {
    note = `who may call what is known of releases only: for that, ${typed.text} counts as ${base.text}`;
    if (!known) {
      note = `${typed.text} counts as ${base.text}, with the backports that this data knows of`;
    }
  }
  const { isStable: isUpdate, text: shown } = parseVersion(text);
  return { text: shown, version: typed, base, note, isUpdate };
}

/** Return whether a kernel has an entry, with backports to updates. */
function kernelHas(data, entry, kernel) {
  const answer = data.has(entry, entry.relation ? kernel.base : kernel.version);
  const port = entry.backports.find((item) => item.series === kernel.base.text);
  if (kernel.isUpdate && port && compareReleases(kernel.text, port.since) >= 0) return true;
  if (answer !== null || !kernel.isUpdate || entry.relation) return answer;
  return data.has(entry, kernel.base) ? true : null;
}

/** Return whether a kernel has a pair: as its release has, or an update of it. */
function kernelPair(data, kind, name, program, kernel) {
  const now = data.hasPair(kind, name, program, kernel.base);
  if (now.answer || !kernel.isUpdate) return now;
  const pair = data.pair(kind, name, program);
  const port = pair && pair.backports.find((item) => item.series === kernel.base.text);
  return port && compareReleases(kernel.text, port.since) >= 0
    ? { answer: true, place: pair.place }
    : now;
}

/**
 * Return what is usable in all kernels, and by all program types if there are some:
 * {rows: [{entry, conditions, depends}], untold}. Each of the conditions holds somewhere, `depends`
 * says whether one is of the program; `untold` counts the names of which nobody can tell.
 */
function usable(data, kernels, programs) {
  const rows = [];
  let untold = 0;
  for (const entry of data.entries) {
    if (entry.kind === "sentinel") continue;
    const kind = WITH_PROGRAMS[entry.kind];
    if (programs.length && !kind) continue;
    let all = true;
    const conditions = new Map();
    for (const kernel of kernels) {
      if (all !== false) all = both(all, kernelHas(data, entry, kernel));
      for (const program of programs) {
        if (all === false) break;
        const { answer, place } = kernelPair(data, kind, entry.name, program, kernel);
        all = both(all, answer);
        if (answer && data.words(place)) conditions.set(place, data.words(place));
      }
    }
    if (all) {
      const depends = [...conditions.keys()].some((place) => data.depends(place));
      rows.push({ entry, conditions: [...conditions.values()], depends });
    } else if (all === null) untold += 1;
  }
  return { rows, untold };
}

function both(one, two) {
  if (one === false || two === false) return false;
  return one === null || two === null ? null : true;
}

/**
 * Return what names need: {since, orEarlier, atLeast, items, decisive}. An item is {text, entry,
 * relation, since, lost}; `since` is null where no release has all of them.
 *
 * @param wanted [{text, program}]; program is a program type, or null
 */
function need(data, wanted) {
  const items = wanted.map(({ text, program, optional }) => {
    const entry = data.entry(text);
    const kind = entry && program ? USES[entry.kind] : null;
    const relation = kind ? data.pair(kind, entry.name, program) : null;
    const item = {
      text,
      entry,
      program: kind ? program : null,
      relation,
      optional: Boolean(optional),
    };
    const of = relation || entry;
    item.unknown = !entry;
    item.never = Boolean(kind && !relation);
    item.since = of && !item.never ? later(entry.since, of.since) : null;
    item.lost =
      Boolean(entry) &&
      (item.never || entry.since === null || of.removed !== null || entry.removed !== null);
    return item;
  });
  const counted = items.filter((item) => !item.optional && !item.unknown);
  const lost = counted.filter((item) => item.lost);
  const atLeast = items.some((item) => item.unknown && !item.optional);
  if (!counted.length) return { since: null, orEarlier: false, atLeast, items, decisive: [], lost };
  if (lost.length) return { since: null, orEarlier: false, atLeast, items, decisive: lost, lost };
  const since = counted.map((item) => item.since).reduce(later);
  const decisive = counted.filter((item) => item.since === since);
  const orEarlier = decisive.every(
    (item) =>
      item.entry.orEarlier || (item.relation && (item.relation.orEarlier || item.relation.absent)),
  );
  return { since, orEarlier, atLeast, items, decisive, lost };
}

/** Return the releases that have all of some items of a need, where something was removed. */
function releasesWith(data, items) {
  return data.columns.filter((version) =>
    items.every((item) => {
      const now = item.relation
        ? data.hasRelation(item.relation, version).answer
        : data.has(item.entry, version);
      return !item.never && now;
    }),
  );
}

function later(one, two) {
  return compareReleases(one, two) >= 0 ? one : two;
}

/**
 * Read what somebody dropped: the JSON of `helperhist check --json`, or names.
 * Return {wanted, files, error}; `files` is what check itself found, by file.
 */
function readWanted(data, text) {
  const trimmed = text.trim();
  if (/^[[{]/.test(trimmed)) {
    let parsed = null;
    try {
      parsed = JSON.parse(trimmed);
    } catch (error) {
      return { wanted: [], files: [], error: `This is not JSON: ${error.message}` };
    }
    const files = (Array.isArray(parsed) ? parsed : [parsed]).filter(
      (file) => file && Array.isArray(file.requirements),
    );
    if (!files.length) {
      return {
        wanted: [],
        files: [],
        error: "This JSON has no requirements; make it with helperhist check --json",
      };
    }
    return { wanted: files.flatMap((file) => checked(data, file)), files, error: null };
  }
  const seen = new Set();
  const wanted = [];
  for (const word of trimmed.split(/[\s,;()"'`]+/)) {
    if (!word || seen.has(word) || seen.size > 5000) continue;
    seen.add(word);
    const [name, type] = word.split("@");
    wanted.push({ text: name, program: type ? data.program(type) : null });
  }
  return { wanted, files: [], error: null };
}

function checked(data, file) {
  const types = new Map(
    (Array.isArray(file.programs) ? file.programs : [])
      .filter(Boolean)
      .map((program) => [program.name, data.program(String(program.type || ""))]),
  );
  const seen = new Map();
  for (const item of file.requirements) {
    if (!item || typeof item.name !== "string" || !data.byName.has(item.name)) continue;
    const program = types.get(item.program) || null;
    const key = JSON.stringify([item.name, program]);
    const known = seen.get(key);
    if (known) known.optional = known.optional && Boolean(item.optional);
    else seen.set(key, { text: item.name, program, optional: Boolean(item.optional) });
  }
  return [...seen.values()];
}
