// A page that is left forgets the passwords that were typed into it: browsers keep whole pages to go back to.
addEventListener('pagehide', () => {
  for (const field of document.querySelectorAll('input[type=password]')) field.value = '';
});
