// Who says what of an entry or a pair: the rules of helperhist's evidence_of and is_followed.

const HEADER = "bpf.h";
const ABSENT = "absent";
const SOMEHOW = "present";
const PRESENT = "present:";
const LIVE = "live";

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
    const { kind, name } = relation || item;
    const other = relation ? relation.object : "";
    const stated = this.stated(kind, name, other);
    const read = changes
      .flatMap(([says, value, where]) =>
        (origins.get(says) || this.raw.source)
          .split("; ")
          .map((by) => ({ says, value, by, where })),
      )
      // What a copy has that the row does not follow is stated.
      .filter((one) => !stated.some(({ says, by }) => says === one.says && by === one.by));
    return [...read, ...this.kernelsSay(relation), ...stated].map((said) =>
      this.statement(said, relation, item),
    );
  },

  /** Return the statements about an entry or a pair. */
  stated(kind, name, object) {
    const { texts, statements } = this.raw.evidence;
    if (!this.statements) {
      this.statements = new Map();
      for (const places of statements) {
        const [of, one, other, says, value, by, where] = places.map((place) => texts[place]);
        const key = JSON.stringify([of, one, other]);
        this.statements.set(key, [...(this.statements.get(key) || []), { says, value, by, where }]);
      }
    }
    return this.statements.get(JSON.stringify([kind, name, object])) || [];
  },

  /** Return what booted kernels say of a relation. */
  kernelsSay(relation) {
    const { kernels } = relation || { kernels: [] };
    const asked = new Map(
      (this.relations.readings[LIVE] || []).map(([text, place]) => [
        text,
        this.relations.origins[place],
      ]),
    );
    const found = [];
    for (let i = 0; i < kernels.length; i += 2) {
      const { text } = this.columns[kernels[i]];
      const value = kernels[i + 1] ? SOMEHOW : ABSENT;
      found.push({ says: `v${text}`, value, by: asked.get(text), where: LIVE });
    }
    return found;
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
    if (value === SOMEHOW) return has !== null;
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
