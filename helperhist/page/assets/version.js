// Kernel versions: parsed and ordered as helperhist.version does.

const VERSION = new RegExp(
  "^v?([0-9]{1,9})\\.([0-9]{1,9})(?:\\.([0-9]{1,9}))?(?:-rc([0-9]{1,9}))?" +
    "([-.+_~][0-9A-Za-z.+_~-]{1,100})?$",
);

/** Return a version, or null for a text that is none. */
function parseVersion(text) {
  const found = VERSION.exec(text.trim());
  if (!found) return null;
  const [major, minor, patch] = [found[1], found[2], found[3] || 0].map(Number);
  const rc = found[4] === undefined ? null : Number(found[4]);
  const build = found[5] || "";
  const series = `${major}.${minor}`;
  let shown = series + (patch ? `.${patch}` : "") + (rc === null ? "" : `-rc${rc}`);
  if (build) shown = found[0].replace(/^v/, "");
  return {
    text: shown,
    series,
    rc,
    build,
    isStable: patch > 0 && !build,
    key: [major, minor, patch, rc === null ? Infinity : rc],
    parts: build ? naturalKey(build) : [],
  };
}

/** Return a key under which runs of digits compare as numbers. */
function naturalKey(text) {
  return text
    .split(/([0-9]+)/)
    .map((part, index) => (index % 2 ? [1, BigInt(part.slice(0, 18)), part] : [0, 0n, part]));
}

function compareVersions(one, two) {
  for (let i = 0; i < 4; i += 1) {
    if (one.key[i] !== two.key[i]) return one.key[i] < two.key[i] ? -1 : 1;
  }
  for (let i = 0; i < Math.min(one.parts.length, two.parts.length); i += 1) {
    for (let j = 0; j < 3; j += 1) {
      const [a, b] = [one.parts[i][j], two.parts[i][j]];
      if (a !== b) return a < b ? -1 : 1;
    }
  }
  return one.parts.length - two.parts.length;
}

/** Compare releases given as text; those that are no version come first. */
function compareReleases(one, two) {
  const [a, b] = [parseVersion(one || ""), parseVersion(two || "")];
  if (!a || !b) return (a ? 1 : 0) - (b ? 1 : 0);
  return compareVersions(a, b);
}
