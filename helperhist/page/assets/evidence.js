// Who says what of an entry or a pair: the rules of helperhist's evidence_of and is_followed.

const HEADER = "bpf.h";
const ABSENT = "absent";
const PRESENT = "present:";

Object.assign(Data.prototype, {
  /** Return the evidence of an entry, or of a pair, as `helperhist since --evidence --json` does. */
  evidenceOf(item) {
    const relation = item.runs && item.object !== undefined ? item : item.relation || null;
    const source = relation ? this.relations.sources[relation.kind] : HEADER;
    const origins = new Map(
      (this.relations.readings[source] || []).map(([, place, tag]) => [
        tag,
        this.relations.origins[place],
      ]),
    );
    const changes = relation ? this.relationChanges(relation) : this.nameChanges(item);
    const found = changes.flatMap(([says, value, where]) =>
      (origins.get(says) || this.raw.source).split("; ").map((by) => ({ says, value, by, where })),
    );
    const { kind, name } = relation || item;
    const other = relation ? relation.object : "";
    for (const [ofKind, ofName, object, says, value, by, where] of this.raw.evidence) {
      if (ofKind === kind && ofName === name && object === other) {
        found.push({ says, value, by, where });
      }
    }
    return found.map((said) => this.statement(said, relation, item));
  },

  statement({ says, value, by, where }, relation, item) {
    const witness = this.raw.witnesses.find(([name]) => name === by);
    return {
      says,
      value,
      by,
      revision: (witness && witness[1]) || null,
      trust: witness ? witness[2] : null,
      where: where || null,
      followed: this.follows(says, value, relation, item),
    };
  },

  /** Return whether an entry or a pair is as a statement says. */
  follows(says, value, relation, item) {
    const tag = this.tagByName.get(says);
    if (!tag) {
      const own = this.evidenceRow(relation, item)[says];
      return own !== undefined && own !== null && String(own) === value;
    }
    if (!relation) return this.saidAt(item, tag) === value;
    const { place } = this.hasRelation(relation, tag.version);
    const has = place === undefined ? null : this.relations.values[place];
    return value === ABSENT ? has === null : has === value.slice(PRESENT.length);
  },

  evidenceRow(relation, item) {
    if (relation) return { since: relation.since, removed: relation.removed };
    const { since, removed, commit, subject } = item;
    return { since, removed, commit, subject };
  },

  /** Say what a tag has of a name: that it lacks it, or its value. */
  saidAt(entry, tag) {
    const run = this.runAt(entry, tag);
    return run ? PRESENT + (run[3] === null ? "" : String(run[3])) : ABSENT;
  },

  /** Return [tag, what it has, where] of a name, where it came and went. */
  nameChanges(entry) {
    const mainline = this.tags.filter((tag) => !tag.version.isStable);
    const wanted = (tag) => tag && (tag.name === entry.firstTag || tag.name === entry.removed);
    const updates = this.tags.filter((tag) => tag.version.isStable && wanted(tag));
    return [...mainline.filter((tag, i) => wanted(tag) || wanted(mainline[i + 1])), ...updates].map(
      (tag) => [tag.name, this.saidAt(entry, tag), [tag.path, tag.blob].filter(Boolean).join(", ")],
    );
  },

  /** Return [tag, what it has, source] of a relation, at both sides of each change. */
  relationChanges(relation) {
    const read = this.readOf(relation.kind);
    const said = read.map((version) => {
      const { place } = this.hasRelation(relation, version);
      return place === undefined ? ABSENT : PRESENT + this.relations.values[place];
    });
    return read.flatMap((version, i) => {
      const changes =
        (i === 0 && said[0] !== ABSENT) ||
        (i > 0 && said[i] !== said[i - 1]) ||
        (i + 1 < said.length && said[i] !== said[i + 1]);
      const source = this.relations.sources[relation.kind];
      return changes ? [[`v${version.text}`, said[i], source]] : [];
    });
  },
});
