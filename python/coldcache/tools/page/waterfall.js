// The waterfall unfolds: "+12" in a row becomes a button that shows the imports left out there.
(() => {
  "use strict";
  const UNITS = 1000;
  const DEEPEST = 12;
  const USUAL = new Set(["bytecode", "extension", "builtin", "frozen", "unknown"]);

  const ms = (us) => (us / 1000).toFixed(us < 99950 ? 1 : 0);
  const depthOf = (row) => Number(row.dataset.depth);

  function enhance(table) {
    // The flame graph beside it has all imports.
    const data = JSON.parse(table.parentElement.querySelector(".flame-data").textContent);
    const inside = new Map();
    data.frames.forEach((row, id) => {
      const [up, name, , total, style, kind, own, kilobytes, place, start] = row;
      if (kind === undefined) return;
      const texts = { style: data.texts[style], kind: data.texts[kind], place: data.texts[place] };
      if (!inside.has(up)) inside.set(up, []);
      inside.get(up).push({ id, name, total, own, kilobytes, start, ...texts });
    });
    const model = table.querySelector("tr:not(.phase)[data-frame]");

    const at = (us) => UNITS * Math.min(Math.max((us - table.dataset.zero) / table.dataset.span, 0), 1);
    const box = (from, to) => `M${from.toFixed(1)} 4H${Math.max(to, from + 0.5).toFixed(1)}V16H${from.toFixed(1)}z`;

    function ownParts(one) {
      const parts = [];
      let until = one.start;
      for (const inner of inside.get(one.id) ?? []) {
        if (inner.start > until) parts.push(box(at(until), at(inner.start)));
        until = Math.max(until, inner.start + inner.total);
      }
      if (one.start + one.total > until) parts.push(box(at(until), at(one.start + one.total)));
      return parts.join("");
    }

    function count(one) {
      let number = 0;
      const pending = [...(inside.get(one.id) ?? [])];
      while (pending.length) {
        number += 1;
        pending.push(...(inside.get(pending.pop().id) ?? []));
      }
      return number;
    }

    function make(tag, className, text) {
      const element = document.createElement(tag);
      element.className = className;
      element.textContent = text;
      return element;
    }

    function more(text, label, row) {
      const button = make("button", "more", text);
      button.type = "button";
      button.setAttribute("aria-label", label);
      button.addEventListener("click", () => unfold(row, button));
      return button;
    }

    function fill(one, depth) {
      const row = model.cloneNode(true);
      row.dataset.frame = one.id;
      row.dataset.depth = depth;
      const name = row.querySelector("th");
      name.className = `name d${Math.min(depth, DEEPEST)}`;
      const line = name.querySelector("span");
      line.replaceChildren(make("code", "", one.name));
      if (!USUAL.has(one.kind)) line.append(make("small", "", one.kind));
      const number = count(one);
      if (number) line.append(more(`+${number}`, `${number} more imports in ${one.name}`, row));
      row.querySelector(".total").textContent = ms(one.total);
      row.querySelector("td.own").textContent = ms(one.own);
      row.querySelector(".mb").textContent = one.kilobytes === null ? "" : (one.kilobytes / 1000).toFixed(1);
      row.querySelector(".place code").textContent = one.place;
      const bar = row.querySelector(".b");
      bar.setAttribute("class", `b ${one.style}`);
      bar.querySelector(".all").setAttribute("d", box(at(one.start), at(one.start + one.total)));
      bar.querySelector(".own").setAttribute("d", ownParts(one));
      return row;
    }

    /** The row after all those inside *row*. */
    function after(row) {
      let next = row.nextElementSibling;
      while (next && depthOf(next) > depthOf(row)) next = next.nextElementSibling;
      return next;
    }

    function unfold(row, button) {
      let first = null;
      let here = row.nextElementSibling;
      for (const one of inside.get(Number(row.dataset.frame)) ?? []) {
        if (here && Number(here.dataset.frame) === one.id) {
          here = after(here);
          continue;
        }
        const added = fill(one, depthOf(row) + 1);
        row.parentElement.insertBefore(added, here);
        first ??= added.querySelector("th");
      }
      button.remove();
      if (!first) return;
      first.tabIndex = -1;
      first.focus();
    }

    if (!model) return;
    for (const text of table.querySelectorAll(".more")) {
      text.replaceWith(more(text.textContent, text.title, text.closest("tr")));
    }
  }

  document.querySelectorAll("table.waterfall").forEach(enhance);
})();
