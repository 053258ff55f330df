// Of each selector of a document's styles whether it dresses anything there. What the gallery adds of its own is not asked.
() => {
  const found = {};
  const plain = (selector) =>
    selector.replace(/(^|[\s>+~])::?(before|after|focus)(?![\w-])/g, "$1*").replace(/::?(before|after|focus)(?![\w-])/g, "");
  const walk = (rules) => {
    for (const rule of rules) {
      if (rule.cssRules?.length) walk(rule.cssRules);
      for (const one of (rule.selectorText || "").split(/,(?![^(]*\))/).map((text) => text.trim())) {
        if (one) found[one] = Boolean(document.querySelector(plain(one)));
      }
    }
  };
  for (const sheet of document.styleSheets) if (!("own" in sheet.ownerNode.dataset)) walk(sheet.cssRules);
  return found;
}
