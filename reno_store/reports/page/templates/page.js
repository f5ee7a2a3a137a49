"use strict";
(() => {
  document.documentElement.classList.add("js");
  const status = document.getElementById("status");
  const collator = new Intl.Collator("en", { numeric: true });

  // Sorting. A heading goes from none to one direction, to the other, and back to the order
  // that the page came with. Numbers start with the highest, words with the first.

  const readKey = (row, column, numeric) => {
    const place = row.cells[column];
    if (!place || place.classList.contains("reason")) return null;
    if (numeric) return place.dataset.value === undefined ? null : Number(place.dataset.value);
    return place.textContent.trim() || null;
  };

  const sortTable = (table, heading) => {
    const column = heading.cellIndex;
    const parts = Array.from(table.tBodies, (body) => [body, Array.from(body.rows).filter((row) => row.className !== "section")]);
    for (const [, rows] of parts) rows.forEach((row, place) => { row.dataset.place ??= String(place); });
    const numeric = parts.some(([, rows]) => rows.some((row) => row.cells[column]?.dataset.value !== undefined));
    const [first, second] = numeric ? ["descending", "ascending"] : ["ascending", "descending"];
    const before = heading.getAttribute("aria-sort");
    const now = before === null ? first : before === first ? second : null;
    for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
    if (now) heading.setAttribute("aria-sort", now);
    const sign = now === "descending" ? -1 : 1;
    // Each body of a table is a section, and keeps its heading.
    for (const [body, rows] of parts) {
      const keys = new Map(rows.map((row) => [row, readKey(row, column, numeric)]));
      rows.sort((one, other) => {
        const [a, b] = [keys.get(one), keys.get(other)];
        const asBefore = Number(one.dataset.place) - Number(other.dataset.place);
        if (!now) return asBefore;
        // Empty places come last in both directions.
        if (a === null || b === null) return (a === null) - (b === null) || asBefore;
        return sign * (numeric ? a - b : collator.compare(a, b)) || asBefore;
      });
      body.append(...rows);
    }
    status.textContent = now
      ? `sorted by ${heading.textContent.trim()}, ${now}`
      : "in the order that the page came with";
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    for (const button of table.querySelectorAll("thead button.sort")) {
      button.addEventListener("click", () => sortTable(table, button.closest("th")));
    }
  }

  // Copying. A page opened as a file may not be let at the clipboard; then the command is
  // selected, to be copied by hand.

  const select = (node) => {
    const selection = window.getSelection();
    const range = document.createRange();
    range.selectNodeContents(node);
    selection.removeAllRanges();
    selection.addRange(range);
  };

  const copy = async (node) => {
    try {
      await navigator.clipboard.writeText(node.textContent);
      return "copied";
    } catch {
      select(node);
      try {
        if (document.execCommand("copy")) return "copied";
      } catch { /* the selection stays */ }
      return "selected";
    }
  };

  for (const button of document.querySelectorAll("button.copy")) {
    const text = button.textContent;
    button.addEventListener("click", async () => {
      const done = await copy(button.parentElement.querySelector("code"));
      button.textContent = done;
      status.textContent = done === "copied" ? "command copied" : "command selected; copy it";
      setTimeout(() => { button.textContent = text; }, 2000);
    });
  }

  // Figures of one dataset alone.

  document.getElementById("dataset")?.addEventListener("change", (event) => {
    for (const figure of document.querySelectorAll("figure[data-dataset]")) {
      figure.hidden = event.target.value !== "" && figure.dataset.dataset !== event.target.value;
    }
  });

  // The map: the clip that the pointer is at, or that was tapped; a click plays its recording.

  for (const map of document.querySelectorAll(".map")) {
    const detail = map.querySelector(".detail");
    const show = (event) => {
      const point = event.target.closest("svg > use");
      if (!point?.firstElementChild) return;
      map.querySelector(".chosen")?.classList.remove("chosen");
      point.classList.add("chosen");
      detail.textContent = point.firstElementChild.textContent;
      const name = detail.textContent.split(" \u00b7 ")[0];
      if (event.type !== "click") return;
      for (const sound of document.querySelectorAll("audio")) {
        if (sound.dataset.clip === name) sound.play();
        else sound.pause();
      }
    };
    map.addEventListener("pointerover", show);
    map.addEventListener("click", show);
  }

  // A link to a row that is folded away opens what it is in; so does printing.

  const openTarget = () => {
    const target = document.getElementById(location.hash.slice(1));
    const folded = target?.closest("details");
    if (folded && !folded.open) {
      folded.open = true;
      target.scrollIntoView();
    }
  };
  window.addEventListener("hashchange", openTarget);
  openTarget();

  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = Array.from(document.querySelectorAll("details:not([open])"));
    for (const details of opened) details.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
  });
})();
