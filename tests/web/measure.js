// What a page shows: the words that stand whole on it, and what is cut or stands on something else.
() => {
  const shown = [], faults = [], words = [];
  const box = (one) => {
    const { left, top, right, bottom } = one.getBoundingClientRect();
    return { left, top, right, bottom };
  };
  const root = [document.body, document.documentElement];
  const clips = (one) => {
    const found = [{ left: 0, top: 0, right: innerWidth, bottom: innerHeight }];
    for (; one; one = one.parentElement) {
      if (!root.includes(one) && getComputedStyle(one).overflow !== "visible") found.push(box(one));
    }
    return found;
  };
  const within = (one, clip) =>
    one.left > clip.left - 1.5 && one.top > clip.top - 1.5 && one.right < clip.right + 1.5 && one.bottom < clip.bottom + 1.5;
  const meet = (one, other) =>
    Math.min(one.right, other.right) - Math.max(one.left, other.left) > 2 && Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 1;
  const kin = (one, other) => one === other || one.contains(other) || other.contains(one);

  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, holder = node.parentElement, text = node.textContent.trim();
    if (!text || !holder.checkVisibility({ visibilityProperty: true }) || holder.closest(".visually-hidden, script")) continue;
    const range = document.createRange(), pager = holder.closest(".pager");
    range.selectNodeContents(node);
    let whole = true;
    for (const rect of range.getClientRects()) {
      if (rect.width < 1 || rect.height < 1) continue;
      const slack = rect.height * 0.2; // a font's box is higher than its letters
      const line = { left: rect.left, top: rect.top + slack, right: rect.right, bottom: rect.bottom - slack };
      if (pager && (line.left >= box(pager).right - 1 || line.right <= box(pager).left + 1)) {
        whole = false; // it stands on another page
        continue;
      }
      if (!clips(holder).every((clip) => within(line, clip))) {
        whole = false;
        faults.push(`cut: ${text.slice(0, 40)}`);
      }
      for (const one of shown) {
        if (!kin(one.holder, holder) && meet(line, one.line)) faults.push(`over each other: ${text.slice(0, 30)} | ${one.text.slice(0, 30)}`);
      }
      shown.push({ holder, line, text });
    }
    if (whole) words.push(text);
  }
  for (const code of document.querySelectorAll(".code")) {
    if (!code.checkVisibility()) continue;
    const place = box(code);
    if (!clips(code).every((clip) => within(place, clip))) faults.push("cut: the code");
    for (const one of shown) {
      if (meet(one.line, place)) faults.push(`over the code: ${one.text.slice(0, 40)}`);
    }
  }
  const largest = document.querySelector("#first h1, #first .what");
  return {
    faults,
    words: words.join(" ").replace(/\s+/g, " "),
    count: Math.max(1, ...pagers().map((one) => columns(one).count)),
    largest: largest ? parseFloat(getComputedStyle(largest).fontSize) : 0,
  };
}
