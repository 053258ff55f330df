// Only comfort: a mark that has the focus shows its message below; left and right go from mark to mark.
(() => {
  const marks = [...document.querySelectorAll("svg a.mark")];
  const preview = document.getElementById("preview");
  preview.hidden = marks.length === 0;
  const show = (mark) => {
    const articles = mark.dataset.all.split(" ").map((id) => document.getElementById(id));
    document.querySelectorAll(".shown").forEach((one) => one.classList.remove("shown"));
    [mark, ...articles].forEach((one) => one.classList.add("shown"));
    preview.replaceChildren(...articles.map((article) => {
      const copy = article.cloneNode(true);
      copy.removeAttribute("id");
      copy.classList.remove("shown");
      const link = document.createElement("a");
      link.href = "#" + article.id;
      link.textContent = "In der Liste zeigen";
      copy.append(link);
      return copy;
    }));
    preview.scrollIntoView({ block: "nearest" });
    const pane = articles[0].closest(".pane");
    pane.scrollTop += articles[0].getBoundingClientRect().top - pane.getBoundingClientRect().top - 8;
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
