"use strict";
for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", () => {
    const command = button.previousElementSibling;
    const done = () => { button.textContent = "Copied"; setTimeout(() => { button.textContent = "Copy"; }, 2000); };
    const select = () => { getSelection().selectAllChildren(command); };
    if (navigator.clipboard) { navigator.clipboard.writeText(command.textContent).then(done, select); } else { select(); }
  });
}
const filter = document.getElementById("filter");
filter.addEventListener("input", () => {
  const word = filter.value.trim().toLowerCase();
  const entries = document.querySelectorAll(".requirement");
  const named = [...entries].some((entry) => entry.id.toLowerCase() === word);
  let shown = 0;
  for (const entry of entries) {
    // a whole id shows that requirement alone, not those that mention it
    const text = named ? entry.id : entry.textContent;
    entry.hidden = word !== "" && !text.toLowerCase().includes(word);
    shown += entry.hidden ? 0 : 1;
  }
  document.getElementById("filtered").textContent = word === "" ? "" : shown + " shown";
});
addEventListener("hashchange", () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.hidden) { filter.value = ""; filter.dispatchEvent(new Event("input")); target.scrollIntoView(); }
});
