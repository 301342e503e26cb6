"use strict";
// Ticks of the results are kept in the address; without this a button keeps them.
(() => {
  const MOST = 4;
  const boxes = () => [...document.querySelectorAll("input[type=checkbox][name=compare]")];
  const kept = () => [...new Set(new URL(location.href).searchParams.getAll("compare"))];
  const written = (address, ids) => {
    const url = new URL(address, location.href);
    url.searchParams.delete("compare");
    for (const id of ids) { url.searchParams.append("compare", id); }
    return url;
  };
  const hidden = (id, form) => {
    const input = document.createElement("input");
    Object.assign(input, {type: "hidden", name: "compare", value: id});
    if (form) { input.setAttribute("form", form); }
    return input;
  };
  const show = (ids) => {
    const tray = document.querySelector("[data-tray]");
    if (!tray) { return; }
    const here = boxes();
    for (const box of here) { box.checked = ids.includes(box.value); }
    const elsewhere = ids.filter((id) => !here.some((box) => box.value === id));
    tray.querySelector("[data-elsewhere]").replaceChildren(...elsewhere.map((id) => hidden(id, "compare")));
    tray.querySelector("[data-kept]").replaceChildren(...ids.map((id) => hidden(id)));
    tray.querySelector("[data-said]").textContent =
      ids.length ? tray.dataset.chosen.replace("{n}", ids.length) : tray.dataset.none;
    for (const link of document.querySelectorAll("#results a[href]")) {
      if (link.pathname === location.pathname && !link.hasAttribute("data-clear")) { link.href = written(link.href, ids); }
    }
  };
  document.addEventListener("change", (event) => {
    const box = event.target;
    if (!box.matches("input[type=checkbox][name=compare]")) { return; }
    event.stopPropagation(); // else the search would be sent anew
    const ids = kept().filter((id) => id !== box.value);
    if (box.checked && ids.length >= MOST) {
      box.checked = false;
      const tray = document.querySelector("[data-tray]");
      tray.querySelector("[data-said]").textContent = tray.dataset.full;
      return;
    }
    if (box.checked) { ids.push(box.value); }
    history.replaceState(history.state, "", written(location.href, ids));
    show(ids);
  }, true);
  const again = () => show(kept());
  window.addEventListener("pageshow", again);
  window.addEventListener("popstate", () => setTimeout(again));
})();
