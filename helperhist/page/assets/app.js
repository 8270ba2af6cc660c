// The page: addresses to views, the search box, keys.

class App {
  constructor(all) {
    this.all = all;
    this.data = all[0];
    this.search = new Search(this.data, everyEntry(all));
    this.dropped = null;
    this.showAll = false;
    this.box = byId("q");
  }

  start() {
    this.box.addEventListener("input", () => this.typed());
    this.box.addEventListener("keydown", (event) => this.boxKey(event));
    document.addEventListener("keydown", (event) => this.key(event));
    byId("results").addEventListener("keydown", (event) => this.resultKey(event));
    window.addEventListener("popstate", () => this.render());
    window.addEventListener("hashchange", () => this.render());
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      const { files } = event.dataTransfer;
      if (files.length) readFile(this, files[0]);
      else if (event.dataTransfer.getData("text")) {
        this.dropped = event.dataTransfer.getData("text");
        this.go("#need", { force: true });
      }
    });
    document.querySelector(".skip").addEventListener("click", (event) => {
      event.preventDefault();
      byId("view").focus();
    });
    watchTips();
    watchTheme();
    this.render();
    if (!location.hash) this.box.focus();
  }

  /** Go to an address of the page. */
  go(hash, { replace = false, keep = false, force = false } = {}) {
    const focused = keep && document.activeElement ? document.activeElement.id : "";
    if (replace) history.replaceState(null, "", hash);
    else if (location.hash !== hash) history.pushState(null, "", hash);
    this.render(force);
    if (keep && focused && byId(focused)) byId(focused).focus();
  }

  /** Keep a state in the address, without a step for the back button. */
  remember(hash) {
    history.replaceState(null, "", hash);
    this.shown = location.hash;
  }

  typed() {
    const text = this.box.value;
    const searching = readHash(location.hash).view === "q";
    this.showAll = false;
    this.go(text ? `#q=${encoded(text)}` : "#", { replace: searching });
  }

  boxKey(event) {
    const links = byId("results").querySelectorAll("a");
    if (event.key === "ArrowDown" && links.length) {
      event.preventDefault();
      links[0].focus();
    } else if (event.key === "Enter" && links.length) {
      event.preventDefault();
      links[0].click();
    } else if (event.key === "Escape" && this.box.value) {
      event.preventDefault();
      this.box.value = "";
      this.typed();
    }
  }

  resultKey(event) {
    const links = [...byId("results").querySelectorAll("a, button")];
    const at = links.indexOf(document.activeElement);
    if (at < 0) return;
    if (event.key === "ArrowDown" && links[at + 1]) links[at + 1].focus();
    else if (event.key === "ArrowUp") (links[at - 1] || this.box).focus();
    else return;
    event.preventDefault();
  }

  key(event) {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      this.box.focus();
      this.box.select();
    }
  }

  render(force = false) {
    if (location.hash === this.shown && !force) return;
    const first = this.shown === undefined;
    this.shown = location.hash;
    const state = readHash(location.hash);
    showTip(null);
    if (state.view === "q") {
      if (this.box.value !== state.q) this.box.value = state.q;
      this.showResults(state.q);
    } else if (state.view !== "entry" || first) {
      this.box.value = "";
      this.showResults("");
    }
    document.body.dataset.view = state.view;
    const view = this.view(state);
    byId("view").replaceChildren(...(view ? [view] : []));
    const title = view && view.querySelector("h1");
    document.title =
      title && state.view !== "home" && state.view !== "q"
        ? `${title.textContent} – BPF by kernel`
        : "BPF by kernel";
    for (const link of document.querySelectorAll("nav a")) {
      const here = link.dataset.view.split(" ").includes(state.view);
      if (here) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    for (const link of byId("results").querySelectorAll("a")) {
      if (link.getAttribute("href") === location.hash) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    if (!first && title && !["q", "kernels", "need", "home"].includes(state.view)) {
      title.focus({ preventScroll: true });
      window.scrollTo(0, 0);
    }
  }

  view(state) {
    switch (state.view) {
      case "home":
        return homeView(this);
      case "q":
        return this.found && this.found.entries.length
          ? entryView(this, this.found.entries[0], this.found.program)
          : null;
      case "kind":
        return kindView(this, state.kind);
      case "release":
        return releaseView(this, state.release);
      case "kernels":
        return kernelsView(this, state);
      case "need":
        return needView(this, state);
      case "about":
        return aboutView(this);
      default:
        return this.entry(state);
    }
  }

  entry({ name, type }) {
    const entry =
      this.data.entry(name) ||
      this.all
        .slice(1)
        .map((data) => data.entry(name))
        .find(Boolean);
    if (!entry) {
      const near = this.search.run(name).entries.slice(0, 5);
      return el(
        "article",
        { "aria-labelledby": "none-title" },
        el("h1", { id: "none-title", tabindex: "-1" }, "Not in this data: ", code(name)),
        near.length
          ? el(
              "p",
              null,
              "Nearest: ",
              near.flatMap((one, i) => [i ? ", " : "", entryLink(this.data, one.name)]),
            )
          : null,
      );
    }
    const program = type ? this.data.program(type) : null;
    const view = entryView(this, entry, program);
    if (type && !program) view.prepend(el("p.error", null, `${type} is not a program type`));
    else if (program && !USES[entry.kind]) {
      view.prepend(el("p.hint", null, "Only helpers and kfuncs are called from program types."));
    }
    return view;
  }

  showResults(text) {
    const pane = byId("results");
    if (!text.trim()) {
      this.found = null;
      pane.replaceChildren();
      document.body.classList.remove("searching");
      return;
    }
    document.body.classList.add("searching");
    const found = this.search.run(text);
    this.found = found;
    const count = found.entries.length;
    const said = !count
      ? `Nothing is called ${text}`
      : found.near
        ? `No name has these words; ${count} of similar spelling`
        : `${count} ${count === 1 ? "name" : "names"}`;
    pane.replaceChildren(
      ...[
        el(
          "p.count",
          null,
          said,
          found.program ? `, ${shortName(found.program)} programs` : "",
          found.release ? `, ${found.release.text}` : "",
        ),
        resultList(found, this.showAll),
        !this.showAll && count > SHOWN
          ? el(
              "button.more",
              {
                type: "button",
                onclick: () => {
                  this.showAll = true;
                  this.showResults(text);
                },
              },
              `Show all ${count}`,
            )
          : "",
      ].filter(Boolean),
    );
    const best = found.entries[0];
    const program = best && found.program && USES[best.kind] ? found.program : null;
    announce(
      best
        ? `${said}. First: ${best.name}, ${resultAnswer(best, program, found.release).text}`
        : said,
    );
  }
}

const app = new App(JSON.parse(byId("data").textContent).map((raw) => new Data(raw)));
document.documentElement.classList.add("js");
app.start();
// For the console of the browser: what the page would answer.
globalThis.helperhist = {
  app,
  differences,
  need,
  usable,
  readKernel,
  readWanted,
  parseVersion,
  verdict,
};
