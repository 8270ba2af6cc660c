// Search as one types: names with and without their prefixes, numbers, old names, several words,
// program types ("in xdp"), releases, and words that are not spelled right.

const KIND_WORDS = {
  helper: "helper",
  kfunc: "kfunc",
  map_type: "map type",
  prog_type: "program type",
  attach_type: "attach type",
  link_type: "link type",
  cmd: "command",
  flag: "flag",
  field: "field",
  sentinel: "marker of a list",
};
/** The order of kinds where names match equally well. */
const KIND_ORDER = [
  "helper",
  "kfunc",
  "prog_type",
  "map_type",
  "attach_type",
  "link_type",
  "cmd",
  "flag",
  "field",
];
/** Words that stand before a program type or a release, and after a type: no part of a name. */
const BEFORE = new Set(["in", "at", "from", "for", "on", "since", "by", "linux", "kernel"]);
const AFTER = new Set(["program", "programs", "prog", "progs"]);
/** The most letters of a word that is compared letter by letter. */
const LONGEST = 40;
/** Rows of distances, used again and again. */
const ROWS = [0, 1, 2].map(() => new Uint8Array(LONGEST + 5));

function kindWords(kind) {
  return KIND_WORDS[kind] || `enum ${kind}`;
}

class Search {
  constructor(data, entries) {
    this.data = data;
    this.items = entries.map((entry) => {
      const name = entry.name.toLowerCase();
      const plain = stripped(name);
      const olds = entry.formerNames.map((old) => old.toLowerCase());
      return {
        entry,
        name,
        plain,
        olds,
        parts: plain.split(/[_.]+/),
        letters: lettersOf(name),
        text: [name, ...olds, kindWords(entry.kind)].join(" "),
        order:
          KIND_ORDER.indexOf(entry.kind) < 0 ? KIND_ORDER.length : KIND_ORDER.indexOf(entry.kind),
      };
    });
  }

  /**
   * Return what a text asks for: the program type and release that it names, and entries, best
   * first. `near` says that no name has the words, and that those of similar spelling are given.
   */
  run(text) {
    const query = this.parse(text);
    if (!query.words.length) return { ...query, entries: [], near: false };
    if (query.words.length === 1 && /^#?[0-9]{1,9}$/.test(query.words[0])) {
      const number = Number(query.words[0].replace("#", ""));
      const first = this.data.helper(number);
      const rest = this.items
        .map((item) => item.entry)
        .filter(
          (entry) =>
            entry !== first &&
            entry.id === number &&
            entry.kind in KIND_WORDS &&
            entry.kind !== "flag",
        );
      return { ...query, entries: first ? [first, ...rest] : rest, near: false };
    }
    let found = this.match(query.words);
    const near = !found.length;
    if (near) found = this.fuzzy(query.words);
    found.sort(
      (a, b) =>
        a.score - b.score ||
        a.item.order - b.item.order ||
        a.item.plain.length - b.item.plain.length ||
        a.item.entry.place - b.item.entry.place,
    );
    return { ...query, entries: found.map(({ item }) => item.entry), near };
  }

  /** Tell names from program types and releases. */
  parse(text) {
    let words = text
      .toLowerCase()
      .split(/[\s,;()]+/)
      .filter(Boolean);
    let program = null;
    let release = null;
    const at = words.map((word) => /^(.+)@(.+)$/.exec(word)).find(Boolean);
    if (at && this.data.program(at[2])) {
      program = this.data.program(at[2]);
      words = words.map((word) => (word === at[0] ? at[1] : word));
    }
    if (words.length > 1) {
      const rest = [];
      const version = (word) => (/^v?[0-9]+\.[0-9]/.test(word || "") ? parseVersion(word) : null);
      const type = (word) => (word && !program ? this.data.program(word) : null);
      for (let i = 0; i < words.length; i += 1) {
        const [word, next] = [words[i], words[i + 1]];
        if (BEFORE.has(word) && (version(next) || type(next) || BEFORE.has(next))) continue;
        // The first word is a name: "tracing" alone, "lsm get".
        if (!release && version(word)) release = version(word);
        else if (i && type(word)) {
          program = type(word);
          if (AFTER.has(next)) i += 1;
        } else rest.push(word);
      }
      // "tc clone_redirect" says it the other way round.
      if (rest.length > 1 && type(rest[0])) program = type(rest.shift());
      if (rest.length) words = rest;
    }
    words = words.map((word) => word.replace(/^bpf_func_/, "bpf_"));
    return { words, program, release };
  }

  match(words) {
    const found = [];
    for (const item of this.items) {
      let score = 0;
      for (const word of words) {
        const one = scoreOf(item, word);
        if (one === null) {
          score = null;
          break;
        }
        score += one;
      }
      if (score !== null) found.push({ item, score });
    }
    return found;
  }

  /** Return the items whose names, or parts of them, are spelled most like the words. */
  fuzzy(words) {
    const found = [];
    for (const item of this.items) {
      let score = 0;
      for (const word of words) {
        const one = scoreOf(item, word);
        const near = one === null ? distanceOf(item, word) : one / 10;
        if (near === null) {
          score = null;
          break;
        }
        score += near;
      }
      if (score !== null) found.push({ item, score });
    }
    return found;
  }
}

function stripped(name) {
  return name.replace(/^bpf_(?=.)/, "");
}

/** Say how well a word fits a name: 0 is best, null is not at all. */
function scoreOf(item, word) {
  if (item.name === word || item.plain === word) return 0;
  if (item.olds.some((old) => old === word || stripped(old) === word)) return 1;
  if (item.plain.startsWith(word) || item.name.startsWith(word)) return 2;
  const at = item.name.indexOf(word);
  if (at > 0) return /[_.]/.test(item.name[at - 1]) ? 3 : 5;
  if (item.text.includes(word)) return 6;
  const squeezed = word.replace(/[_.-]/g, "");
  if (squeezed.length > 3 && item.name.replace(/[_.]/g, "").includes(squeezed)) return 7;
  return null;
}

/** Say how far a misspelled word is from a name, or from a part of it; null is too far. */
function distanceOf(item, word) {
  if (word.length < 3 || word.length > LONGEST) return null;
  const plain = stripped(word);
  const most = plain.length < 5 ? 1 : plain.length < 9 ? 2 : 3;
  const parts = plain.split(/[_.]+/).filter(Boolean);
  // A letter that the name has not is a change: most names need not be looked at.
  if (parts.length < 3 && bits(lettersOf(plain) & ~item.letters) > most) return null;
  let best = null;
  const letters = lettersOf(plain);
  const offer = (one, two, limit, more) => {
    if (bits(letters & ~lettersOf(two)) > limit) return;
    const found = distance(one, two, limit);
    if (found <= limit && (best === null || found + more < best)) best = found + more;
  };
  offer(word, item.name, most, 0);
  offer(plain, item.plain, most, 0);
  if (item.plain.length > plain.length) offer(plain, item.plain.slice(0, plain.length), most, 0.5);
  // "ringbfu" in ringbuf_output.
  for (const part of item.parts) if (part.length > 2) offer(plain, part, Math.min(most, 2), 0.7);
  // "sock_ops_load_hdr_opt" for load_hdr_opt: most of its parts, whatever their order.
  if (parts.length > 2) {
    const lacking = parts.filter((part) => !item.parts.includes(part)).length;
    if (lacking * 5 <= parts.length * 2) {
      const score = 4 + lacking + 0.8 * item.parts.filter((part) => !parts.includes(part)).length;
      if (best === null || score < best) best = score;
    }
  }
  return best === null ? null : best + 1;
}

/** Return the letters of a text as bits. */
function lettersOf(text) {
  let found = 0;
  for (let i = 0; i < text.length; i += 1) {
    const at = text.charCodeAt(i) - 97;
    if (at >= 0 && at < 26) found |= 1 << at;
  }
  return found;
}

function bits(number) {
  let count = 0;
  for (let rest = number; rest; rest &= rest - 1) count += 1;
  return count;
}

/** Count the letters to change, add, drop or swap, but no more than most + 1. */
function distance(one, two, most) {
  if (Math.abs(one.length - two.length) > most) return most + 1;
  let [before, last, row] = ROWS;
  for (let j = 0; j <= two.length; j += 1) last[j] = j;
  for (let i = 1; i <= one.length; i += 1) {
    row[0] = i;
    let least = i;
    for (let j = 1; j <= two.length; j += 1) {
      const same = one[i - 1] === two[j - 1] ? 0 : 1;
      let cost = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + same);
      if (i > 1 && j > 1 && one[i - 1] === two[j - 2] && one[i - 2] === two[j - 1]) {
        cost = Math.min(cost, before[j - 2] + 1);
      }
      row[j] = cost;
      if (cost < least) least = cost;
    }
    if (least > most) return most + 1;
    [before, last, row] = [last, row, before];
  }
  return last[two.length];
}
