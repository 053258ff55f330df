// Only comfort: a mark that has the focus shows its message; left and right go from mark to mark.
(() => {
  const marks = [...document.querySelectorAll("svg a.mark")];
  const show = (mark) => {
    const article = document.getElementById(mark.getAttribute("href").slice(1));
    document.querySelectorAll("article.shown").forEach((one) => one.classList.remove("shown"));
    if (!article) return;
    article.classList.add("shown");
    const pane = article.closest(".pane");
    if (pane && pane.scrollHeight > pane.clientHeight) {
      pane.scrollTop += article.getBoundingClientRect().top - pane.getBoundingClientRect().top - 8;
    }
  };
  marks.forEach((mark, number) => {
    mark.addEventListener("focus", () => show(mark));
    mark.addEventListener("keydown", (event) => {
      const next = { ArrowRight: number + 1, ArrowLeft: number - 1 }[event.key];
      if (next !== undefined && marks[next]) { event.preventDefault(); marks[next].focus(); }
    });
  });
})();
