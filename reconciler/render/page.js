// Search, filters, folding and the theme. The page is complete without this script, which reads what stands in it.
"use strict";
(() => {
  const find = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const FEW = 2000; // with so few changes left the browser may as well lay them all out

  const form = find("#filters");
  const fold = find("#fold");
  const theme = find("#theme");
  const darkness = matchMedia("(prefers-color-scheme: dark)");

  // What is searched, read from the page once: groups, in them blocks of one action, in them lists of changes.
  function readList(element, address) {
    const items = all("li", element);
    return {
      element,
      items,
      hidden: new Uint8Array(items.length),
      texts: items.map((item) => `${address}/${item.textContent}`.toLowerCase()),
      users: items.map((item) => ["code", "small"].map((name) => find(name, item)?.textContent).join(" ").toLowerCase()),
    };
  }

  function readBlock(element, address) {
    const heading = find("h4", element);
    const lists = all("ul", element).map((list) => readList(list, address));
    const total = lists.reduce((sum, list) => sum + list.items.length, 0);
    return { element, heading, says: heading.textContent.toLowerCase(), lists, total, action: element.classList[0] };
  }

  function readGroup(element, tenant, position) {
    const address = `${tenant}/${find("h3", element).textContent}`;
    const left = find(".left", element);
    return {
      element,
      details: find("details", element),
      tenant: String(position),
      name: find("summary", element).textContent.toLowerCase(),
      blocks: all("div:not(.left)", element).map((block) => readBlock(block, address)),
      left,
      leftText: left ? `${address} ${left.textContent}`.toLowerCase() : "",
    };
  }

  // What a tenant's changes come to for its users, each difference with the users who share it.
  function readAccess(element, tenant) {
    const text = (effect) => `${tenant} ${effect.textContent}`.toLowerCase();
    return {
      element,
      folds: all("details", element).filter((details) => !details.closest(".effect")),
      effects: all(".effect", element).map((effect) => ({ element: effect, text: text(effect) })),
    };
  }

  function readTenant(element, position) {
    const name = find("h2 span", element).textContent;
    return {
      element,
      position: String(position),
      access: all(".access", element).map((access) => readAccess(access, name)),
      groups: all(".group", element).map((group) => readGroup(group, name, position)),
    };
  }

  let read;
  const tenants = () => (read ??= all(".tenant").map(readTenant));

  function wishes() {
    const value = (id) => find(id).value.toLowerCase().trim();
    return {
      terms: value("#search").split(/\s+/).filter(Boolean),
      tenant: find("#tenant").value,
      group: value("#group"),
      user: value("#user"),
      actions: all("input[name=action]:checked", form).map((box) => box.value),
    };
  }

  function fits(text, heading, wish) {
    return wish.terms.every((term) => text.includes(term) || heading.includes(term));
  }

  // Shows what fits of a list; how many that are. Items of a list that is hidden whole are left as they are.
  function filterList(list, block, wish) {
    const count = list.items.length;
    const verdicts = new Uint8Array(count);
    let shown = 0;
    for (let index = 0; index < count; index += 1) {
      const isUser = !wish.user || Boolean(list.users[index]?.includes(wish.user));
      const isShown = isUser && fits(list.texts[index], block.says, wish);
      verdicts[index] = isShown ? 0 : 1;
      shown += isShown;
    }
    list.element.hidden = !shown;
    for (let index = 0; shown && index < count; index += 1) {
      if (verdicts[index] !== list.hidden[index]) list.items[index].hidden = Boolean(verdicts[index]);
    }
    if (shown) list.hidden = verdicts;
    return shown;
  }

  function filterBlock(block, wish) {
    const isAsked = !wish.actions.length || wish.actions.includes(block.action);
    let shown = 0;
    if (isAsked) for (const list of block.lists) shown += filterList(list, block, wish);
    block.element.hidden = !shown;
    if (shown && shown < block.total) block.heading.dataset.shown = shown;
    else delete block.heading.dataset.shown;
    return shown;
  }

  function filterLeft(group, wish) {
    if (!group.left) return false;
    const fitting = wish.terms.every((term) => group.leftText.includes(term)) && group.leftText.includes(wish.user);
    group.left.hidden = wish.actions.length > 0 || !fitting;
    return !group.left.hidden;
  }

  function filterGroup(group, wish) {
    const isAsked = (!wish.tenant || group.tenant === wish.tenant) && group.name.includes(wish.group);
    let shown = 0;
    if (isAsked) for (const block of group.blocks) shown += filterBlock(block, wish);
    group.element.hidden = !(isAsked && (filterLeft(group, wish) || shown));
    if (wish.terms.length || wish.user) group.details.open = true; // what was looked for must not stay folded
    return shown;
  }

  function filterAccess(access, isAsked, wish) {
    const words = [...wish.terms, wish.group, wish.user].filter(Boolean);
    let shown = 0;
    for (const effect of access.effects) {
      const isShown = isAsked && words.every((word) => effect.text.includes(word));
      effect.element.hidden = !isShown;
      shown += isShown;
    }
    access.element.hidden = !isAsked || (words.length > 0 && !shown);
    if (wish.terms.length || wish.user) for (const details of access.folds) details.open = true;
    return !access.element.hidden;
  }

  const total = all(".group li").length;

  function filter() {
    const wish = wishes();
    let shown = 0;
    for (const tenant of tenants()) {
      for (const group of tenant.groups) shown += filterGroup(group, wish);
      const isAsked = !wish.actions.length && (!wish.tenant || tenant.position === wish.tenant);
      const hasAccess = tenant.access.map((access) => filterAccess(access, isAsked, wish)).some(Boolean);
      tenant.element.hidden = !hasAccess && tenant.groups.every((group) => group.element.hidden);
    }
    if (wish.terms.length || wish.user) fold.setAttribute("aria-pressed", "false");
    find("#changes").classList.toggle("few", shown < FEW && shown < total);
    find("#nothing").hidden = tenants().some((tenant) => !tenant.element.hidden);
    tell(shown);
  }

  function tell(shown) {
    const [part, whole] = [shown, total].map((count) => count.toLocaleString("en"));
    const counted = shown === total ? whole : `${part} of ${whole}`;
    find("#count").textContent = `${counted} ${total === 1 ? "entry" : "entries"} shown`;
  }

  let due = 0;
  function filterSoon() {
    cancelAnimationFrame(due);
    due = requestAnimationFrame(filter);
  }

  function clear() {
    form.reset();
    filterSoon();
  }

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") clear();
    if (event.key === "/" && !event.target.matches("input, select")) {
      event.preventDefault();
      find("#search").focus();
    }
  }

  const isDark = () => (document.documentElement.dataset.theme ?? (darkness.matches ? "dark" : "light")) === "dark";
  const nameTheme = () => (theme.textContent = isDark() ? "Light" : "Dark");

  function turnTheme() {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    nameTheme();
  }

  function turnFolds() {
    const isFolded = fold.getAttribute("aria-pressed") !== "true";
    fold.setAttribute("aria-pressed", String(isFolded));
    for (const details of all(".group details")) details.open = !isFolded;
  }

  let folded = [];
  function openForPrint() {
    folded = all("details:not([open])");
    for (const details of folded) details.open = true;
  }

  function foldAfterPrint() {
    for (const details of folded) details.open = false;
  }

  function offerTenants() {
    const names = all(".tenant h2 span").map((name) => name.textContent);
    find("#tenant").append(...names.map((name, position) => new Option(name, String(position))));
  }

  if (form) {
    offerTenants();
    tell(total);
    form.hidden = false;
    form.addEventListener("input", filterSoon);
    form.addEventListener("submit", (event) => event.preventDefault());
    document.addEventListener("keydown", onKey);
    fold.addEventListener("click", turnFolds);
    (window.requestIdleCallback ?? setTimeout)(tenants);
  }
  nameTheme();
  theme.hidden = false;
  theme.addEventListener("click", turnTheme);
  darkness.addEventListener("change", nameTheme);
  addEventListener("beforeprint", openForPrint);
  addEventListener("afterprint", foldAfterPrint);
})();
