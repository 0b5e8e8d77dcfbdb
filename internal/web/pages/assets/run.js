// Shows what has changed on a page that is open: the server sends the parts, made
// as a reload would make them. Without this script the page is asked for again.
// While nobody sees the page nothing is asked for: browsers keep six connections
// to one place and no more, and the tab that is seen needs one, too. Who listens
// anew is sent all parts, so nothing is missed by it.
for (const box of document.querySelectorAll("[data-live]")) {
  const lost = box.querySelector("[data-lost]");
  let source, over = false;
  const show = (event) => {
    const part = JSON.parse(event.data);
    const old = document.getElementById(part.id);
    const made = document.createElement("template");
    made.innerHTML = part.html;
    if (!old || old.innerHTML === made.innerHTML) return;
    const open = [...old.querySelectorAll("details[open][id]")].map((d) => d.id);
    const focus = old.contains(document.activeElement) ? document.activeElement.id : "";
    old.replaceChildren(made.content);
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    if (focus) document.getElementById(focus)?.focus();
  };
  const pause = () => {
    source?.close();
    source = undefined;
  };
  const listen = () => {
    if (over || source || document.hidden) return;
    source = new EventSource(box.dataset.live);
    source.onopen = () => { if (lost) lost.hidden = true; };
    source.onerror = () => {
      if (source?.readyState === EventSource.CLOSED) location.reload(); // locked, or no longer kept
      else if (lost) lost.hidden = false;
    };
    source.addEventListener("part", show);
    source.addEventListener("done", (event) => {
      over = true;
      pause();
      const next = JSON.parse(event.data).next;
      if (next) location.replace(next);
    });
  };
  document.addEventListener("visibilitychange", () => document.hidden ? pause() : listen());
  listen();
}
