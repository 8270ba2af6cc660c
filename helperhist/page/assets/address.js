// The state in the address, and the choice of colours.

/** Return what an address asks for: {view, ...}. */
function readHash(hash) {
  const text = hash.replace(/^#/, "");
  if (!text) return { view: "home" };
  const decode = (part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  };
  const key = /^(q|kind|release|kernels|need|about)(?:=|$)/.exec(text);
  if (!key) {
    const at = text.lastIndexOf("@");
    return {
      view: "entry",
      name: decode(at > 0 ? text.slice(0, at) : text),
      type: at > 0 ? decode(text.slice(at + 1)) : "",
    };
  }
  const state = { view: key[1] };
  for (const part of text.split("&")) {
    const [name, value = ""] = part.split(/=(.*)/s);
    if (["q", "kind", "release", "kernels", "types", "kinds", "filter", "need"].includes(name))
      state[name] = decode(value);
  }
  return state;
}

function watchTheme() {
  const button = byId("theme");
  const names = { auto: "Colours: as the system", dark: "Colours: dark", light: "Colours: light" };
  const apply = (theme) => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.setAttribute("aria-label", names[theme]);
    button.title = names[theme];
    button.textContent = { auto: "◑", dark: "●", light: "○" }[theme];
  };
  let theme = "auto";
  try {
    theme = names[localStorage.getItem("theme")] ? localStorage.getItem("theme") : "auto";
  } catch {
    /* none kept */
  }
  apply(theme);
  button.addEventListener("click", () => {
    theme = { auto: "dark", dark: "light", light: "auto" }[theme];
    apply(theme);
    try {
      localStorage.setItem("theme", theme);
    } catch {
      /* none kept */
    }
  });
}
