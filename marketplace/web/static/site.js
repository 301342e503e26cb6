"use strict";
// Small conveniences; every page works without them.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) {
    navigator.clipboard.writeText(button.dataset.copy).then(() => {
      const said = button.textContent;
      button.textContent = button.dataset.copied;
      setTimeout(() => { button.textContent = said; }, 2000);
    });
  }
  if (event.target.closest("[data-print]")) {
    window.print();
  }
  for (const open of document.querySelectorAll(".top details[open]")) {
    if (!open.contains(event.target)) { open.removeAttribute("open"); }
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    for (const open of document.querySelectorAll(".top details[open]")) {
      open.removeAttribute("open");
      open.querySelector("summary").focus();
    }
  }
});
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-auto]");
  if (form && event.target.matches("select")) { form.requestSubmit(); }
});
// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  if (event.target.method !== "post") { return; }
  if (event.target.dataset.sent) { event.preventDefault(); return; }
  event.target.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) { delete form.dataset.sent; }
});
// On a phone a row of tabs scrolls: what is open must not lie outside of it.
for (const tab of document.querySelectorAll("nav [aria-current='page']")) {
  const row = tab.closest("ul, nav");
  const [inner, outer] = [tab.getBoundingClientRect(), row.getBoundingClientRect()];
  if (inner.right > outer.right) { row.scrollLeft += inner.right - outer.right + outer.width / 4; }
}
const summary = document.querySelector(".problem-summary");
if (summary) { summary.focus(); }
