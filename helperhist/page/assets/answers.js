// What entries and relations say, as JSON and in words.

Object.assign(Data.prototype, {
  /** Return what `helperhist since --json` prints of an entry. */
  json(entry) {
    const row = {
      name: entry.name,
      kind: entry.kind,
      id: entry.id,
      since: entry.since,
      tag: entry.tag,
      first_tag: entry.firstTag,
      released: entry.released,
      commit: entry.commit,
      author_date: entry.authorDate,
      commit_date: entry.commitDate,
      subject: entry.subject,
      removed: entry.removed,
      or_earlier: entry.orEarlier,
      former_names: entry.formerNames,
      backports: entry.backports,
      prototype: entry.prototype,
      attributes: entry.attributes,
    };
    return entry.relation ? { ...row, ...this.more(entry.relation) } : row;
  },

  /** Return what `helperhist since NAME --prog TYPE --json` prints of a relation. */
  relationJson(relation) {
    return {
      name: relation.name,
      kind: relation.kind,
      id: null,
      since: relation.since,
      tag: `v${relation.since}`,
      first_tag: null,
      released: this.dates.get(relation.since) || null,
      commit: relation.commit,
      author_date: relation.authorDate,
      commit_date: relation.commitDate,
      subject: relation.subject,
      removed: relation.removed === null ? null : `v${relation.removed}`,
      or_earlier: relation.orEarlier,
      former_names: [],
      backports: relation.backports,
      prototype: null,
      attributes: [],
      object: relation.object,
      ...this.more(relation),
    };
  },

  more(relation) {
    return { value: relation.value, absent: relation.absent, intervals: presences(relation) };
  },
});

/** Return the intervals of a relation whatever its value. */
function presences(relation) {
  const found = [];
  for (const run of relation.runs) {
    const last = found[found.length - 1];
    if (last && last.to === run.from) last.to = run.to;
    else found.push({ from: run.from, to: run.to });
  }
  return found;
}

function shortName(name) {
  return name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
}

/** Say since which release: exactly, or between which two. */
function sinceWords(item) {
  if (item.since === null) return item.orEarlier ? "unknown" : "in no mainline release";
  if (item.orEarlier) return `${item.since} or earlier`;
  if (item.absent) return `between ${item.absent} and ${item.since}`;
  return item.since;
}

function removedWords(item) {
  if (item.removed === null) return "";
  const release = item.removed.replace(/^v/, "");
  return item.seen ? `between ${item.seen} and ${release}` : `in ${release}`;
}
