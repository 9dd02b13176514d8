// Helps while one types: titles of occupations as suggestions, and results without leaving the page.
// Everything works without it.

const input = document.querySelector("input[data-titles]");
if (input) {
  const list = document.createElement("datalist");
  list.id = "occupation-titles";
  let isAsked = false;
  input.addEventListener("input", async () => {
    if (isAsked) return;
    isAsked = true;
    const answer = await fetch(input.dataset.titles).catch(() => null);
    if (!answer?.ok) return;
    for (const title of await answer.json()) {
      list.append(new Option(title, title));
    }
    input.after(list);
    input.setAttribute("list", list.id);
  });
}

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
    for (const link of document.querySelectorAll(".languages a")) {
      const same = page.querySelector(`.languages a[hreflang="${link.hreflang}"]`);
      if (same) link.href = same.getAttribute("href");
    }
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const asked = new URLSearchParams(new FormData(form));
    show(`${form.action}?${asked}`, true);
  });
  // A jump within the page says "popstate" too.
  window.addEventListener("popstate", () => {
    if (location.search !== shown) location.reload();
  });
}
