// A list follows what is typed into its form: the same address is asked for as
// by the form's button, and the part of the page that has the answer is put in
// place. Without this, the button does it.
for (const form of document.querySelectorAll("form[data-live]")) {
  const part = form.dataset.live;
  let waiting, asked;
  const show = async () => {
    clearTimeout(waiting);
    asked?.abort();
    asked = new AbortController();
    const filled = [...new FormData(form)].filter(([, value]) => value !== "");
    const address = form.action.split("?")[0] + (filled.length ? "?" + new URLSearchParams(filled) : "");
    try {
      const answer = await fetch(address, { signal: asked.signal });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const found = page.getElementById(part);
      if (!answer.ok || !found) { location.href = address; return; }
      document.getElementById(part).replaceChildren(...found.childNodes);
      history.replaceState(null, "", address);
    } catch (error) {
      if (error.name !== "AbortError") form.submit();
    }
  };
  form.addEventListener("input", (event) => {
    clearTimeout(waiting);
    waiting = setTimeout(show, event.target.type === "search" ? 250 : 0);
  });
  form.addEventListener("submit", (event) => { event.preventDefault(); show(); });
}
