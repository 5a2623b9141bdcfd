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
    const events = data.map(([step, isProof, text]) => ({ x: (at += step), text, isProof }));
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

    // The range is a stretch of the drawing.
    const drawing = run.querySelector("svg.timeline");
    const [left, right] = drawing.dataset.range.split(" ").map(Number);
    const shade = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    shade.setAttribute("class", "selection");
    shade.setAttribute("y", "0");
    shade.setAttribute("height", "100%");

    function choose() {
      const low = Math.min(+from.value, +to.value), high = Math.max(+from.value, +to.value);
      const place = (value) => left + ((right - left) * value) / 1000;
      visible = events.filter(({ x }) => (low === 0 || x >= place(low)) && (high === 1000 || x <= place(high)));
      list.style.height = `${visible.length * height}px`;
      said.textContent = `${visible.length} of ${events.length} events`;
      const time = (event) => (event?.text.match(/-?[\d.]+ (?:µs|ms|s)/) ?? ["no event"])[0];
      from.setAttribute("aria-valuetext", time(visible[0]));
      to.setAttribute("aria-valuetext", time(visible[visible.length - 1]));
      if (low === 0 && high === 1000) shade.remove();
      else {
        shade.setAttribute("x", place(low));
        shade.setAttribute("width", Math.max(1, place(high) - place(low)));
        drawing.append(shade);
      }
      box.scrollTop = 0;
      draw();
    }

    // Dragging across the drawing sets it, too; a click sets it back.
    function value(event) {
      const area = drawing.getBoundingClientRect();
      const x = ((event.clientX - area.left) / area.width) * drawing.viewBox.baseVal.width;
      return Math.round(Math.min(1000, Math.max(0, ((x - left) / (right - left)) * 1000)));
    }
    let start = null;
    drawing.addEventListener("pointerdown", (event) => {
      if (event.button === 0) start = value(event);
    });
    addEventListener("pointercancel", () => (start = null));
    addEventListener("pointerup", (event) => {
      if (start === null) return;
      const end = value(event);
      const isDrag = Math.abs(end - start) > 5;
      [from.value, to.value] = isDrag ? [Math.min(start, end), Math.max(start, end)] : [0, 1000];
      start = null;
      choose();
    });

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
