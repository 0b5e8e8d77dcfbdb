// A file can be dropped onto its field, and the name of the chosen one is shown. Without this script it is chosen as ever.
for (const drop of document.querySelectorAll('.drop')) {
  const input = drop.querySelector('input[type=file]');
  const text = drop.querySelector('.drop-text');
  const over = (event, on) => { event.preventDefault(); drop.classList.toggle('over', on); };
  drop.addEventListener('dragover', (event) => over(event, true));
  drop.addEventListener('dragleave', (event) => over(event, false));
  drop.addEventListener('drop', (event) => {
    over(event, false);
    if (event.dataTransfer.files.length === 1) {
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event('change'));
    }
  });
  input.addEventListener('change', () => {
    if (input.files.length) text.textContent = 'Chosen: ' + input.files[0].name;
  });
}
