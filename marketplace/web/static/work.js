"use strict";
// A counter beside long answers. The server counts again; without JavaScript nothing is missing.
for (const area of document.querySelectorAll("textarea[data-count]")) {
  const counter = document.createElement("div");
  counter.className = "counter";
  counter.setAttribute("aria-live", "polite");
  const limit = Number(area.dataset.count);
  const tell = () => {
    const length = Array.from(area.value.trim()).length;
    counter.textContent = area.dataset.countText.replace("{}", String(length));
    counter.classList.toggle("over", length > limit);
  };
  area.after(counter);
  area.addEventListener("input", tell);
  tell();
}
