// Elements. What other people wrote becomes text only: nothing here takes markup.

/** Return text whose invisible characters are escaped: they could hide what is really there. */
function printable(text) {
  return String(text).replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (char) => `\\u${char.codePointAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Return text for an address; half of a pair of surrogates has no place in one. */
function encoded(text) {
  return encodeURIComponent(text.replace(/[\ud800-\udfff]/gu, "\ufffd"));
}

/**
 * Make an element: el("a.name", {href: "#x"}, child, ...). Children are elements, texts, or
 * nothing; keys that begin with "on" are listeners.
 */
function el(selector, attributes, ...children) {
  const [tag, ...classes] = selector.split(".");
  const made = document.createElement(tag);
  if (classes.length) made.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : printable(value));
  }
  return put(made, children);
}

function put(parent, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false || child === "") continue;
    parent.append(typeof child === "object" ? child : printable(child));
  }
  return parent;
}

function code(name) {
  return el("code", null, name);
}

/** Return a link to a name that may be broken after an underscore; it is read as one word. */
function softLink(href, name) {
  const made = el("code", null);
  const parts = printable(name).match(/[^_]*_+|[^_]+$/g) || [];
  for (const part of parts) made.append(part, document.createElement("wbr"));
  return el("a", { href, "aria-label": name }, made);
}

function byId(id) {
  return document.getElementById(id);
}

let announcing = 0;

/** Have a screen reader say something, when one stops typing. */
function announce(text) {
  clearTimeout(announcing);
  announcing = setTimeout(() => {
    byId("live").textContent = text;
  }, 250);
}

async function copy(text, button) {
  const said = button.textContent;
  let done = false;
  try {
    await navigator.clipboard.writeText(text);
    done = true;
  } catch {
    const area = el("textarea", { "aria-hidden": "true", class: "offscreen" });
    area.value = text;
    document.body.append(area);
    area.select();
    done = document.execCommand("copy");
    area.remove();
    button.focus();
  }
  button.textContent = done ? "Copied" : "Cannot copy";
  announce(done ? "Copied" : "This browser does not let the page copy");
  setTimeout(() => {
    button.textContent = said;
  }, 1500);
}

/** Offer a text as a file; it never leaves the page. */
function download(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

/** Return CSV; a cell that a spreadsheet would run has a ' before it. */
function csvText(rows) {
  const cell = (value) => {
    let text = value === null || value === undefined ? "" : String(value);
    if (/^[=+\-@\t\r]/.test(text) && !/^-?[0-9.]+$/.test(text)) text = `'${text}`;
    return /[",\n\r]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
  };
  return rows.map((row) => row.map(cell).join(",")).join("\n") + "\n";
}
