"use strict";
// Ticking all of a page, and how many are ticked. Without JavaScript each is ticked by itself.
const bulk = document.getElementById("bulk");
if (bulk) {
  const boxes = Array.from(bulk.querySelectorAll("input[name=id]"));
  const all = bulk.querySelector("[data-all]");
  const told = bulk.querySelector("[data-ticked]");
  const tell = () => {
    const ticked = boxes.filter((box) => box.checked).length;
    told.textContent = ticked ? `(${ticked})` : "";
    all.checked = ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
  };
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of boxes) { box.checked = all.checked; }
    tell();
  });
  bulk.addEventListener("change", (event) => { if (event.target.name === "id") { tell(); } });
  tell();
}
