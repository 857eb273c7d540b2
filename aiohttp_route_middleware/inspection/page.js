
"use strict";
// Shows the routes that fit the text and the pressed buttons. Without this script the page shows all of them.
{
  const byId = (id) => document.getElementById(id);
  const [bar, text, chosen, clear, unfold] = ["bar", "text", "chosen", "clear", "unfold"].map(byId);
  const rows = Array.from(document.querySelectorAll("#routes tbody tr"), (row) => ({
    row,
    links: new Set(row.dataset.links.split(" ")),
    bare: row.querySelector(".none") !== null,
    text: Array.from(row.querySelectorAll("code"), (code) => code.textContent).join("\n").toLowerCase(),
  }));
  const filters = Array.from(document.querySelectorAll("button[data-says]"));
  const isPressed = (button) => button.getAttribute("aria-pressed") === "true";

  const fits = (route, filter) =>
    "link" in filter.dataset ? route.links.has(filter.dataset.link) === (filter.dataset.want === "with") : route.bare;

  const show = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const pressed = filters.filter(isPressed);
    let shown = 0;
    for (const route of rows) {
      const found = words.every((word) => route.text.includes(word)) && pressed.every((filter) => fits(route, filter));
      route.row.hidden = !found;
      shown += found;
    }
    byId("status").textContent = `${shown} of ${rows.length} ${rows.length === 1 ? "route" : "routes"}`;
    byId("nothing").hidden = shown > 0;
    clear.hidden = !words.length && !pressed.length;
    chosen.replaceChildren(...pressed.map(tell));
  };

  const press = (filter, down) => {
    for (const other of filters) {
      const same = other === filter || ("link" in filter.dataset && other.dataset.link === filter.dataset.link);
      if (same) other.setAttribute("aria-pressed", String(down && other === filter));
    }
  };

  const tell = (filter) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = filter.dataset.says;
    button.setAttribute("aria-label", `No longer only ${filter.dataset.says}`);
    button.addEventListener("click", () => {
      press(filter, false);
      show();
      text.focus();
    });
    item.append(button);
    return item;
  };

  for (const filter of filters) {
    filter.disabled = false;
    filter.addEventListener("click", () => {
      press(filter, !isPressed(filter));
      show();
    });
  }

  for (const button of document.querySelectorAll("button[aria-expanded]")) {
    const fold = (open) => {
      button.setAttribute("aria-expanded", String(open));
      for (const part of button.closest("tbody").querySelectorAll(".part")) part.hidden = !open;
    };
    button.disabled = false;
    button.addEventListener("click", () => fold(button.getAttribute("aria-expanded") === "false"));
    fold(false);
  }

  clear.addEventListener("click", () => {
    for (const filter of filters) press(filter, false);
    text.value = "";
    show();
    text.focus();
  });
  unfold.addEventListener("click", () => {
    unfold.setAttribute("aria-pressed", String(!isPressed(unfold)));
    for (const details of document.querySelectorAll("details")) details.open = isPressed(unfold);
  });
  text.addEventListener("input", show);

  bar.hidden = false;
  for (const hint of document.querySelectorAll(".needs-script")) hint.hidden = false;
  new ResizeObserver(() => {
    document.documentElement.style.setProperty("--bar", `${bar.offsetHeight}px`);
  }).observe(bar);
  show();
}
