// Whether a release has a name or a relation: the rules of helperhist's Release.has and
// Relations.has. Answers are true, false, or null where nobody can tell.

Object.assign(Data.prototype, {
  /** Return whether a tag has any of some names. */
  tagHas(names, tag) {
    return names.some((name) => {
      const entry = this.byName.get(name);
      return Boolean(entry && entry.runs && this.runAt(entry, tag));
    });
  },

  /** Return the run of an entry at a tag: [series, first tag, last tag, number], if there is one. */
  runAt(entry, tag) {
    const on = (series, place) =>
      entry.runs.find(
        ([line, first, last]) => line === series && first <= place && (last < 0 || place <= last),
      );
    const { isStable, series } = tag.version;
    if (!isStable) return on("", tag.place);
    if (entry.runs.some(([line]) => line === series)) return on(series, tag.place);
    const base = this.tags.find(
      (other) => !other.version.isStable && other.version.text === series,
    );
    return base && on("", base.place);
  },

  /** Return the tag of a version, or those around it, as Release finds them. */
  around(version) {
    const cached = this.aroundCache || (this.aroundCache = new Map());
    if (!cached.has(version.text)) cached.set(version.text, this.findAround(version));
    return cached.get(version.text);
  },

  findAround(version) {
    const same = this.tags.filter((tag) => compareVersions(tag.version, version) === 0);
    if (same.length) return { tag: same[same.length - 1] };
    const mainline = this.tags.filter((tag) => !tag.version.isStable);
    const build = version.build && !this.tags.some((tag) => tag.version.build);
    if (!version.isStable && !build) return neighbours(mainline, version);
    const start = parseVersion(version.series);
    const line = this.tags.filter(
      (tag) => tag.version.series === version.series && compareVersions(tag.version, start) >= 0,
    );
    let { before, after } = neighbours(line, version);
    let leaves = false;
    if (!before) {
      const base = neighbours(mainline, start);
      before = base.before;
      if (!after) {
        after = base.after;
        leaves = true;
      }
    }
    return { before, after: build ? null : after, leaves };
  },

  /** Return the names under which an entry was or is known. */
  spellings(entry) {
    if (entry.id === null || entry.kind === "flag") return [entry.name];
    this.renamed = this.renamed || this.entries.filter((other) => other.formerNames.length);
    const later = this.renamed.filter(
      (other) => other.kind === entry.kind && other.formerNames.includes(entry.name),
    );
    return [entry.name, ...entry.formerNames, ...later.map((other) => other.name)];
  },

  /** Return whether a release has an entry. */
  has(entry, version) {
    if (entry.untold) return null;
    if (entry.relation) return this.hasRelation(entry.relation, version).answer;
    if (entry.kind === "kfunc") return this.hasPair("kfunc", entry.name, "", version).answer;
    const names = entry.spelled || (entry.spelled = this.spellings(entry));
    const { tag, before, after, leaves } = this.around(version);
    if (tag) return this.tagHas(names, tag);
    const old = before ? this.tagHas(names, before) : null;
    const next = after ? this.tagHas(names, after) : null;
    if (leaves && !old) return null;
    if (old !== null && next !== null) return old === next ? old : null;
    if (old === null && next !== null) return next && entry.orEarlier ? null : false;
    return null;
  },

  /** Return whether a release has a relation: {answer, place of its value there}. */
  hasRelation(relation, wanted) {
    if (wanted.isStable || wanted.build) return { answer: null };
    const column = this.columnAt.get(wanted.text);
    if (column === undefined) return this.hasCandidate(relation, wanted);
    if (this.readPlaces(relation.kind).has(column)) return this.atRead(relation, column);
    for (let i = 0; i < relation.gaps.length; i += 3) {
      const [place, answer, value] = relation.gaps.slice(i, i + 3);
      if (place === column) {
        return { answer: [false, true, null][answer], place: value < 0 ? undefined : value };
      }
    }
    return { answer: null };
  },

  /** Return what is known of a release that is no column, as a candidate: where those around agree. */
  hasCandidate(relation, wanted) {
    const read = this.readOf(relation.kind);
    const [older, newer] = placesAround(read, wanted);
    if (older === null || newer === null) return { answer: null };
    const [one, two] = [older, newer].map((at) =>
      this.atRead(relation, this.columnAt.get(read[at].text)),
    );
    if (one.place === two.place) return one;
    const lacks =
      relation.absent !== null && compareVersions(wanted, parseVersion(relation.absent)) <= 0;
    const came = one.answer === false && relation.since === read[newer].text;
    return { answer: came && lacks ? false : null };
  },

  /** Return what a release that was read has. */
  atRead(relation, column) {
    const run = relation.runs.find(({ start, end }) => start <= column && column < end);
    return run ? this.valued(relation.kind, run.place) : { answer: false };
  },

  /** Return the answer for a value: a condition of which nothing was read is no yes. */
  valued(kind, place) {
    const alternatives = this.relations.values[place].split(" or ");
    const unread = kind !== "kfunc" && alternatives.every((one) => one.includes("?"));
    return { answer: unread ? null : true, place };
  },

  /** Return the columns that were read for a kind. */
  readPlaces(kind) {
    const read = this.readOf(kind);
    read.columns = read.columns || new Set(read.map((version) => this.columnAt.get(version.text)));
    return read.columns;
  },

  /** Return whether the data can tell of a pair: it knows the name and the other one. */
  knowsPair(kind, name, object) {
    const groups = this.groups.get(kind);
    return Boolean(groups && groups.has(name) && this.objects.get(kind).has(object));
  },

  /** Return whether a release has a pair; false for one that no release read ever had. */
  hasPair(kind, name, object, version) {
    const relation = this.pair(kind, name, object);
    if (relation) return this.hasRelation(relation, version);
    const read = this.readOf(kind);
    if (!this.knowsPair(kind, name, object) || version.isStable || version.build || !read.length)
      return { answer: null };
    const [older, newer] = placesAround(read, version);
    return { answer: older === null || newer === null ? null : false };
  },
});

function neighbours(tags, version) {
  let before = null;
  for (const tag of tags) {
    if (compareVersions(tag.version, version) < 0) before = tag;
    else if (compareVersions(tag.version, version) > 0) return { before, after: tag };
  }
  return { before, after: null };
}

/** Return the last place at or before a version, and the first at or after it, or null. */
function placesAround(read, version) {
  const known = read.places || (read.places = new Map());
  if (!known.has(version.text)) known.set(version.text, findPlaces(read, version));
  return known.get(version.text);
}

function findPlaces(read, version) {
  let older = null;
  for (let i = 0; i < read.length; i += 1) {
    const order = compareVersions(read[i], version);
    if (order <= 0) older = i;
    if (order >= 0) return [older, i];
  }
  return [older, null];
}
