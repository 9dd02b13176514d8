// Asks the browser for a passkey, and sends its answer with the form that the page has. Nothing else needs a script.

const has = typeof PublicKeyCredential !== "undefined" && "parseRequestOptionsFromJSON" in PublicKeyCredential;

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const say = (what) => {
    for (const each of form.querySelectorAll("[data-say]")) each.hidden = each.dataset.say !== what;
  };
  if (!has) say("none");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!has) return;
    say("");
    try {
      const options = JSON.parse(form.dataset.options);
      const credential =
        form.dataset.passkey === "make"
          ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
          : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
      form.elements.answer.value = JSON.stringify(credential.toJSON());
      form.submit();
    } catch {
      say("failed");
    }
  });
}
