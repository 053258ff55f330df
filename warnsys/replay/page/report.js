// Only comfort: a mark that has the focus shows its message below; left and right go from mark to mark.
(() => {
  const marks = [...document.querySelectorAll("svg a.mark")];
  const preview = document.getElementById("preview");
  preview.hidden = marks.length === 0;
  const show = (mark) => {
    const article = document.getElementById(mark.getAttribute("href").slice(1));
    document.querySelectorAll(".shown").forEach((one) => one.classList.remove("shown"));
    [mark, article].forEach((one) => one.classList.add("shown"));
    const copy = article.cloneNode(true);
    copy.removeAttribute("id");
    copy.classList.remove("shown");
    const link = document.createElement("a");
    link.href = mark.getAttribute("href");
    link.textContent = "In der Liste zeigen";
    copy.append(link);
    preview.replaceChildren(copy);
    preview.scrollIntoView({ block: "nearest" });
    const pane = article.closest(".pane");
    pane.scrollTop += article.getBoundingClientRect().top - pane.getBoundingClientRect().top - 8;
  };
  marks.forEach((mark, number) => {
    mark.addEventListener("focus", () => show(mark));
    mark.addEventListener("click", (event) => { event.preventDefault(); mark.focus(); show(mark); });
    mark.addEventListener("keydown", (event) => {
      const next = { ArrowRight: number + 1, ArrowLeft: number - 1 }[event.key];
      if (next !== undefined && marks[next]) { event.preventDefault(); marks[next].focus(); }
    });
  });
})();
