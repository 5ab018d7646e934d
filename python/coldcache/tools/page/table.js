// Tables sort by the buttons in their heads; those with tools above them filter, too.
(() => {
  "use strict";

  function sorts(table) {
    const heads = [...table.tHead.rows[0].cells];
    const body = table.tBodies[0];
    heads.forEach((head, place) => {
      if (head.tagName !== "TH") return;
      const isNumber = head.classList.contains("n");
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const before = head.getAttribute("aria-sort");
        const isDown = before ? before === "ascending" : isNumber;
        const value = (row) => {
          const text = row.cells[place].textContent.trim();
          return isNumber ? parseFloat(text.replaceAll(",", "") || "-1") : text;
        };
        const rows = [...body.rows].map((row) => [value(row), row]);
        rows.sort(([one], [other]) => (isNumber ? one - other : one.localeCompare(other)));
        if (isDown) rows.reverse();
        body.append(...rows.map(([, row]) => row));
        heads.forEach((it) => it.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", isDown ? "descending" : "ascending");
      });
    });
  }

  function filters(tools, table) {
    const text = tools.querySelector(".filter-text");
    const choices = [...tools.querySelectorAll(".filter-choice")];
    const found = tools.querySelector(".filter-found");
    const rows = [...table.tBodies[0].rows].map((row) => [row, row.textContent.toLowerCase()]);
    function apply() {
      const wanted = text.value.trim().toLowerCase();
      let number = 0;
      for (const [row, content] of rows) {
        const fits = content.includes(wanted)
          && choices.every((it) => !it.value || row.dataset[it.name] === it.value);
        row.hidden = !fits;
        number += fits;
      }
      found.textContent = number === 1 ? "1 statement" : `${number} statements`;
    }
    text.addEventListener("input", apply);
    choices.forEach((choice) => choice.addEventListener("change", apply));
    tools.hidden = false;
  }

  for (const place of document.querySelectorAll(".sortable")) {
    const table = place.querySelector("table");
    sorts(table);
    const tools = place.querySelector(".tools");
    if (tools) filters(tools, table);
  }
})();
