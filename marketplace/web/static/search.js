"use strict";
// Completing a search while it is typed: a combobox with a listbox (ARIA 1.2). Without this the field just works.
for (const field of document.querySelectorAll("input[data-suggest]")) {
  const list = document.createElement("ul");
  list.id = "suggestions";
  list.className = "suggestions";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", field.dataset.label);
  const said = document.createElement("div");
  said.className = "visually-hidden";
  said.setAttribute("role", "status");
  field.after(list, said);
  field.setAttribute("role", "combobox");
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-expanded", "false");
  field.setAttribute("aria-controls", list.id);
  const english = document.documentElement.lang === "en";
  let chosen = -1;
  let timer = 0;
  let asked = 0;

  const close = () => {
    list.hidden = true;
    chosen = -1;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  };
  const mark = (place) => {
    const options = [...list.children];
    chosen = (place + options.length) % options.length;
    options.forEach((option, each) => { option.setAttribute("aria-selected", String(each === chosen)); });
    field.setAttribute("aria-activedescendant", options[chosen].id);
    options[chosen].scrollIntoView({ block: "nearest" });
  };
  const take = (option) => {
    field.value = option.dataset.text;
    close();
    field.form.requestSubmit();
  };
  const part = (className, text, chinese) => {
    const span = document.createElement("span");
    span.className = className;
    span.textContent = text;
    if (chinese && english) { span.lang = "zh-CN"; }
    return span;
  };
  const show = (items) => {
    list.replaceChildren(...items.map((item, place) => {
      const option = document.createElement("li");
      option.id = `suggestion-${place}`;
      option.dataset.text = item.text;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      const title = (english && item.title_en) || item.title_zh || "";
      option.append(
        part("what", `${item.text} ${title}`.trim(), /[\u4e00-\u9fff]/.test(item.text)),
        part("kind", `${field.dataset[item.kind]} · ${item.offers}`),
      );
      return option;
    }));
    said.textContent = items.length ? field.dataset.said.replace("{n}", items.length) : "";
    if (!items.length) { close(); return; }
    chosen = -1;
    list.hidden = false;
    field.setAttribute("aria-expanded", "true");
    field.removeAttribute("aria-activedescendant");
  };
  const ask = async () => {
    const typed = field.value.trim();
    const mine = ++asked;
    if (!typed) { close(); return; }
    try {
      const answer = await fetch(`${field.dataset.suggest}?${new URLSearchParams({ q: typed })}`);
      const items = answer.ok ? (await answer.json()).items : [];
      if (mine === asked && document.activeElement === field) { show(items); }
    } catch {
      close(); // away: the field still searches
    }
  };
  // While a word is being composed (pinyin input), nothing is asked; its end is an input as well.
  field.addEventListener("input", (event) => {
    if (event.isComposing) { return; }
    clearTimeout(timer);
    timer = setTimeout(ask, 150);
  });
  field.addEventListener("compositionend", () => { clearTimeout(timer); timer = setTimeout(ask, 150); });
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) { return; }
    if (event.key === "Escape" && !list.hidden) { event.preventDefault(); close(); }
    if (event.key === "ArrowDown" && list.hidden && field.value) { event.preventDefault(); ask(); return; }
    if (list.hidden) { return; }
    if (event.key === "ArrowDown") { event.preventDefault(); mark(chosen + 1); }
    if (event.key === "ArrowUp") { event.preventDefault(); mark(chosen < 0 ? -1 : chosen - 1); }
    if (event.key === "Enter" && chosen >= 0) { event.preventDefault(); take(list.children[chosen]); }
  });
  field.form.addEventListener("submit", () => { asked += 1; clearTimeout(timer); close(); });
  field.addEventListener("blur", close);
  list.addEventListener("mousedown", (event) => { event.preventDefault(); });
  list.addEventListener("click", (event) => {
    const option = event.target.closest("li");
    if (option) { take(option); }
  });
}
