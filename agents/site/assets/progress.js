// Shows how far long work is while it goes on. Without this the page asks again by itself.

for (const box of document.querySelectorAll("[data-progress]")) {
  const status = box.querySelector("[role=status]");
  const bar = box.querySelector("progress");
  const stream = new EventSource(box.dataset.progress);
  stream.addEventListener("progress", (message) => {
    const state = JSON.parse(message.data);
    if (state.over) {
      stream.close();
      location.reload();
      return;
    }
    if (status.textContent !== state.text) status.textContent = state.text;
    if (state.of) {
      bar.max = state.of;
      bar.value = state.done;
    } else {
      bar.removeAttribute("value");
    }
  });
  // The browser connects again by itself, unless it was refused: signed out, or too many pages listen.
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 5000);
  });
}
