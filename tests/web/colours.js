// Each text of a stele with its colour and the colour that it stands on, as RGB.
() => {
  const found = [], walker = document.createTreeWalker(document.querySelector(".stele"), NodeFilter.SHOW_TEXT);
  const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    paint.clearRect(0, 0, 1, 1);
    paint.fillStyle = colour;
    paint.fillRect(0, 0, 1, 1);
    return [...paint.getImageData(0, 0, 1, 1).data];
  };
  const ground = (one) => {
    while (rgba(getComputedStyle(one).backgroundColor)[3] < 255) one = one.parentElement;
    return rgba(getComputedStyle(one).backgroundColor).slice(0, 3);
  };
  while (walker.nextNode()) {
    const holder = walker.currentNode.parentElement, text = walker.currentNode.textContent.trim();
    if (!text || !holder.checkVisibility() || holder.closest(".visually-hidden")) continue;
    found.push([text, rgba(getComputedStyle(holder).color).slice(0, 3), ground(holder)]);
  }
  return found;
}
