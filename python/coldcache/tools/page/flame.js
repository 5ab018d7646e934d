// The flame graph comes to life: zoom, search and keys on what the page shows already.
(() => {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";
  const SMALLEST_PX = 0.7;
  const LETTER_PX = 6.6;

  function read(root) {
    const data = JSON.parse(root.querySelector(".flame-data").textContent);
    const frames = data.frames.map((row, id) => {
      const [up, name, left, width, style, kind, own, kilobytes, place] = row;
      const imported = kind === undefined ? null : {
        kind: data.texts[kind], own, kilobytes, place: data.texts[place],
      };
      return { id, up, name, left, width, style: data.texts[style], imported, depth: 0 };
    });
    for (const frame of frames) {
      if (frame.up >= 0) frame.depth = frames[frame.up].depth + 1;
    }
    return frames;
  }

  const ms = (us) => (us / 1000).toFixed(us < 99950 ? 1 : 0) + " ms";

  function enhance(root) {
    const frames = read(root);
    const graph = root.querySelector(".flame-graph");
    const view = root.querySelector(".flame-view");
    const detail = root.querySelector(".flame-detail");
    const find = root.querySelector(".flame-find");
    const found = root.querySelector(".flame-found");
    const row = Number(graph.dataset.row);
    const ends = frames.map((frame) => frame.left + frame.width);
    const whole = { id: -1, up: -1, left: 0, width: ends.reduce((a, b) => Math.max(a, b), 1), depth: -1 };
    const parent = (frame) => frames[frame.up] ?? whole;
    let zoomed = whole;
    let current = frames[0];
    let hits = new Set();
    let drawn = new Map();

    const isAbove = (frame) => frame.depth < zoomed.depth
      && frame.left <= zoomed.left && ends[frame.id] >= ends[zoomed.id];
    function isBelow(frame) {
      while (frame.depth > zoomed.depth) frame = parent(frame);
      return frame === zoomed;
    }

    function label(frame, px) {
      const letters = Math.floor((px - 8) / LETTER_PX);
      if (letters < 3) return "";
      if (frame.name.length <= letters) return frame.name;
      const last = frame.name.slice(frame.name.lastIndexOf(".") + 1);
      return last.length < letters ? "…" + last.slice(-letters) : last.slice(0, letters - 1) + "…";
    }

    function describe(frame) {
      const parts = [ms(frame.width), share(frame)];
      const it = frame.imported;
      if (it) {
        parts.push(`own ${ms(it.own)}`);
        if (it.kilobytes !== null) parts.push(`${(it.kilobytes / 1000).toFixed(1)} MB`);
        parts.push(it.kind);
        if (it.place) parts.push(`asked for at ${it.place}`);
      }
      return parts.join(", ");
    }

    function share(frame) {
      let phase = frame;
      while (phase.up >= 0) phase = parent(phase);
      const [base, of] = phase === frame ? [whole, "all"] : [phase, phase.name];
      return `${(100 * frame.width / (base.width || 1)).toFixed(1)} % of ${of}`;
    }

    function tell(frame) {
      const name = document.createElement("b");
      name.textContent = frame.name;
      detail.replaceChildren(name, " " + describe(frame));
    }

    function make(frame, left, width, px) {
      // An element svg cuts its text off at its edges, but thousands of them are slow.
      const text = label(frame, px);
      const box = document.createElementNS(SVG, text ? "svg" : "rect");
      box.setAttribute("class", `f ${frame.style}`);
      box.classList.toggle("hit", hits.has(frame));
      box.classList.toggle("above", isAbove(frame));
      box.setAttribute("x", `${left}%`);
      box.setAttribute("y", frame.depth * row);
      box.setAttribute("width", `${width}%`);
      box.setAttribute("height", row - 2);
      box.setAttribute("role", "treeitem");
      box.setAttribute("aria-level", frame.depth + 1);
      box.setAttribute("aria-label", `${frame.name}, ${describe(frame)}`);
      box.setAttribute("tabindex", frame === current ? 0 : -1);
      box.dataset.id = frame.id;
      if (text) {
        const rect = document.createElementNS(SVG, "rect");
        rect.setAttribute("width", "100%");
        rect.setAttribute("height", row - 2);
        box.append(rect);
        const element = document.createElementNS(SVG, "text");
        element.setAttribute("x", 5);
        element.setAttribute("y", 15);
        element.textContent = text;
        box.append(element);
      }
      return box;
    }

    function draw() {
      const full = view.clientWidth || 1000;
      const hadFocus = graph.contains(document.activeElement);
      const boxes = [];
      drawn = new Map();
      let deepest = 0;
      for (const frame of frames) {
        const above = isAbove(frame);
        const px = above ? full : full * frame.width / zoomed.width;
        if (px < SMALLEST_PX || !(above || isBelow(frame))) continue;
        const left = above ? 0 : 100 * (frame.left - zoomed.left) / zoomed.width;
        const box = make(frame, left, above ? 100 : 100 * frame.width / zoomed.width, px);
        drawn.set(frame, box);
        boxes.push(box);
        deepest = Math.max(deepest, frame.depth);
      }
      graph.replaceChildren(...boxes);
      graph.setAttribute("height", row * (deepest + 1));
      graph.classList.toggle("searched", hits.size > 0);
      if (!drawn.has(current)) choose(zoomed === whole ? frames[0] : zoomed, hadFocus);
      else if (hadFocus) drawn.get(current).focus();
    }

    function choose(frame, withFocus = true) {
      drawn.get(current)?.setAttribute("tabindex", -1);
      current = frame;
      const box = drawn.get(frame);
      box?.setAttribute("tabindex", 0);
      if (withFocus) box?.focus();
      tell(frame);
    }

    function zoom(frame) {
      zoomed = frame;
      draw();
    }

    function step(key) {
      const shown = [...drawn.keys()];
      const side = shown.filter((it) => it.depth === current.depth);
      const at = side.indexOf(current);
      switch (key) {
        case "ArrowUp": return current.up >= 0 ? parent(current) : current;
        case "ArrowDown": return shown.find((it) => it.up === current.id);
        case "ArrowLeft": return side[at - 1];
        case "ArrowRight": return side[at + 1];
        case "Home": return side[0];
        case "End": return side[side.length - 1];
        default: return undefined;
      }
    }

    function search() {
      const wanted = find.value.trim().toLowerCase();
      hits = new Set(wanted ? frames.filter((it) => it.imported && it.name.toLowerCase().includes(wanted)) : []);
      let took = 0;
      for (const hit of hits) {
        let up = parent(hit);
        while (up !== whole && !hits.has(up)) up = parent(up);
        if (up === whole) took += hit.width;
      }
      const many = hits.size === 1 ? "1 match" : `${hits.size} matches`;
      found.textContent = wanted ? `${many}, ${ms(took)}` : "";
      draw();
    }

    function nextHit() {
      const after = [...hits].find((it) => it.id > current.id) ?? [...hits][0];
      if (!after) return;
      if (!drawn.has(after)) zoom(parent(after));
      if (!drawn.has(after)) zoom(after);
      choose(after);
      find.focus();
    }

    const target = (event) => frames[event.target.closest?.("[data-id]")?.dataset.id];
    graph.addEventListener("click", (event) => {
      const frame = target(event);
      if (!frame) return;
      choose(frame);
      zoom(frame === zoomed ? parent(frame) : frame);
    });
    graph.addEventListener("mouseover", (event) => { if (target(event)) tell(target(event)); });
    graph.addEventListener("mouseleave", () => tell(current));
    graph.addEventListener("focusin", (event) => { if (target(event)) tell(target(event)); });
    graph.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.key === "Enter" || event.key === " ") zoom(current);
      else if (event.key === "Escape") zoom(parent(zoomed));
      else {
        const next = step(event.key);
        if (next === undefined && !event.key.startsWith("Arrow")) return;
        if (next) choose(next);
      }
      event.preventDefault();
    });
    find.addEventListener("input", search);
    find.addEventListener("keydown", (event) => { if (event.key === "Enter") nextHit(); });
    root.querySelector(".flame-whole").addEventListener("click", () => zoom(whole));

    graph.setAttribute("role", "tree");
    graph.setAttribute("aria-describedby", root.querySelector(".hint").id);
    root.querySelector(".tools").hidden = false;
    detail.hidden = false;
    tell(current);
    draw();
    // Labels depend on the width, which is not known while the event is folded.
    let before = view.clientWidth;
    new ResizeObserver(() => {
      const width = view.clientWidth;
      if (width && width !== before) { before = width; draw(); }
    }).observe(view);
  }

  for (const root of document.querySelectorAll(".flame")) {
    if (JSON.parse(root.querySelector(".flame-data").textContent).frames.length) enhance(root);
  }
})();
