// The filter box of an access review. The page is complete without this script, which reads what stands in it.
"use strict";
(() => {
  const form = document.querySelector("#find");
  if (!form) return;
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const wanted = document.querySelector("#wanted");
  const sections = all(".tenant").map((tenant) => ({
    tenant,
    parts: all(".standing", tenant).map((part) => ({
      part,
      rows: all("tbody tr", part).map((row) => ({ row, text: textOf(row, part, tenant) })),
    })),
  }));
  const total = all(".standing tbody tr").length;

  function textOf(row, part, tenant) {
    const about = [tenant.querySelector("h2 span"), part.querySelector("h3"), ...row.cells];
    return about.map((element) => element.textContent).join("\n").toLowerCase();
  }

  function filter() {
    const terms = wanted.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const { tenant, parts } of sections) {
      let inTenant = 0;
      for (const { part, rows } of parts) {
        let inPart = 0;
        for (const { row, text } of rows) {
          row.hidden = !terms.every((term) => text.includes(term));
          inPart += !row.hidden;
        }
        part.hidden = !inPart;
        inTenant += inPart;
      }
      tenant.hidden = terms.length > 0 && !inTenant;
      shown += inTenant;
    }
    document.querySelector("#nothing").hidden = shown > 0;
    const counted = shown === total ? "" : `${shown.toLocaleString("en")} of `;
    const word = total === 1 ? "membership" : "memberships";
    const by = terms.length ? `, filtered by: ${wanted.value.trim()}` : "";
    document.querySelector("#count").textContent = `${counted}${total.toLocaleString("en")} ${word} shown${by}`;
  }

  filter();
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
})();
