"use strict";
// The page works without this: the filter, the range and the table of events are what it adds.
(() => {
  const runs = [...document.querySelectorAll("details.run")];
  const form = document.querySelector("form");
  const shown = document.getElementById("shown");

  function filter() {
    const wanted = new FormData(form);
    const text = wanted.get("text").toLowerCase();
    let count = 0;
    for (const run of runs) {
      const data = run.dataset;
      const isShown =
        (!wanted.get("init") || data.init === wanted.get("init")) &&
        (!wanted.get("verdict") || data.verdict === wanted.get("verdict")) &&
        (!wanted.get("cause") || data.cause === wanted.get("cause")) &&
        (!text || data.text.includes(text));
      run.hidden = !isShown;
      if (isShown) count++;
    }
    shown.textContent = `${count} of ${runs.length} runs`;
  }

  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  filter();

  // A table of which only what can be seen is made: it may be very long.
  const height = 20;
  function fill(run) {
    const source = run.querySelector("script.data");
    const box = run.querySelector(".events");
    if (!source || !box || box.dataset.filled) return;
    box.dataset.filled = "yes";
    const data = JSON.parse(source.textContent);
    let at = 0;
    const events = data.events.map(([step, text, isProof]) => ({ at: (at += step), text: data.texts[text], isProof }));
    const list = document.createElement("ol");
    box.append(list);
    const from = run.querySelector("input.from"), to = run.querySelector("input.to");
    const said = run.querySelector("output");
    let visible = events;

    function draw() {
      const first = Math.max(0, Math.floor(box.scrollTop / height) - 10);
      const last = Math.min(visible.length, first + Math.ceil(box.clientHeight / height) + 20);
      const rows = [];
      for (let index = first; index < last; index++) {
        const row = document.createElement("li");
        row.style.top = `${index * height}px`;
        row.textContent = visible[index].text;
        if (visible[index].isProof) row.className = "proof";
        rows.push(row);
      }
      list.replaceChildren(...rows);
    }

    function choose() {
      const low = Math.min(+from.value, +to.value), high = Math.max(+from.value, +to.value);
      const begin = Math.floor((events.length * low) / 1000), end = Math.ceil((events.length * high) / 1000);
      visible = events.slice(begin, end);
      list.style.height = `${visible.length * height}px`;
      said.textContent = `${visible.length} of ${events.length} events`;
      draw();
    }

    box.addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
    from.addEventListener("input", choose);
    to.addEventListener("input", choose);
    choose();
  }

  for (const run of runs) run.addEventListener("toggle", () => run.open && fill(run));
  function follow() {
    const run = document.getElementById(location.hash.slice(1));
    if (!run || run.tagName !== "DETAILS") return;
    run.hidden = false;
    run.open = true;
    fill(run);
    run.scrollIntoView();
  }
  addEventListener("hashchange", follow);
  follow();
})();
