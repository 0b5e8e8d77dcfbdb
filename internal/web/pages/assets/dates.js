// The day of a deployment's page, moved without asking the server: everything
// with an end says how it stands on that day. The server says the same for ?at=.
"use strict";
(() => {
  const form = document.getElementById("day");
  if (!form) return;
  const date = form.elements.at, slider = form.elements.in, by = document.getElementById("by");
  const now = Number(form.dataset.now), day = 86400, first = Math.floor(now / day) * day;
  const kinds = ["ok", "soon", "urgent", "gone"];
  const count = (n, one, many) => n === 1 ? "1 " + one : n + " " + many;

  function kindOf(left) {
    return left < 0 ? "gone" : left <= 14 ? "urgent" : left <= 30 ? "soon" : "ok";
  }
  function long(left) {
    if (left < -1) return "ended " + -left + " days ago";
    if (left === -1) return "ended yesterday";
    return left === 0 ? "ends today" : count(left, "day", "days");
  }
  function short(left) {
    if (left < 0) return "ended";
    if (left >= 2 * 365) return Math.floor(left / 365) + " years";
    return left === 0 ? "today" : count(left, "day", "days");
  }
  function judge(at) {
    for (const each of document.querySelectorAll("[data-until]")) {
      const until = Number(each.dataset.until), left = Math.floor((until - at) / day);
      const inPicture = each.querySelector(".left"), gone = at >= until;
      each.classList.remove(...kinds);
      each.classList.add(inPicture && gone ? "gone" : kindOf(left));
      if (inPicture) inPicture.textContent = gone ? "ended" : short(left);
      else each.textContent = long(left);
    }
    const dark = [...document.querySelectorAll(".darkening tr")].reduce((n, row) => {
      const badge = row.querySelector("[data-until]");
      return n + (badge && at >= Number(badge.dataset.until) ? 1 + Number(row.dataset.more || 0) : 0);
    }, 0);
    const said = new Date(at * 1000).toLocaleDateString("en-GB", {day: "numeric", month: "long", year: "numeric", timeZone: "UTC"});
    by.textContent = (dark ? count(dark, "thing has", "things have") : "Nothing has") + " gone dark by " + said;
  }
  function move(to) {
    judge(to === first ? now : to);
  }
  slider.addEventListener("input", () => {
    const to = first + Number(slider.value) * day;
    date.value = new Date(to * 1000).toISOString().slice(0, 10);
    slider.setAttribute("aria-valuetext", date.value);
    move(to);
  });
  date.addEventListener("input", () => {
    const to = Date.parse(date.value + "T00:00:00Z") / 1000;
    if (Number.isNaN(to)) return;
    slider.value = (to - first) / day;
    move(to);
  });
  slider.closest("[hidden]").hidden = false;
})();
