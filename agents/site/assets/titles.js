// Offers titles of occupations while one types, in every field that names where they are. Everything works without it.

const inputs = document.querySelectorAll("input[data-titles]");
let list = null;
for (const input of inputs) {
  input.addEventListener(
    "input",
    async () => {
      if (!list) {
        list = document.createElement("datalist");
        list.id = "occupation-titles";
        document.body.append(list);
        const answer = await fetch(input.dataset.titles).catch(() => null);
        for (const title of answer?.ok ? await answer.json() : []) list.append(new Option(title, title));
      }
      input.setAttribute("list", list.id);
    },
    { once: true },
  );
}
