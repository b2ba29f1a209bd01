// The filter box of an access review. The page is complete without this script, which reads what stands in it.
"use strict";
(() => {
  const form = document.querySelector("#find");
  if (!form) return;
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const wanted = document.querySelector("#wanted");
  const sections = all(".tenant").map((tenant) => ({
    tenant,
    parts: all(".standing, .findings", tenant).map((part) => ({
      part,
      kind: part.matches(".findings") ? "told" : part.matches(".forget") ? "gone" : "live",
      rows: all("tbody tr, .findings > ul > li", part).map((row) => ({ row, text: textOf(row, part, tenant) })),
    })),
  }));
  const totals = counted(() => true);

  function textOf(row, part, tenant) {
    const about = [tenant.querySelector("h2 span"), part.querySelector("h3"), ...(row.cells ?? [row])];
    return about.map((element) => element.textContent).join("\n").toLowerCase();
  }

  function counted(counts) {
    const found = { told: 0, gone: 0, live: 0 };
    for (const { parts } of sections) {
      for (const { kind, rows } of parts) found[kind] += rows.filter(({ row }) => counts(row)).length;
    }
    return found;
  }

  function said(shown, total) {
    return `${shown === total ? "" : `${shown.toLocaleString("en")} of `}${total.toLocaleString("en")}`;
  }

  function filter() {
    const terms = wanted.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const { tenant, parts } of sections) {
      for (const { part, rows } of parts) {
        for (const { row, text } of rows) row.hidden = !terms.every((term) => text.includes(term));
        part.hidden = rows.every(({ row }) => row.hidden);
      }
      tenant.hidden = terms.length > 0 && parts.every(({ part }) => part.hidden);
    }
    const shown = counted((row) => !row.hidden);
    document.querySelector("#nothing").hidden = shown.live + shown.gone > 0;
    const word = totals.live === 1 ? "membership" : "memberships";
    const gone = totals.gone ? ` and ${said(shown.gone, totals.gone)} removed` : "";
    const by = terms.length ? `, filtered by: ${wanted.value.trim()}` : "";
    document.querySelector("#count").textContent = `${said(shown.live, totals.live)} ${word}${gone} shown${by}`;
  }

  filter();
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
})();
