// The data of the page as entries and relations. Nothing here knows of the document.

const PREFIX = "BPF_PROG_TYPE_";
const USES = { helper: "helper_use", kfunc: "kfunc_use" };

class Data {
  constructor(raw) {
    this.raw = raw;
    this.label = raw.label;
    this.tags = raw.tags.map(([name, version, date, blob, path], place) => ({
      name,
      version: parseVersion(version),
      date,
      blob,
      path: raw.paths[path],
      place,
    }));
    /** Releases that have a tag, or of which a source was read, oldest first. */
    this.columns = raw.columns.map(parseVersion);
    this.columnAt = new Map(raw.columns.map((text, place) => [text, place]));
    this.tagByName = new Map(this.tags.map((tag) => [tag.name, tag]));
    /** Releases of mainline: no candidates, no updates. */
    this.releases = this.tags.filter((tag) => tag.version.rc === null && !tag.version.isStable);
    this.dates = new Map(this.releases.map((tag) => [tag.version.text, tag.date]));
    this.entries = [];
    this.byName = new Map();
    for (const [kind, rows] of Object.entries(raw.rows)) {
      for (const row of rows) this.add(this.rowEntry(kind, row));
    }
    this.relations = raw.relations;
    /** Whether it says who may call what. */
    this.tells = Object.keys(raw.relations.kinds).length > 0;
    this.indexRelations();
    this.kinds = new Set(this.entries.map((entry) => entry.kind));
    this.programs = this.entries.filter((entry) => entry.kind === "prog_type");
    this.programWords = new Map(Object.entries(raw.programs));
    const objects = Object.values(USES).flatMap((kind) => [...(this.objects.get(kind) || [])]);
    for (const name of [...objects, ...this.programs.map((one) => one.name)]) {
      this.programWords.set(shortName(name).toLowerCase(), name);
      this.programWords.set(name.toLowerCase(), name);
    }
    this.lts = raw.lts.filter((text) => this.columns.some((column) => column.text === text));
  }

  add(entry) {
    entry.place = this.entries.length;
    entry.data = this;
    this.entries.push(entry);
    if (!this.byName.has(entry.name)) this.byName.set(entry.name, entry);
  }

  rowEntry(kind, [name, id, since, more = {}]) {
    const tag = more.t === undefined ? (since === null ? null : `v${since}`) : more.t;
    const first = more.f === undefined ? tag : more.f;
    const place = this.tagByName.has(first) ? this.tagByName.get(first).place : -1;
    const of = this.tagByName.get(tag);
    return {
      kind,
      name,
      id,
      since,
      tag,
      firstTag: first,
      released: more.d === undefined ? (of ? of.date : null) : more.d,
      removed: more.r || null,
      orEarlier: Boolean(more.e),
      commit: more.c === undefined ? null : this.raw.commits[more.c],
      authorDate: more.a || null,
      commitDate: more.k || null,
      subject: more.s || null,
      formerNames: more.n || [],
      backports: (more.b || []).map(([series, from]) => ({ series, since: from })),
      prototype: more.p || null,
      attributes: more.x || [],
      runs: more.h || [["", place, -1, id]],
    };
  }

  /** Keep, by kind and name, the place of the group; make entries of the kfuncs. */
  indexRelations() {
    this.groups = new Map();
    this.objects = new Map();
    this.read = new Map();
    for (const [source, list] of Object.entries(this.relations.readings)) {
      this.read.set(
        source,
        list.map(([text]) => parseVersion(text)),
      );
    }
    for (const [kind, names] of Object.entries(this.relations.kinds)) {
      this.groups.set(kind, new Map(names));
      const objects = new Set();
      for (const group of new Set(names.map(([, place]) => place))) {
        const listed = this.relations.groups[group];
        for (let i = 0; i < listed.length; i += 2) objects.add(this.relations.objects[listed[i]]);
      }
      this.objects.set(kind, objects);
    }
    for (const name of (this.groups.get("kfunc") || new Map()).keys()) {
      const [relation] = this.find("kfunc", name);
      const protos = this.find("kfunc_proto", name);
      const tag = `v${relation.since}`;
      this.add({
        kind: "kfunc",
        name,
        id: null,
        since: relation.since,
        tag,
        firstTag: null,
        released: this.dates.get(relation.since) || null,
        removed: relation.removed === null ? null : `v${relation.removed}`,
        orEarlier: relation.orEarlier,
        absent: relation.absent,
        seen: relation.seen,
        ...this.brought("kfunc", name, ""),
        formerNames: [],
        attributes: [],
        runs: null,
        relation,
        prototype: protos.length ? protos[protos.length - 1].value : null,
      });
    }
  }

  /** Return the relations of a kind and name, in the order of the data. */
  find(kind, name) {
    const group = (this.groups.get(kind) || new Map()).get(name);
    if (group === undefined) return [];
    const listed = this.relations.groups[group];
    const found = [];
    for (let i = 0; i < listed.length; i += 2) {
      found.push(this.derive(kind, name, listed[i], listed[i + 1]));
    }
    return found;
  }

  pair(kind, name, object) {
    const group = (this.groups.get(kind) || new Map()).get(name);
    if (group === undefined) return null;
    const listed = this.relations.groups[group];
    for (let i = 0; i < listed.length; i += 2) {
      if (this.relations.objects[listed[i]] === object) {
        return this.derive(kind, name, listed[i], listed[i + 1]);
      }
    }
    return null;
  }

  /** Return the relations of a kind with an object, in the order of the data. */
  reverse(kind, object) {
    const found = [];
    for (const name of (this.groups.get(kind) || new Map()).keys()) {
      const relation = this.pair(kind, name, object);
      if (relation) found.push(relation);
    }
    return found;
  }

  derive(kind, name, object, history) {
    const [flat, gaps, absent, seen, orEarlier, kernels] = this.relations.histories[history];
    const runs = [];
    for (let i = 0; i < flat.length; i += 3) {
      const [start, end, place] = flat.slice(i, i + 3);
      runs.push({
        start,
        end: end < 0 ? Infinity : end,
        place,
        value: this.relations.values[place],
        from: this.columns[start].text,
        to: end < 0 ? null : this.columns[end].text,
      });
    }
    let first = runs.length - 1;
    while (first > 0 && runs[first - 1].end === runs[first].start) first -= 1;
    const last = runs[runs.length - 1];
    return {
      kind,
      name,
      object: this.relations.objects[object],
      value: last.value,
      place: last.place,
      since: runs[first].from,
      absent: absent || null,
      seen: seen || null,
      removed: last.to,
      orEarlier: Boolean(orEarlier),
      runs,
      ...this.brought(kind, name, this.relations.objects[object]),
      gaps: gaps || [],
      kernels: kernels || [],
    };
  }

  /** Return the commit that brought a relation, and the updates that have it. */
  brought(kind, name, object) {
    if (!this.commits) {
      this.commits = new Map();
      for (const [of, one, other, commit, authorDate, commitDate, subject, ports] of this.relations
        .brought) {
        const backports = ports.map(([series, since]) => ({ series, since }));
        this.commits.set(JSON.stringify([of, one, other]), {
          commit,
          authorDate,
          commitDate,
          subject,
          backports,
        });
      }
    }
    const found = this.commits.size && this.commits.get(JSON.stringify([kind, name, object]));
    return (
      found || { commit: null, authorDate: null, commitDate: null, subject: null, backports: [] }
    );
  }

  /** Count the pairs of a helper or kfunc and a program type. */
  countPairs() {
    let count = 0;
    for (const kind of Object.values(USES)) {
      for (const group of (this.groups.get(kind) || new Map()).values()) {
        count += this.relations.groups[group].length / 2;
      }
    }
    return count;
  }

  readOf(kind) {
    return this.read.get(this.relations.sources[kind]) || [];
  }

  /** Say a value of a relation in words; nothing for "always". */
  words(place) {
    const said = this.relations.words[place];
    return said === undefined ? this.relations.values[place] : said;
  }

  /** Say whether a condition depends on the program, and not only on who loads it into what. */
  depends(place) {
    const environment = (term) => /^(cap=|config=|lockdown)/.test(term);
    return !this.relations.values[place]
      .split(" or ")
      .some((alternative) => alternative.split(";").filter(Boolean).every(environment));
  }

  /** Return the entry that a name, a number (#181) or an older name means, or null. */
  entry(text) {
    let name = text.trim();
    const listed = /^BPF_FUNC_(\w+)$/.exec(name);
    if (listed) name = `bpf_${listed[1]}`;
    let found = this.byName.get(name);
    if (!found) {
      const helper = this.byName.get(`bpf_${name}`);
      if (helper && helper.kind !== "field") found = helper;
    }
    const number = /^#?([0-9]{1,9})$/.exec(name);
    if (!found && number) found = this.helper(Number(number[1]));
    return found || null;
  }

  helper(number) {
    let found = this.entries.filter((entry) => entry.kind === "helper" && entry.id === number);
    const released = found.filter((entry) => entry.since !== null);
    if (released.length) found = released;
    const now = found.filter((entry) => entry.removed === null);
    if (now.length) {
      return now.reduce((a, b) => (compareReleases(b.since, a.since) < 0 ? b : a));
    }
    return found[found.length - 1] || null;
  }

  /** Return an entry for a name that this data has not, so that one can ask for it. */
  missing({ name, kind }) {
    return {
      kind,
      name,
      id: null,
      since: null,
      removed: null,
      orEarlier: false,
      formerNames: [],
      backports: [],
      runs: [],
      relation: null,
      untold: !this.kinds.has(kind),
    };
  }

  /** Return the program type that a word means: xdp, BPF_PROG_TYPE_XDP, fentry. */
  program(word) {
    return this.programWords.get(word.trim().toLowerCase()) || null;
  }
}
