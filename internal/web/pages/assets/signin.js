// Goes on by itself when the sign-in is done, and shows the address or the code as soon as there is one.
const waiting = document.querySelector('[data-watch]');
if (waiting) {
  const events = new EventSource(waiting.dataset.watch);
  const again = () => { events.close(); location.reload(); };
  events.addEventListener('done', again);
  if (waiting.dataset.asked === 'no') events.addEventListener('changed', again);
}
