// Results without leaving the page.
// Everything works without it.

const form = document.getElementById("search");
const results = document.getElementById("results");
if (form && results) {
  let latest = 0;
  let shown = location.search;
  const show = async (address, remember) => {
    const mine = ++latest;
    const answer = await fetch(address, { headers: { Accept: "text/html" } }).catch(() => null);
    if (mine !== latest) return;
    if (!answer?.ok) {
      location.assign(address);
      return;
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    results.replaceChildren(...page.getElementById("results").childNodes);
    document.getElementById("announcement").textContent =
      results.querySelector(".count")?.textContent ?? results.querySelector("h2")?.textContent ?? "";
    if (remember) history.pushState(null, "", address);
    shown = location.search;
    // The focus stays where somebody types; what was found comes into view.
    if (results.getBoundingClientRect().top > innerHeight / 2) results.scrollIntoView();
    for (const link of document.querySelectorAll(".languages a")) {
      const same = page.querySelector(`.languages a[hreflang="${link.hreflang}"]`);
      if (same) link.href = same.getAttribute("href");
    }
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const address = new URL(form.action);
    address.search = new URLSearchParams(new FormData(form));
    show(address, true);
  });
  // A jump within the page says "popstate" too.
  window.addEventListener("popstate", () => {
    if (location.search !== shown) location.reload();
  });
}
