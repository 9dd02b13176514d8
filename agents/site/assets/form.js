// After "add a row" the page comes back: go on where the person was. Everything works without it.

const form = document.querySelector("form[data-focus]");
const name = form?.dataset.focus;
if (name) {
  const rows = document.getElementById(name)?.querySelectorAll("input, select, textarea");
  const empty = [...(rows ?? [])].find((each) => each.value === "");
  (empty ?? rows?.[0])?.focus();
} else {
  document.getElementById("problems")?.focus();
}
