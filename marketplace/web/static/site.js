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
const summary = document.querySelector(".problem-summary");
if (summary) { summary.focus(); }
